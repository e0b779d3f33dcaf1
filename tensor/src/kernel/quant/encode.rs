//! From floats to codes.

use super::params::QuantParams;
use crate::kernel::gemm_i8::Byte;
use crate::simd::{self, Lane, Level, MapBody};
use crate::threads::{self, GRAIN};

/// Values that are rounded together: few enough that the buffer is cheap also for one short row.
pub(super) const TILE: usize = 128;

/// Codes as integer-valued floats, NaN as the code of 0, ready to be narrowed.
#[derive(Clone, Copy)]
struct Encode(QuantParams);

impl MapBody for Encode {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let q = self.0.code(x);
        T::select(q.is_nan(), T::splat(self.0.zero().into()), q)
    }
}

/// A code as it is stored.
pub(crate) trait Code: Byte + crate::dtype::Element {
    /// An integer-valued float as a code.
    fn of(x: f32) -> Self;
}

impl Code for u8 {
    #[inline(always)]
    fn of(x: f32) -> u8 {
        x as u8
    }
}

impl Code for i8 {
    #[inline(always)]
    fn of(x: f32) -> i8 {
        x as i8
    }
}

/// Writes the codes of `x`, at most a tile, to `out`.
pub(super) fn encode<C: Code>(level: Level, codes: &QuantParams, x: &[f32], out: &mut [C]) {
    let mut rounded = [0.0f32; TILE];
    let rounded = &mut rounded[..x.len()];
    simd::map_slice(level, &Encode(*codes), x, rounded);
    out.iter_mut()
        .zip(rounded)
        .for_each(|(q, v)| *q = C::of(*v));
}

/// Writes the codes of `x` to `out`, in parallel.
pub(crate) fn encode_all<C: Code>(level: Level, codes: &QuantParams, x: &[f32], out: &mut [C]) {
    threads::parallel_chunks(out, GRAIN, |i, chunk| {
        for (j, part) in chunk.chunks_mut(TILE).enumerate() {
            let first = i * GRAIN + j * TILE;
            encode(level, codes, &x[first..first + part.len()], part);
        }
    });
}
