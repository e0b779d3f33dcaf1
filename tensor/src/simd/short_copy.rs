//! Copies shorter than a vector.

use super::MAX_LANES;

/// Copies at most [`MAX_LANES`] elements in steps of 16, 8, 4, 2 and 1, where a call of `memcpy` would
/// cost more than what is done with them.
///
/// # Panics
/// Where `to` is shorter.
#[inline(always)]
pub(crate) fn copy_short<T: Copy>(from: &[T], to: &mut [T]) {
    let (n, mut i) = (from.len(), 0);
    let mut size = MAX_LANES;
    while size > 0 {
        if n & size != 0 {
            match size {
                16 => fixed::<T, 16>(&from[i..], &mut to[i..]),
                8 => fixed::<T, 8>(&from[i..], &mut to[i..]),
                4 => fixed::<T, 4>(&from[i..], &mut to[i..]),
                2 => fixed::<T, 2>(&from[i..], &mut to[i..]),
                _ => fixed::<T, 1>(&from[i..], &mut to[i..]),
            }
            i += size;
        }
        size /= 2;
    }
}

/// Copies the first `N` elements.
#[inline(always)]
fn fixed<T: Copy, const N: usize>(from: &[T], to: &mut [T]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
        *to = *from;
    }
}
