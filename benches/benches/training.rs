//! Whole training steps: forward, loss, backward, optimiser.

use criterion::{Criterion, Throughput};
use lepton_benches::suite::named;
use lepton_benches::{Iteration, find};
use lepton_tensor::simd;

mod common;
use common::group_of;

/// Panics unless twenty steps bring the loss down.
fn learns(step: &mut Iteration) {
    let mut loss = || step().item().expect("one number");
    let first = loss();
    let last = (0..20).map(|_| loss()).last().expect("twenty steps");
    assert!(last < first, "the loss went from {first} to {last}");
}

fn steps(c: &mut Criterion) {
    let mut group = group_of(c, "training");
    let cases = [
        ("train_mlp_boston", [404, 13].as_slice()),
        ("train_mlp_mnist", &[128, 784]),
        ("train_lenet_mnist", &[64, 1, 28, 28]),
    ];
    for (name, shape) in cases {
        let mut step = find(name).expect("a known case").start();
        learns(&mut step);
        group.throughput(Throughput::Elements(shape[0] as u64));
        let id = named(name, "f32", shape, "contiguous", simd::level());
        group.bench_function(id, |b| b.iter(&mut step));
    }
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    steps(&mut c);
    c.final_summary();
}
