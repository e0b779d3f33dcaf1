//! All cases by criterion: `cargo bench -p lepton-benches [-- FILTER]`.
//!
//! Names are `op/dtype/shape/layout/simd/threads`; the small cases run at every SIMD level of this
//! machine. Each result is checked before it is timed.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use lepton_benches::{Case, Unit, known, small};
use lepton_tensor::simd::{self, Level, with_level};
use lepton_tensor::threads;

/// A group with measurements of a third of a second: a suite is over in a few minutes.
fn group_of<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    group
}

fn throughput(case: &Case) -> Throughput {
    let work = case.work();
    match work.unit {
        Unit::Flops => Throughput::Elements(work.flops as u64),
        Unit::Bytes => Throughput::Bytes(work.bytes as u64),
        Unit::Each(n) => Throughput::Elements(n as u64),
    }
}

fn run(group: &mut BenchmarkGroup<'_, WallTime>, case: &Case, level: Level) {
    group.throughput(throughput(case));
    let id = case.id().at(level, threads::count());
    // Inputs are made, and results checked, when criterion's filter asks for the case.
    group.bench_function(id, |b| {
        let mut iteration = case.checked().unwrap_or_else(|wrong| panic!("{wrong}"));
        with_level(level, || b.iter(&mut iteration));
    });
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    let mut group = group_of(&mut c, "cases");
    known()
        .iter()
        .for_each(|case| run(&mut group, case, simd::level()));
    for case in small() {
        for level in Level::available() {
            with_level(level, || run(&mut group, &case, level));
        }
    }
    drop(group);
    c.final_summary();
}
