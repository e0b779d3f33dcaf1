//! From a dense layer's exact integer sums to its values.

use super::encode::{Code, TILE, encode};
use super::params::QuantParams;
use crate::kernel::gemm_i8::PackedBytes;
use crate::simd::Level;
use crate::threads::{self, GRAIN};

/// From exact sums to values, column by column.
pub(crate) struct Rescale<'a> {
    /// What the zero point adds to each sum.
    shifts: Vec<i32>,
    /// What a sum is multiplied by.
    factors: Vec<f32>,
    /// What is added after.
    bias: Option<&'a [f32]>,
    /// What a value is at least: 0 for the rectifier.
    floor: f32,
}

impl<'a> Rescale<'a> {
    /// For a layer whose input has codes of `input`, with a factor `scales` for each column of `weights`.
    pub(crate) fn new(
        input: &QuantParams,
        weights: &PackedBytes,
        scales: &[f32],
        bias: Option<&'a [f32]>,
        relu: bool,
    ) -> Rescale<'a> {
        let (zero, scale) = (input.zero(), input.scale());
        // The result fits 32 bits, so what wraps on the way does no harm.
        let shift = |s: &i32| zero.wrapping_mul(*s);
        Rescale {
            shifts: weights.column_sums().iter().map(shift).collect(),
            factors: scales.iter().map(|w| scale * w).collect(),
            bias,
            floor: if relu { 0.0 } else { f32::NEG_INFINITY },
        }
    }

    /// Writes the values of a layer's sums.
    pub(crate) fn values(&self, sums: &[i32], out: &mut [f32]) {
        self.each(sums, out, |values, out| out.copy_from_slice(values));
    }

    /// Writes the values' codes.
    pub(crate) fn codes<C: Code>(
        &self,
        level: Level,
        codes: &QuantParams,
        sums: &[i32],
        out: &mut [C],
    ) {
        self.each(sums, out, |values, out| encode(level, codes, values, out));
    }

    /// Calls `write` with a tile of values and its place in `out`; a tile may hold many short rows.
    fn each<C: Send>(&self, sums: &[i32], out: &mut [C], write: impl Fn(&[f32], &mut [C]) + Sync) {
        let n = self.shifts.len();
        threads::parallel_chunks(out, GRAIN, |i, chunk| {
            let mut buffer = [0.0f32; TILE];
            for (t, out) in chunk.chunks_mut(TILE).enumerate() {
                let first = i * GRAIN + t * TILE;
                let values = &mut buffer[..out.len()];
                let mut done = 0;
                while done < values.len() {
                    let col = (first + done) % n;
                    let end = values.len().min(done + n - col);
                    let sums = &sums[first + done..first + end];
                    self.columns(col, sums, &mut values[done..end]);
                    done = end;
                }
                write(values, out);
            }
        });
    }

    /// The values of a row's columns from `first` on.
    fn columns(&self, first: usize, sums: &[i32], values: &mut [f32]) {
        let at = first..first + values.len();
        let parts = self.shifts[at.clone()]
            .iter()
            .zip(&self.factors[at.clone()]);
        for ((v, s), (shift, factor)) in values.iter_mut().zip(sums).zip(parts) {
            *v = s.wrapping_sub(*shift) as f32 * factor;
        }
        if let Some(bias) = self.bias {
            values.iter_mut().zip(&bias[at]).for_each(|(v, b)| *v += b);
        }
        values.iter_mut().for_each(|v| *v = v.max(self.floor));
    }
}
