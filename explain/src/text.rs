//! Numbers as people read them, and text that is safe inside SVG and HTML.

/// The decimal with the fewest significant digits, at least three, that lies in `[low, high)` when
/// `x`, which lies there, is rounded to it; `x` itself if 17 digits do not suffice.
pub(crate) fn shortest_between(x: f64, low: f64, high: f64) -> f64 {
    let rounded = (3..=17).map(|digits| significant(x, digits));
    rounded
        .into_iter()
        .find(|&r| low <= r && r < high)
        .unwrap_or(x)
}

/// `x` rounded to `digits` significant decimal digits.
pub(crate) fn significant(x: f64, digits: usize) -> f64 {
    // Through text, because the nearest f64 to a decimal is what reads back as that decimal.
    format!("{x:.*e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(x)
}
