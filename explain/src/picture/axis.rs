//! Where a value lies along an axis, and at which round values the axis is marked.
//!
//! Curves bring whatever a computation left: a loss of 1e300, differences of one last place. So
//! nothing here forms a difference before it is scaled, and ticks are counted before they are made.

use crate::text::number;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// At most as many marks on an axis.
pub(super) const TICKS: usize = 6;

/// The interval `low..high` of an axis, `low < high`, both finite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// From the least to the greatest of `values`, with a little room around a single one; `None`
    /// without values.
    pub(super) fn around(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        if low > high {
            return None;
        }
        let apart = if low == high {
            0.5 * low.abs().max(1e-3)
        } else {
            0.0
        };
        Some(Axis::held(low - apart, high + apart))
    }

    /// With 5 % more on both sides.
    pub(super) fn padded(self) -> Axis {
        let pad = 0.05 * self.high - 0.05 * self.low;
        // A loss near zero shows how near: the axis begins at zero rather than below it.
        let floor = if self.low >= 0.0 { 0.0 } else { f64::MIN };
        Axis::held((self.low - pad).max(floor), self.high + pad)
    }

    fn held(low: f64, high: f64) -> Axis {
        Axis {
            low: low.max(f64::MIN),
            high: high.min(f64::MAX),
        }
    }

    /// `v` as a share of the way from `low` to `high`. Divided by the size of the ends first: their
    /// difference may be too great for a number.
    fn share(&self, v: f64) -> f64 {
        let size = self.low.abs().max(self.high.abs());
        let low = self.low / size;
        (v / size - low) / (self.high / size - low)
    }

    /// The distance between ticks: the smallest of 1, 2 and 5 times a power of ten that makes at
    /// most `most` of them. `None` where the ends are so close that its multiples are no numbers of
    /// their own.
    fn step(&self, most: usize) -> Option<f64> {
        let parts = most.max(2) as f64;
        let least = (self.high / parts - self.low / parts).max(f64::MIN_POSITIVE);
        let power = least.log10().floor() as i32;
        let steps = [(1, 0), (2, 0), (5, 0), (1, 1), (2, 1)];
        let step = steps
            .into_iter()
            // Through text: a power of ten that is computed is not the nearest to it.
            .filter_map(|(m, up)| format!("{m}e{}", power + up).parse::<f64>().ok())
            .filter(|step| step.is_finite())
            .find(|&step| {
                let (first, last) = self.multiples(step);
                last - first < most as f64
            })?;
        let (first, last) = self.multiples(step);
        (first.abs().max(last.abs()) < 1e13).then_some(step)
    }

    /// The first and the last whole number whose product with `step` lies on the axis.
    fn multiples(&self, step: f64) -> (f64, f64) {
        ((self.low / step).ceil(), (self.high / step).floor())
    }

    /// The values to mark, at most `most`.
    fn ticks(&self, most: usize) -> Vec<f64> {
        let Some(step) = self.step(most) else {
            return [self.low, self.high].into_iter().take(most).collect();
        };
        let (first, last) = self.multiples(step);
        (0..)
            .map(|i| first + f64::from(i))
            .take_while(|&i| i <= last)
            .map(|i| (i * step).clamp(self.low, self.high))
            .collect()
    }

    /// The ticks as text.
    pub(super) fn labels(&self) -> Vec<String> {
        self.ticks(TICKS)
            .iter()
            .map(|t| self.format_ext(t))
            .collect()
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, v: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.share(*v)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        self.ticks(hint.max_num_points())
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    /// With as many digits as tell the ticks apart.
    fn format_ext(&self, tick: &f64) -> String {
        let size = self.low.abs().max(self.high.abs());
        let digits = self
            .step(TICKS)
            .map_or(17, |step| (size / step).log10().ceil() as usize + 1);
        number(*tick, digits.max(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn axis(low: f64, high: f64) -> Axis {
        Axis { low, high }
    }

    #[test]
    fn ticks_are_round_values() {
        assert_eq!(
            axis(0.0, 50.0).ticks(6),
            [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
        );
        assert_eq!(axis(1.0, 49.0).ticks(6), [10.0, 20.0, 30.0, 40.0]);
        assert_eq!(
            axis(-0.3, 0.9).ticks(6),
            [-0.2, 0.0, 0.2, 0.4, 0.6000000000000001, 0.8]
        );
        assert_eq!(
            axis(7.0, 7.0_f64.next_up()).ticks(6),
            [7.0, 7.0_f64.next_up()]
        );
        assert_eq!(axis(f64::MIN, f64::MAX).ticks(6), [-1e308, 0.0, 1e308]);
    }

    #[test]
    fn labels_tell_ticks_apart() {
        assert_eq!(axis(0.0, 1.0).format_ext(&0.2), "0.2");
        assert_eq!(axis(1.0, 1.00001).format_ext(&1.000002), "1.000002");
        assert_eq!(axis(0.0, 12e6).format_ext(&2e6), "2000000");
    }

    fn any_axis() -> impl Strategy<Value = Axis> {
        let end =
            proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO;
        let apart = (end, end).prop_map(|(a, b)| Axis::around([a, b].into_iter()).unwrap());
        let near = (end, 0_u64..4000).prop_map(|(a, places)| {
            let b = f64::from_bits(a.to_bits().saturating_add(places));
            Axis::around([a, if b.is_finite() { b } else { a }].into_iter()).unwrap()
        });
        prop_oneof![apart, near]
    }

    proptest! {
        #[test]
        fn every_axis_is_marked_in_order_within_its_ends(whole in any_axis(), most in 2_usize..80) {
            for axis in [whole, whole.padded()] {
                prop_assert!(axis.low < axis.high);
                prop_assert!(axis.low.is_finite() && axis.high.is_finite());
                let ticks = axis.ticks(most);
                prop_assert!(ticks.len() <= most, "{} ticks", ticks.len());
                prop_assert!(ticks.is_sorted_by(|a, b| a < b), "{:?}", ticks);
                let at: Vec<i32> = ticks.iter().map(|t| axis.map(t, (5, 1005))).collect();
                prop_assert!(at.iter().all(|a| (5..=1005).contains(a)), "{:?} at {:?}", ticks, at);
                let labels = axis.labels();
                prop_assert!(labels.windows(2).all(|l| l[0] != l[1]), "{:?}", labels);
            }
        }

        #[test]
        fn the_ends_of_an_axis_are_the_ends_of_the_picture(axis in any_axis()) {
            prop_assert_eq!(axis.map(&axis.low, (1000, 0)), 1000);
            prop_assert_eq!(axis.map(&axis.high, (1000, 0)), 0);
        }
    }
}
