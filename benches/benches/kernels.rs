//! Kernels, each at every SIMD level of this machine.
//!
//! Names are `op/dtype/shape/layout/simd/threads`. A case is checked against plain arithmetic in f64
//! before it is timed.

use criterion::{Criterion, Throughput};
use lepton_autograd::Var;
use lepton_benches::inputs::values;
use lepton_benches::suite::{close, named};
use lepton_tensor::Tensor;
use lepton_tensor::ops::{self, Activation, Fold};
use lepton_tensor::simd::{Level, with_level};

mod common;
use common::group_of;

fn tensor(shape: [usize; 2], seed: u64) -> Tensor {
    let data = values(shape[0] * shape[1], seed);
    Tensor::from_vec(data, &shape).expect("as many")
}

/// `a [m, k]` times `b [k, n]` by the definition, in f64.
fn plain_product(a: &Tensor, b: &Tensor) -> Vec<f64> {
    let (m, k, n) = (a.shape()[0], a.shape()[1], b.shape()[1]);
    let (a, b) = (a.to_f64(), b.to_f64());
    let element = |i: usize| {
        let (row, column) = (i / n, i % n);
        (0..k).map(|j| a[row * k + j] * b[j * n + column]).sum()
    };
    (0..m * n).map(element).collect()
}

fn gemm(c: &mut Criterion) {
    let mut group = group_of(c, "kernels");
    for n in [64, 256] {
        let (a, b) = (tensor([n, n], 1), tensor([n, n], 2));
        let turned = b.permute(&[1, 0]).expect("two axes");
        group.throughput(Throughput::Elements(2 * (n as u64).pow(3)));
        for (layout, b) in [("nn", &b), ("nt", &turned)] {
            let want = plain_product(&a, b);
            for level in Level::available() {
                let run = || with_level(level, || ops::matmul(&a, b, None, Activation::None));
                close(&run(), &want, 1e-5 * n as f64);
                let id = named("gemm", "f32", &[n, n, n], layout, level);
                group.bench_function(id, |b| b.iter(run));
            }
        }
    }
}

/// Sums over rows and over columns, whole and of every other column.
fn sums(c: &mut Criterion) {
    let mut group = group_of(c, "kernels");
    let shape = [512, 512];
    let whole = tensor(shape, 1);
    let thinned = whole.slice(1, 0, 256, 2).expect("it fits");
    for (layout, x) in [("contiguous", &whole), ("every_other", &thinned)] {
        group.throughput(Throughput::Bytes(4 * x.numel() as u64));
        for axis in [0, 1] {
            let want = plain_sums(x, axis);
            for level in Level::available() {
                let run = || with_level(level, || ops::reduce(Fold::Sum, x, &[axis]));
                close(&run(), &want, 1e-3);
                let id = named(&format!("sum_axis{axis}"), "f32", x.shape(), layout, level);
                group.bench_function(id, |b| b.iter(run));
            }
        }
    }
}

fn plain_sums(x: &Tensor, axis: usize) -> Vec<f64> {
    let (rows, columns) = (x.shape()[0], x.shape()[1]);
    let v = x.to_f64();
    if axis == 0 {
        let column = |j: usize| (0..rows).map(|i| v[i * columns + j]).sum();
        return (0..columns).map(column).collect();
    }
    v.chunks(columns).map(|row| row.iter().sum()).collect()
}

/// Elementwise functions, as `f32` and as f64 for the check.
type Function = (&'static str, fn(&Var) -> Var, fn(f64) -> f64);

fn elementwise(c: &mut Criterion) {
    let mut group = group_of(c, "kernels");
    let x = Var::from(tensor([256, 256], 1));
    let functions: [Function; 4] = [
        ("square", Var::square, |x| x * x),
        ("exp", Var::exp, f64::exp),
        ("tanh", Var::tanh, f64::tanh),
        ("relu", Var::relu, |x| x.max(0.0)),
    ];
    group.throughput(Throughput::Bytes(8 * x.numel() as u64));
    for (name, f, plain) in functions {
        let want: Vec<f64> = x.tensor().to_f64().into_iter().map(plain).collect();
        for level in Level::available() {
            let run = || with_level(level, || f(&x));
            close(run().tensor(), &want, 1e-6);
            let id = named(name, "f32", x.shape(), "contiguous", level);
            group.bench_function(id, |b| b.iter(run));
        }
    }
}

fn softmax(c: &mut Criterion) {
    let mut group = group_of(c, "kernels");
    let x = tensor([256, 512], 1);
    let row = |row: &[f64]| {
        let total: f64 = row.iter().map(|v| v.exp()).sum();
        row.iter().map(|v| v.exp() / total).collect::<Vec<_>>()
    };
    let want: Vec<f64> = x.to_f64().chunks(512).flat_map(row).collect();
    group.throughput(Throughput::Bytes(8 * x.numel() as u64));
    for level in Level::available() {
        let run = || with_level(level, || ops::softmax(&x, 1, false));
        close(&run(), &want, 1e-6);
        let id = named("softmax", "f32", x.shape(), "contiguous", level);
        group.bench_function(id, |b| b.iter(run));
    }
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    gemm(&mut c);
    elementwise(&mut c);
    sums(&mut c);
    softmax(&mut c);
    c.final_summary();
}
