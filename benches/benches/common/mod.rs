//! What the suites share: short measurements, stable names, and the check before the clock.

#![allow(
    dead_code,
    reason = "each suite is a program of its own and takes what it needs"
)]

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use lepton_tensor::simd::Level;
use lepton_tensor::{Tensor, threads};

/// A group with measurements of a third of a second: a suite is over in under a minute.
pub(crate) fn group_of<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    group
}

/// `op/dtype/shape/layout/simd/threads`.
pub(crate) fn named(op: &str, dtype: &str, shape: &[usize], layout: &str, level: Level) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let (sizes, level, threads) = (sizes.join("x"), level.name(), threads::count());
    format!("{op}/{dtype}/{sizes}/{layout}/{level}/{threads}")
}

/// Panics unless every element of `got` is within `tolerance` of `want`, relative above 1.
#[track_caller]
pub(crate) fn close(got: &Tensor, want: &[f64], tolerance: f64) {
    let got = got.to_f64();
    assert_eq!(got.len(), want.len(), "as many elements");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let near = (g - w).abs() <= tolerance * w.abs().max(1.0);
        assert!(near, "element {i} is {g}, not {w}");
    }
}
