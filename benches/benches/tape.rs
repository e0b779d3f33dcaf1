//! The tape by itself: ops on one element, so that nothing but recording and the walk is timed.

use criterion::{Criterion, Throughput};
use lepton_autograd::{Tensor, Var, no_grad};
use lepton_benches::suite::{close, named};
use lepton_tensor::simd;

mod common;
use common::group_of;

/// Ops in a chain; half multiply, half add.
const OPS: usize = 200;

fn leaf(x: f64) -> Var {
    Var::leaf(Tensor::from_vec(vec![x], &[1]).expect("one element"))
}

/// `v = v w + a`, over and over from `v = a`.
fn chain(a: &Var, w: &Var) -> Var {
    (0..OPS / 2).fold(a.clone(), |v, _| v * w + a)
}

/// The chain's value and its slope in `a`: both are sums of powers of `w`.
fn plain(a: f64, w: f64) -> (f64, f64) {
    let slope = (0..=OPS / 2).map(|i| w.powi(i as i32)).sum::<f64>();
    (a * slope, slope)
}

fn tape(c: &mut Criterion) {
    let mut group = group_of(c, "tape");
    group.throughput(Throughput::Elements(OPS as u64));
    let (a, w) = (leaf(0.7), leaf(0.9));
    let (value, slope) = plain(0.7, 0.9);
    let id = |what: &str| named(what, "f64", &[1], "contiguous", simd::level());

    let constant = || no_grad(|| chain(&a, &w));
    close(constant().tensor(), &[value], 1e-12);
    group.bench_function(id("forward_unrecorded"), |b| b.iter(constant));

    let recorded = || chain(&a, &w);
    close(recorded().tensor(), &[value], 1e-12);
    group.bench_function(id("forward_recorded"), |b| b.iter(recorded));

    let backward = || chain(&a, &w).backward();
    close(backward().of(&a).expect("it took part"), &[slope], 1e-12);
    group.bench_function(id("forward_backward"), |b| b.iter(backward));

    // Gradients that are themselves recorded; the value is linear in `a`.
    let kept = || chain(&a, &w).grads(std::slice::from_ref(&a)).remove(0);
    close(kept().tensor(), &[slope], 1e-12);
    group.bench_function(id("forward_grads"), |b| b.iter(kept));
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    tape(&mut c);
    c.final_summary();
}
