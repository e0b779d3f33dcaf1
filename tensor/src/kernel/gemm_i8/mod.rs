//! Products of 8-bit integers with exact 32-bit sums.
//!
//! Bytes are widened to 16 bits and multiplied in pairs (`pmaddwd`), whose sum always fits into 32
//! bits; the 8-bit form of that instruction (`pmaddubsw`) would saturate. The right side, usually
//! weights, is packed once into panels of 16 columns, two steps of k side by side.

mod packed;
mod tile;

pub use packed::{Byte, PackedBytes};

use super::matrix::{MatMut, MatRef};
use packed::COLS;

use crate::simd::Level;
use crate::threads::parallel_for;

/// Multiplications in one task.
const TASK: usize = 1 << 20;

/// `C = A B` exactly, for `A` `[m, k]` of i8 or u8.
///
/// # Panics
/// Where the shapes do not fit, or where `k` is so large that a sum could leave 32 bits (65,793
/// steps for u8, 131,071 for i8).
#[track_caller]
pub fn gemm_i8<A: Byte>(level: Level, a: MatRef<A>, b: &PackedBytes, c: MatMut<i32>) {
    let ([m, k], [l, n]) = (a.shape(), b.shape());
    assert!(
        k == l && c.shape() == [m, n],
        "gemm_i8: [{m}, {k}] x [{l}, {n}] does not give {:?}",
        c.shape()
    );
    assert!(
        k as u64 * A::LARGEST * 128 <= i32::MAX as u64,
        "gemm_i8: a sum of {k} products may leave 32 bits; split k"
    );
    assert!(
        level.is_available(),
        "gemm_i8: this machine lacks {}",
        level.name()
    );
    if m == 0 || n == 0 {
        return;
    }
    let depth = k.div_ceil(2);
    let rows = pair_rows(a, depth);
    let panels = n.div_ceil(COLS);
    let group = (TASK / (m * k * COLS).max(1)).clamp(1, panels);
    parallel_for(panels.div_ceil(group), |g| {
        for panel in g * group..panels.min((g + 1) * group) {
            let pairs = b.panel(panel);
            let cols = COLS.min(n - panel * COLS);
            let mut write = |i: usize, sums: &[i32; COLS]| {
                let start = c.at(i, panel * COLS);
                // SAFETY: these `cols` elements lie in row `i < m` of C, and no other panel has
                // them.
                let row = unsafe { std::slice::from_raw_parts_mut(start, cols) };
                row.copy_from_slice(&sums[..cols]);
            };
            tile::multiply(level, m, &rows, pairs, &mut write);
        }
    });
}

/// The rows of A one after the other, as `depth` pairs of steps each; an odd end gets a zero.
fn pair_rows<A: Byte>(a: MatRef<A>, depth: usize) -> Vec<[i16; 2]> {
    let [m, k] = a.shape();
    let mut rows = vec![[0i16; 2]; m * depth];
    for i in 0..m {
        let row = rows[i * depth..(i + 1) * depth].as_flattened_mut();
        for p in 0..k {
            // SAFETY: `[i, p]` is an element of `a`.
            row[p] = unsafe { *a.at(i, p) }.widen();
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    fn check<A: Byte>(rng: &mut Rng, [m, k, n]: [usize; 3], draw: fn(&mut Rng) -> (A, i8)) {
        let x: Vec<A> = (0..m * k).map(|_| draw(rng).0).collect();
        let y: Vec<i8> = (0..k * n).map(|_| draw(rng).1).collect();
        let (a, b) = (MatRef::rows_of(&x, [m, k]), MatRef::rows_of(&y, [n, k]).t());
        let packed = PackedBytes::new(b);
        for level in Level::available() {
            let mut c = vec![7; m * (n + 2)];
            gemm_i8(level, a, &packed, MatMut::new(&mut c, [m, n], n + 2));
            for i in 0..m {
                for j in 0..n {
                    let sum: i32 = (0..k)
                        .map(|p| i32::from(x[i * k + p].widen()) * i32::from(y[j * k + p]))
                        .sum();
                    assert_eq!(c[i * (n + 2) + j], sum, "{level:?} {m}x{k}x{n} [{i}, {j}]");
                }
                assert_eq!(c[i * (n + 2) + n..(i + 1) * (n + 2)], [7, 7]);
            }
        }
        for j in 0..n {
            let sum: i32 = y[j * k..(j + 1) * k].iter().map(|&y| i32::from(y)).sum();
            assert_eq!(packed.column_sums()[j], sum);
        }
    }

    #[test]
    fn sums_are_exact_also_at_the_ends_of_the_range() {
        let mut rng = Rng::new(1);
        for _ in 0..60 {
            let shape = std::array::from_fn(|_| rng.below(40) as usize);
            check::<i8>(&mut rng, shape, |r| {
                (r.next_u32() as i8, r.next_u32() as i8)
            });
            check::<u8>(&mut rng, shape, |r| {
                (r.next_u32() as u8, r.next_u32() as i8)
            });
            check::<u8>(&mut rng, shape, |_| (255, -128));
            check::<i8>(&mut rng, shape, |_| (-128, -128));
            check::<u8>(&mut rng, shape, |_| (255, 127));
        }
        check::<u8>(&mut rng, [7, 4000, 130], |_| (255, -128));
        check::<i8>(&mut rng, [3, 20_001, 17], |_| (-128, -128));
    }

    #[test]
    #[should_panic(expected = "may leave 32 bits")]
    fn a_sum_that_could_overflow_is_refused() {
        let (x, y) = (vec![255u8; 65_794], vec![-128i8; 65_794]);
        let packed = PackedBytes::new(MatRef::rows_of(&y, [65_794, 1]));
        let a = MatRef::rows_of(&x, [1, 65_794]);
        gemm_i8(
            Level::Portable,
            a,
            &packed,
            MatMut::rows_of(&mut [0], [1, 1]),
        );
    }
}
