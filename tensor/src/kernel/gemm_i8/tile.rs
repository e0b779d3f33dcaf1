//! The innermost loop: rows of A by one panel of B, written once for every level.

use wide::{i8x16, i16x16, i32x8};

use super::packed::{COLS, Pair};
use crate::simd::Level;

/// Calls `write` with the number of each of `m` rows and its 16 sums. A row of `rows` is as many
/// pairs as the panel has; the machine has `level`.
pub(super) fn multiply(
    level: Level,
    m: usize,
    rows: &[[i16; 2]],
    panel: &[Pair],
    write: &mut impl FnMut(usize, &[i32; COLS]),
) {
    let mut i = 0;
    while i < m {
        let rest = &rows[i * panel.len()..];
        i += match (level, m - i) {
            // 12 registers of sums, 2 of B, 1 of A and 1 of products.
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2 | Level::Avx512, 5..) => {
                hand_over(i, m, avx2::tile::<6>(rest, panel), write)
            }
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2 | Level::Avx512, 2..) => {
                hand_over(i, m, avx2::tile::<4>(rest, panel), write)
            }
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2 | Level::Avx512, _) => {
                hand_over(i, m, avx2::tile::<1>(rest, panel), write)
            }
            (_, 2..) => hand_over(i, m, tile::<Wide, 2>(rest, panel), write),
            _ => hand_over(i, m, tile::<Wide, 1>(rest, panel), write),
        };
    }
}

/// Writes the rows of a tile that exist; returns how many rows the tile has.
fn hand_over<const R: usize>(
    i: usize,
    m: usize,
    sums: [[i32; COLS]; R],
    write: &mut impl FnMut(usize, &[i32; COLS]),
) -> usize {
    for r in 0..R.min(m - i) {
        write(i + r, &sums[r]);
    }
    R
}

/// What a level can do with 16 numbers of 16 bits.
trait Pairs {
    /// 16 numbers of 16 bits: 8 pairs.
    type Short: Copy;
    /// 8 sums.
    type Sum: Copy;
    /// Sums of nothing.
    fn zero() -> Self::Sum;
    /// Bytes, widened.
    fn widen(bytes: &[[i8; 2]; 8]) -> Self::Short;
    /// One pair eight times.
    fn repeat(pair: [i16; 2]) -> Self::Short;
    /// `sum + x[0] * y[0] + x[1] * y[1]` for each pair.
    fn add_products(sum: Self::Sum, x: Self::Short, y: Self::Short) -> Self::Sum;
    /// The sums.
    fn get(sum: Self::Sum) -> [i32; 8];
}

/// The sums of the first `R` rows; rows that do not exist repeat the last one.
#[inline(always)]
fn tile<I: Pairs, const R: usize>(rows: &[[i16; 2]], panel: &[Pair]) -> [[i32; COLS]; R] {
    let depth = panel.len();
    let mut sums = [[I::zero(); 2]; R];
    let mut row = [rows; R];
    for r in 0..R {
        let there = rows.len().checked_div(depth).unwrap_or(1);
        let start = r.min(there - 1) * depth;
        row[r] = &rows[start..start + depth];
    }
    for p in 0..depth {
        let (halves, _) = panel[p].as_chunks();
        let b = [I::widen(&halves[0]), I::widen(&halves[1])];
        for r in 0..R {
            let a = I::repeat(row[r][p]);
            for v in 0..2 {
                sums[r][v] = I::add_products(sums[r][v], a, b[v]);
            }
        }
    }
    let mut out = [[0; COLS]; R];
    for r in 0..R {
        out[r][..8].copy_from_slice(&I::get(sums[r][0]));
        out[r][8..].copy_from_slice(&I::get(sums[r][1]));
    }
    out
}

/// The portable level.
struct Wide;

impl Pairs for Wide {
    type Short = i16x16;
    type Sum = i32x8;
    #[inline(always)]
    fn zero() -> i32x8 {
        i32x8::splat(0)
    }
    #[inline(always)]
    fn widen(bytes: &[[i8; 2]; 8]) -> i16x16 {
        let mut flat = [0; 16];
        flat.copy_from_slice(bytes.as_flattened());
        i16x16::from_i8x16(i8x16::new(flat))
    }
    #[inline(always)]
    fn repeat(pair: [i16; 2]) -> i16x16 {
        let mut all = [0; 16];
        for i in 0..16 {
            all[i] = pair[i % 2];
        }
        i16x16::new(all)
    }
    #[inline(always)]
    fn add_products(sum: i32x8, x: i16x16, y: i16x16) -> i32x8 {
        sum + x.dot(y)
    }
    #[inline(always)]
    fn get(sum: i32x8) -> [i32; 8] {
        sum.to_array()
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use core::arch::x86_64::*;

    use super::Pairs;
    use crate::kernel::gemm_i8::packed::{COLS, Pair};

    /// The tile, compiled with AVX2, which the machine has.
    pub(super) fn tile<const R: usize>(rows: &[[i16; 2]], panel: &[Pair]) -> [[i32; COLS]; R] {
        #[target_feature(enable = "avx2")]
        fn shell<const R: usize>(rows: &[[i16; 2]], panel: &[Pair]) -> [[i32; COLS]; R] {
            super::tile::<Avx2, R>(rows, panel)
        }
        // SAFETY: `gemm_i8` has asserted that the machine has the level before it came here.
        unsafe { shell(rows, panel) }
    }

    struct Avx2;

    /// An instruction of AVX2.
    macro_rules! cpu {
        ($instruction:expr) => {
            // SAFETY: `Avx2` is private to this module and used by `shell` alone, so the CPU has
            // these instructions. They touch registers, or an array of their own size.
            unsafe { $instruction }
        };
    }

    impl Pairs for Avx2 {
        type Short = __m256i;
        type Sum = __m256i;
        #[inline(always)]
        fn zero() -> __m256i {
            cpu!(_mm256_setzero_si256())
        }
        #[inline(always)]
        fn widen(bytes: &[[i8; 2]; 8]) -> __m256i {
            cpu!(_mm256_cvtepi8_epi16(_mm_loadu_si128(bytes.as_ptr().cast())))
        }
        #[inline(always)]
        fn repeat(pair: [i16; 2]) -> __m256i {
            // As one word: two halves would be joined by extra instructions.
            cpu!(_mm256_set1_epi32(std::mem::transmute::<[i16; 2], i32>(
                pair
            )))
        }
        #[inline(always)]
        fn add_products(sum: __m256i, x: __m256i, y: __m256i) -> __m256i {
            cpu!(_mm256_add_epi32(sum, _mm256_madd_epi16(x, y)))
        }
        #[inline(always)]
        fn get(sum: __m256i) -> [i32; 8] {
            let mut out = [0; 8];
            cpu!(_mm256_storeu_si256(out.as_mut_ptr().cast(), sum));
            out
        }
    }
}
