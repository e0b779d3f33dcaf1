//! One axis of a correlation, and how its strides become plain steps.

/// Where a tap of the kernel meets the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The tap's place in the kernel.
    pub id: usize,
    /// The image's place that output 0 meets; it may lie outside.
    pub at: isize,
}

/// One axis: output `o` meets the image at `o * step + tap.at`, for each tap.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The image's size.
    pub size: usize,
    /// The number of outputs.
    pub out: usize,
    /// Steps of the image from one output to the next.
    pub step: usize,
    /// The taps.
    pub taps: Vec<Tap>,
    /// Where output 0 is written.
    pub first: usize,
    /// From one output to the next where they are written.
    pub spread: usize,
}

impl Axis {
    /// A convolution's axis: `out` windows of `kernel` taps, `dilation` apart.
    ///
    /// ```
    /// use lepton_tensor::kernel::conv::Axis;
    /// let axis = Axis::forward(5, 2, [3, 2, 1, 1]); // kernel, stride, padding, dilation
    /// assert_eq!(axis.taps.iter().map(|t| t.at).collect::<Vec<_>>(), [-1, 0, 1]);
    /// assert_eq!((axis.out, axis.step), (2, 2));
    /// ```
    pub fn forward(
        size: usize,
        out: usize,
        [kernel, stride, padding, dilation]: [usize; 4],
    ) -> Axis {
        let at = |id: usize| Tap {
            id,
            at: (id * dilation) as isize - padding as isize,
        };
        Axis {
            size,
            out,
            step: stride,
            taps: (0..kernel).map(at).collect(),
            first: 0,
            spread: 1,
        }
    }

    /// The transposed axis, from `out` windows back to an image of `size`: one axis of stride 1 for
    /// each place of the image modulo the stride, with the taps that reach such places.
    ///
    /// ```
    /// use lepton_tensor::kernel::conv::Axis;
    /// // A stride of 2 gives one axis for the even and one for the odd places.
    /// let axes = Axis::back(5, 2, [3, 2, 1, 1]);
    /// assert_eq!(axes.iter().map(|a| (a.first, a.taps.len())).collect::<Vec<_>>(), [(0, 1), (1, 2)]);
    /// ```
    pub fn back(
        size: usize,
        out: usize,
        [kernel, stride, padding, dilation]: [usize; 4],
    ) -> Vec<Axis> {
        let phase = |f: usize| {
            let distance = |id: usize| (f + padding) as isize - (id * dilation) as isize;
            let meets = |&id: &usize| distance(id) % stride as isize == 0;
            let tap = |id: usize| Tap {
                id,
                at: distance(id) / stride as isize,
            };
            Axis {
                size: out,
                out: (size - f).div_ceil(stride),
                step: 1,
                taps: (0..kernel).filter(meets).map(tap).collect(),
                first: f,
                spread: stride,
            }
        };
        (0..stride.min(size)).map(phase).collect()
    }

    /// Whether every output meets the image with every tap, one place after the other.
    pub(super) fn inside(&self) -> bool {
        let meets = |t: &Tap| t.at >= 0 && t.at as usize + self.out <= self.size;
        self.step == 1 && !self.taps.is_empty() && self.taps.iter().all(meets)
    }

    /// The least place that a tap meets with output 0.
    pub(super) fn low(&self) -> isize {
        self.taps.iter().map(|t| t.at).min().unwrap_or(0)
    }

    /// Whether outputs follow each other in the image and in the result.
    pub(super) fn is_plain(&self) -> bool {
        self.step == 1 && self.spread == 1 && self.first == 0
    }

    /// The numbers of `N` adjacent taps, in either order, as the image has them; `None` where there
    /// are others.
    pub(super) fn neighbours<const N: usize>(&self) -> Option<[usize; N]> {
        let mut ids = [None; N];
        for tap in &self.taps {
            *ids.get_mut((tap.at - self.low()) as usize)? = Some(tap.id);
        }
        let all = ids.iter().all(Option::is_some) && self.taps.len() == N;
        all.then(|| ids.map(Option::unwrap_or_default))
    }

    /// The axis of tiles: so many outputs each, from so many elements of the image.
    pub(super) fn tiles(&self, outputs: usize, elements: usize) -> Axis {
        let low = self.low();
        let tap = |id: usize| Tap {
            id,
            at: low + id as isize,
        };
        Axis {
            out: self.out.div_ceil(outputs),
            step: outputs,
            taps: (0..elements).map(tap).collect(),
            ..*self
        }
    }

    /// The axis cut into its phases.
    pub(super) fn phases(&self) -> Phases {
        let low = self.low();
        let mut used = Vec::new();
        let mut places = Vec::new();
        for tap in &self.taps {
            let distance = (tap.at - low) as usize;
            let phase = distance % self.step;
            let slot = used.iter().position(|&u| u == phase).unwrap_or_else(|| {
                used.push(phase);
                used.len() - 1
            });
            places.push([slot, distance / self.step]);
        }
        Phases {
            low,
            step: self.step,
            size: self.size,
            reach: places.iter().map(|p| p[1]).max().unwrap_or(0),
            used,
            places,
        }
    }
}

/// An axis of step `s` as up to `s` axes of step 1: the image's places modulo `s`. In its phase a
/// tap meets output `o` at `o + shift`.
#[derive(Clone, Debug)]
pub(super) struct Phases {
    /// The least place that a tap meets with output 0.
    low: isize,
    /// Places from one output to the next: the number of phases.
    step: usize,
    /// The image's size.
    size: usize,
    /// The phases that some tap meets.
    pub(super) used: Vec<usize>,
    /// Each tap's index into `used` and its shift.
    pub(super) places: Vec<[usize; 2]>,
    /// The largest shift.
    pub(super) reach: usize,
}

/// A run of places of a phase: so many before the image, so many inside it from `from` on, so many
/// after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseRun {
    /// Places before the image.
    pub(super) before: usize,
    /// Places inside the image.
    pub(super) inside: usize,
    /// Places after the image.
    pub(super) after: usize,
    /// The first place inside.
    pub(super) from: usize,
    /// From one place to the next.
    pub(super) step: usize,
}

impl Phases {
    /// Places `first .. first + n` of phase `used[slot]`.
    pub(super) fn run(&self, slot: usize, first: usize, n: usize) -> PhaseRun {
        let step = self.step;
        let start = self.low + (self.used[slot] + first * step) as isize;
        let before = (start.min(0).unsigned_abs()).div_ceil(step).min(n);
        let from = (start + (before * step) as isize).max(0) as usize;
        let inside = self
            .size
            .saturating_sub(from)
            .div_ceil(step)
            .min(n - before);
        PhaseRun {
            before,
            inside,
            after: n - before - inside,
            from,
            step,
        }
    }

    /// How many places after each row may be shared with those before the next one, as both lie
    /// outside the image.
    pub(super) fn shared(&self, outputs: usize) -> usize {
        let n = outputs + self.reach;
        let both = |slot| {
            let run = self.run(slot, 0, n);
            run.before.min(run.after)
        };
        let least = (0..self.used.len()).map(both).min().unwrap_or(0);
        least.min(self.reach)
    }
}
