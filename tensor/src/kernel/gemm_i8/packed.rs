//! Bytes, and the packed right side of a product.

use crate::kernel::matrix::MatRef;

/// Columns of a panel.
pub(super) const COLS: usize = 16;

/// One panel's two steps of k: columns in order, each with both steps.
pub(super) type Pair = [[i8; 2]; COLS];

/// An 8-bit integer: `i8` or `u8`.
pub trait Byte: Copy + Send + Sync + 'static {
    /// The largest absolute value.
    const LARGEST: u64;
    /// The same number in 16 bits.
    fn widen(self) -> i16;
}

impl Byte for i8 {
    const LARGEST: u64 = 128;
    #[inline(always)]
    fn widen(self) -> i16 {
        self.into()
    }
}

impl Byte for u8 {
    const LARGEST: u64 = 255;
    #[inline(always)]
    fn widen(self) -> i16 {
        self.into()
    }
}

/// The right side of a product, packed, with the sum of each column (which a zero point needs).
///
/// ```
/// use lepton_tensor::kernel::gemm::{MatMut, MatRef};
/// use lepton_tensor::kernel::gemm_i8::{PackedBytes, gemm_i8};
/// use lepton_tensor::simd::level;
/// let weights = PackedBytes::new(MatRef::rows_of(&[-128i8, 1, 127, 2], [2, 2]));
/// let mut c = [0i32; 2];
/// let a = MatRef::rows_of(&[255u8, 255], [1, 2]);
/// gemm_i8(level(), a, &weights, MatMut::rows_of(&mut c, [1, 2]));
/// assert_eq!(c, [-255, 765]);
/// assert_eq!(weights.column_sums(), [-1, 3]);
/// ```
#[derive(Clone, Debug)]
pub struct PackedBytes {
    /// Rows and columns.
    shape: [usize; 2],
    /// Panel after panel, each of `shape[0].div_ceil(2)` pairs.
    pairs: Vec<Pair>,
    /// The sum of each column.
    sums: Vec<i32>,
}

impl PackedBytes {
    /// Packs `b`, `[k, n]`, of any strides.
    pub fn new(b: MatRef<i8>) -> PackedBytes {
        let [k, n] = b.shape();
        let depth = k.div_ceil(2);
        let mut pairs = vec![[[0; 2]; COLS]; depth * n.div_ceil(COLS)];
        let mut sums = vec![0i32; n];
        for j in 0..n {
            for p in 0..k {
                // SAFETY: `[p, j]` is an element of `b`.
                let x = unsafe { *b.at(p, j) };
                pairs[j / COLS * depth + p / 2][j % COLS][p % 2] = x;
                sums[j] += i32::from(x);
            }
        }
        PackedBytes {
            shape: [k, n],
            pairs,
            sums,
        }
    }

    /// Rows (k) and columns (n).
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The sum of each column.
    pub fn column_sums(&self) -> &[i32] {
        &self.sums
    }

    /// The pairs of panel `panel`.
    pub(super) fn panel(&self, panel: usize) -> &[Pair] {
        let depth = self.shape[0].div_ceil(2);
        &self.pairs[panel * depth..(panel + 1) * depth]
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.pairs[..]) + size_of_val(&self.sums[..])
    }
}
