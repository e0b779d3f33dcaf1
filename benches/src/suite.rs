//! What the suites under `benches/` are built on: stable names, and the check before the clock.

use lepton_tensor::simd::Level;
use lepton_tensor::{Tensor, threads};

/// `op/dtype/shape/layout/simd/threads`.
///
/// ```
/// use lepton_benches::suite::named;
/// use lepton_tensor::simd::Level;
/// let id = named("gemm", "f32", &[4, 5, 6], "nt", Level::Portable);
/// assert!(id.starts_with("gemm/f32/4x5x6/nt/portable/"));
/// ```
pub fn named(op: &str, dtype: &str, shape: &[usize], layout: &str, level: Level) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let (sizes, level, threads) = (sizes.join("x"), level.name(), threads::count());
    format!("{op}/{dtype}/{sizes}/{layout}/{level}/{threads}")
}

/// Checks a result before it is timed.
///
/// # Panics
/// Unless every element of `got` is within `tolerance` of `want`, relative above 1.
#[track_caller]
pub fn close(got: &Tensor, want: &[f64], tolerance: f64) {
    let got = got.to_f64();
    assert_eq!(got.len(), want.len(), "as many elements");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let near = (g - w).abs() <= tolerance * w.abs().max(1.0);
        assert!(near, "element {i} is {g}, not {w}");
    }
}
