//! Cutting work into parts of nearly equal size.

/// The size of nearly equal parts of `n`, none above `most` (at least 1) but for rounding up to a multiple
/// of `unit`; 1 at least.
pub(crate) fn even(n: usize, most: usize, unit: usize) -> usize {
    if n <= most {
        return n.max(1); // a small kernel notices each division
    }
    n.div_ceil(n.div_ceil(most.max(1))).next_multiple_of(unit)
}

#[cfg(test)]
mod tests {
    use super::even;

    #[test]
    fn parts_are_nearly_equal_and_none_is_too_large() {
        for (n, most, unit, want) in [
            (0, 8, 1, 1),
            (7, 8, 4, 7),
            (9, 8, 1, 5),
            (9, 8, 4, 8),
            (1604, 1024, 1, 802),
            (5, 0, 1, 1),
        ] {
            assert_eq!(even(n, most, unit), want, "{n} in parts of {most}");
        }
    }
}
