//! Copies rows of an image to a padded image.

use crate::simd::{Float, Kernel, Simd, Vector};

/// Copies rows of `inside` elements, with `before` zeros in front of each and `after` behind it.
///
/// Rows of a small image are a few vectors long; a call of `memcpy` for each would cost a depthwise convolution
/// 8 % of its time.
pub(super) struct PadRows<'a, T> {
    /// The rows, `from_pitch` apart; of each every `step`-th element.
    pub(super) from: &'a [T],
    /// From one row to the next.
    pub(super) from_pitch: usize,
    /// From one element to the next.
    pub(super) step: usize,
    /// As many rows, `to_pitch` apart.
    pub(super) to: &'a mut [T],
    /// From one row to the next.
    pub(super) to_pitch: usize,
    /// How many rows.
    pub(super) rows: usize,
    /// Elements of a row: zeros, those of the image, zeros.
    pub(super) widths: [usize; 3],
}

impl<T: Float> Kernel for PadRows<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [before, inside, after] = self.widths;
        for row in 0..self.rows {
            let to = &mut self.to[row * self.to_pitch..][..before + inside + after];
            let (zeros, to) = to.split_at_mut(before);
            let (to, behind) = to.split_at_mut(inside);
            clear(zeros);
            clear(behind);
            let from = &self.from[row * self.from_pitch..];
            match self.step {
                1 if inside >= T::Vec::<S>::LANES => copy::<T, S>(&from[..inside], to),
                step => copy_steps(to, from, step),
            }
        }
    }
}

/// Copies a vector or more; the last one overlaps the one before it.
#[inline(always)]
fn copy<T: Float, S: Simd>(from: &[T], to: &mut [T]) {
    let lanes = T::Vec::<S>::LANES;
    let last = from.len() - lanes;
    let vector = |from: &[T]| <T::Vec<S> as Vector>::load(from);
    for (from, to) in from.chunks_exact(lanes).zip(to.chunks_exact_mut(lanes)) {
        vector(from).store(to);
    }
    vector(&from[last..]).store(&mut to[last..]);
}

/// Zeros; a border has often one element or none, when a call would cost more than the rest.
#[inline(always)]
fn clear<T: Copy + Default>(to: &mut [T]) {
    match to {
        [] => {}
        [one] => *one = T::default(),
        many => many.fill(T::default()),
    }
}

/// `to[i] = from[i * step]`.
#[inline(always)]
fn copy_steps<T: Copy>(to: &mut [T], from: &[T], step: usize) {
    match step {
        _ if to.is_empty() => {}
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => {
            let (last, most) = to.split_last_mut().expect("not empty");
            let (pairs, _) = from.as_chunks::<2>();
            let pairs = &pairs[..most.len()];
            for i in 0..most.len() {
                most[i] = pairs[i][0];
            }
            *last = from[2 * most.len()];
        }
        _ => {
            let from = from.iter().step_by(step);
            to.iter_mut().zip(from).for_each(|(y, &x)| *y = x);
        }
    }
}
