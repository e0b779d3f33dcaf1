//! AVX-512: 16 f32 or 8 f64 a register, 32 registers, a mask of one bit a lane.

use core::arch::x86_64::*;

use super::register::{Reg, V};
use super::{Kernel, Simd};
use crate::sys::cpu;

/// The token of [`Level::Avx512`](super::Level::Avx512): who holds one runs on a CPU with AVX-512's
/// foundation and its byte, double-word and vector-length parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The token, where the CPU has the features.
    #[inline(always)]
    pub(super) fn detect() -> Option<Avx512> {
        cpu::has_avx512().then_some(Avx512(()))
    }
}

impl Simd for Avx512 {
    // 16 of 32 registers for sums, which hide an FMA's latency twice over. With 12 rows more of the last
    // tile is wasted.
    const TILE_ROWS: usize = 8;
    // On Zen 4 a layer norm takes two thirds longer with it.
    const PREFETCH_ROWS: bool = false;
    type F32 = V<__m512>;
    type F64 = V<__m512d>;
    type WideF32 = V<__m512>;
    type WideF64 = V<__m512d>;
    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Out {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn shell<K: Kernel>(token: Avx512, kernel: K) -> K::Out {
            kernel.run(token)
        }
        // SAFETY: an `Avx512` has a private field and is made only by `detect`, after the CPU has
        // reported all of these features; without them the shell would execute unknown instructions.
        unsafe { shell(self, kernel) }
    }
}

/// An instruction of AVX-512.
macro_rules! cpu {
    ($instruction:expr) => {
        // SAFETY: the registers of this file are reached only through `Avx512 as Simd`, and other
        // code learns that type only from a token in `Kernel::run`, which `detect` has vouched
        // for. The instructions given here touch registers alone, or an array that a reference
        // of exactly its length keeps valid.
        unsafe { $instruction }
    };
}

/// Methods that are one instruction each: `name(other operands) = instruction;`.
macro_rules! instructions {
    ($($name:ident($($x:ident),*) = $instruction:ident;)*) => {$(
        #[inline(always)]
        fn $name(self $(, $x: Self)*) -> Self {
            cpu!($instruction(self $(, $x)*))
        }
    )*};
}

impl Reg for __m512 {
    type Elem = f32;
    type Mask = __mmask16;
    const LANES: usize = 16;
    const SCALES: bool = true;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        cpu!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn load(x: &[f32]) -> Self {
        let x: &[f32; 16] = x.first_chunk().expect("a vector's elements");
        cpu!(_mm512_loadu_ps(x.as_ptr()))
    }
    #[inline(always)]
    fn store(self, x: &mut [f32]) {
        let x: &mut [f32; 16] = x.first_chunk_mut().expect("room for a vector");
        cpu!(_mm512_storeu_ps(x.as_mut_ptr(), self))
    }
    #[inline(always)]
    fn stream(self, x: &mut [f32]) {
        let x: &mut [f32; 16] = x.first_chunk_mut().expect("room for a vector");
        match x.as_ptr().cast::<Self>().is_aligned() {
            true => cpu!(_mm512_stream_ps(x.as_mut_ptr(), self)),
            false => self.store(x),
        }
    }
    #[inline(always)]
    fn load_padded(x: &[f32], pad: f32) -> Self {
        // What the mask leaves out is not read.
        cpu!(_mm512_mask_loadu_ps(
            Self::splat(pad),
            first(x.len(), Self::LANES),
            x.as_ptr()
        ))
    }
    #[inline(always)]
    fn store_first(self, x: &mut [f32]) {
        cpu!(_mm512_mask_storeu_ps(
            x.as_mut_ptr(),
            first(x.len(), Self::LANES),
            self
        ))
    }
    #[inline(always)]
    fn store_last(self, x: &mut [f32]) {
        let before = Self::LANES - x.len();
        cpu!(_mm512_mask_storeu_ps(
            x.as_mut_ptr().wrapping_sub(before),
            !first(before, Self::LANES),
            self
        ))
    }
    instructions! {
        add(o) = _mm512_add_ps;
        sub(o) = _mm512_sub_ps;
        mul(o) = _mm512_mul_ps;
        div(o) = _mm512_div_ps;
        mul_add(b, c) = _mm512_fmadd_ps;
        least(o) = _mm512_min_ps;
        most(o) = _mm512_max_ps;
        sqrt() = _mm512_sqrt_ps;
        and(o) = _mm512_and_ps;
        or(o) = _mm512_or_ps;
        xor(o) = _mm512_xor_ps;
    }
    #[inline(always)]
    fn floor(self) -> Self {
        cpu!(_mm512_roundscale_ps::<
            { _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC },
        >(self))
    }
    #[inline(always)]
    fn round_even(self) -> Self {
        cpu!(_mm512_roundscale_ps::<
            { _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC },
        >(self))
    }
    #[inline(always)]
    fn lt(self, o: Self) -> Self::Mask {
        cpu!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self, o))
    }
    #[inline(always)]
    fn le(self, o: Self) -> Self::Mask {
        cpu!(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(self, o))
    }
    #[inline(always)]
    fn eq(self, o: Self) -> Self::Mask {
        cpu!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self, o))
    }
    #[inline(always)]
    fn both(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        a & b
    }
    #[inline(always)]
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        a | b
    }
    #[inline(always)]
    fn not(mask: Self::Mask) -> Self::Mask {
        !mask
    }
    #[inline(always)]
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
        cpu!(_mm512_mask_blend_ps(mask, b, a))
    }
    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        mask != 0
    }
    #[inline(always)]
    fn shift_into_exponent(self) -> Self {
        let bits = cpu!(_mm512_slli_epi32::<23>(_mm512_castps_si512(self)));
        cpu!(_mm512_castsi512_ps(bits))
    }
    #[inline(always)]
    fn shift_out_of_exponent(self) -> Self {
        let bits = cpu!(_mm512_srli_epi32::<23>(_mm512_castps_si512(self)));
        cpu!(_mm512_castsi512_ps(bits))
    }
    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        cpu!(_mm512_scalef_ps(self, n))
    }
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> [Self; 2] {
        cpu!([
            _mm512_permutex2var_ps(
                a,
                _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0),
                b
            ),
            _mm512_permutex2var_ps(
                a,
                _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1),
                b
            ),
        ])
    }
    #[inline(always)]
    fn zip(even: Self, odd: Self) -> [Self; 2] {
        cpu!([
            _mm512_permutex2var_ps(
                even,
                _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0),
                odd
            ),
            _mm512_permutex2var_ps(
                even,
                _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8),
                odd
            ),
        ])
    }
    #[inline(always)]
    fn transpose(square: &mut [V<Self>]) {
        let square: &mut [V<Self>; 16] = square.first_chunk_mut().expect("a square");
        // Quarter `q` of `four[g][i]`: column `4q + i` of rows `4g .. 4g + 4`.
        let mut four = [[Self::splat(0.0); 4]; 4];
        for g in 0..4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| square[4 * g + i].0);
            four[g] = fours(a, b, c, d);
        }
        for i in 0..4 {
            let columns = quarters(four[0][i], four[1][i], four[2][i], four[3][i]);
            for q in 0..4 {
                square[4 * q + i] = V(columns[q]);
            }
        }
    }
}

/// In quarter `q` of result `i`, the four rows' elements `4q + i`.
#[inline(always)]
fn fours(a: __m512, b: __m512, c: __m512, d: __m512) -> [__m512; 4] {
    let (ab, cd) = cpu!((_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d)));
    let (ef, gh) = cpu!((_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d)));
    cpu!([
        _mm512_shuffle_ps::<0x44>(ab, cd),
        _mm512_shuffle_ps::<0xEE>(ab, cd),
        _mm512_shuffle_ps::<0x44>(ef, gh),
        _mm512_shuffle_ps::<0xEE>(ef, gh),
    ])
}

/// Quarters `q` of all four side by side in result `q`.
#[inline(always)]
fn quarters(a: __m512, b: __m512, c: __m512, d: __m512) -> [__m512; 4] {
    let (ab, cd) = cpu!((
        _mm512_shuffle_f32x4::<0x44>(a, b),
        _mm512_shuffle_f32x4::<0x44>(c, d)
    ));
    let (ef, gh) = cpu!((
        _mm512_shuffle_f32x4::<0xEE>(a, b),
        _mm512_shuffle_f32x4::<0xEE>(c, d)
    ));
    cpu!([
        _mm512_shuffle_f32x4::<0x88>(ab, cd),
        _mm512_shuffle_f32x4::<0xDD>(ab, cd),
        _mm512_shuffle_f32x4::<0x88>(ef, gh),
        _mm512_shuffle_f32x4::<0xDD>(ef, gh),
    ])
}

impl Reg for __m512d {
    type Elem = f64;
    type Mask = __mmask8;
    const LANES: usize = 8;
    const SCALES: bool = true;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        cpu!(_mm512_set1_pd(x))
    }
    #[inline(always)]
    fn load(x: &[f64]) -> Self {
        let x: &[f64; 8] = x.first_chunk().expect("a vector's elements");
        cpu!(_mm512_loadu_pd(x.as_ptr()))
    }
    #[inline(always)]
    fn store(self, x: &mut [f64]) {
        let x: &mut [f64; 8] = x.first_chunk_mut().expect("room for a vector");
        cpu!(_mm512_storeu_pd(x.as_mut_ptr(), self))
    }
    #[inline(always)]
    fn stream(self, x: &mut [f64]) {
        let x: &mut [f64; 8] = x.first_chunk_mut().expect("room for a vector");
        match x.as_ptr().cast::<Self>().is_aligned() {
            true => cpu!(_mm512_stream_pd(x.as_mut_ptr(), self)),
            false => self.store(x),
        }
    }
    #[inline(always)]
    fn load_padded(x: &[f64], pad: f64) -> Self {
        // What the mask leaves out is not read.
        cpu!(_mm512_mask_loadu_pd(
            Self::splat(pad),
            first(x.len(), Self::LANES) as __mmask8,
            x.as_ptr()
        ))
    }
    #[inline(always)]
    fn store_first(self, x: &mut [f64]) {
        cpu!(_mm512_mask_storeu_pd(
            x.as_mut_ptr(),
            first(x.len(), Self::LANES) as __mmask8,
            self
        ))
    }
    #[inline(always)]
    fn store_last(self, x: &mut [f64]) {
        let before = Self::LANES - x.len();
        cpu!(_mm512_mask_storeu_pd(
            x.as_mut_ptr().wrapping_sub(before),
            !first(before, Self::LANES) as __mmask8,
            self
        ))
    }
    instructions! {
        add(o) = _mm512_add_pd;
        sub(o) = _mm512_sub_pd;
        mul(o) = _mm512_mul_pd;
        div(o) = _mm512_div_pd;
        mul_add(b, c) = _mm512_fmadd_pd;
        least(o) = _mm512_min_pd;
        most(o) = _mm512_max_pd;
        sqrt() = _mm512_sqrt_pd;
        and(o) = _mm512_and_pd;
        or(o) = _mm512_or_pd;
        xor(o) = _mm512_xor_pd;
    }
    #[inline(always)]
    fn floor(self) -> Self {
        cpu!(_mm512_roundscale_pd::<
            { _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC },
        >(self))
    }
    #[inline(always)]
    fn round_even(self) -> Self {
        cpu!(_mm512_roundscale_pd::<
            { _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC },
        >(self))
    }
    #[inline(always)]
    fn lt(self, o: Self) -> Self::Mask {
        cpu!(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(self, o))
    }
    #[inline(always)]
    fn le(self, o: Self) -> Self::Mask {
        cpu!(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(self, o))
    }
    #[inline(always)]
    fn eq(self, o: Self) -> Self::Mask {
        cpu!(_mm512_cmp_pd_mask::<_CMP_EQ_OQ>(self, o))
    }
    #[inline(always)]
    fn both(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        a & b
    }
    #[inline(always)]
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        a | b
    }
    #[inline(always)]
    fn not(mask: Self::Mask) -> Self::Mask {
        !mask
    }
    #[inline(always)]
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
        cpu!(_mm512_mask_blend_pd(mask, b, a))
    }
    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        mask != 0
    }
    #[inline(always)]
    fn shift_into_exponent(self) -> Self {
        let bits = cpu!(_mm512_slli_epi64::<52>(_mm512_castpd_si512(self)));
        cpu!(_mm512_castsi512_pd(bits))
    }
    #[inline(always)]
    fn shift_out_of_exponent(self) -> Self {
        let bits = cpu!(_mm512_srli_epi64::<52>(_mm512_castpd_si512(self)));
        cpu!(_mm512_castsi512_pd(bits))
    }
    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        cpu!(_mm512_scalef_pd(self, n))
    }
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> [Self; 2] {
        cpu!([
            _mm512_permutex2var_pd(a, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b),
            _mm512_permutex2var_pd(a, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), b),
        ])
    }
    #[inline(always)]
    fn zip(even: Self, odd: Self) -> [Self; 2] {
        cpu!([
            _mm512_permutex2var_pd(even, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), odd),
            _mm512_permutex2var_pd(even, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), odd),
        ])
    }
    #[inline(always)]
    fn transpose(square: &mut [V<Self>]) {
        let square: &mut [V<Self>; 8] = square.first_chunk_mut().expect("a square");
        // Quarter `q` of `pairs[p]` and of `pairs[p + 4]`: columns `2q` and `2q + 1` of rows
        // `2p` and `2p + 1`.
        let mut pairs = [Self::splat(0.0); 8];
        for p in 0..4 {
            let (a, b) = (square[2 * p].0, square[2 * p + 1].0);
            pairs[p] = cpu!(_mm512_unpacklo_pd(a, b));
            pairs[p + 4] = cpu!(_mm512_unpackhi_pd(a, b));
        }
        for odd in 0..2 {
            // (A closure given to an array's `map` is not compiled for this level, and may stay a call.)
            let mut p = [cpu!(_mm512_setzero_ps()); 4];
            for i in 0..4 {
                p[i] = cpu!(_mm512_castpd_ps(pairs[4 * odd + i]));
            }
            let columns = quarters(p[0], p[1], p[2], p[3]);
            for q in 0..4 {
                square[2 * q + odd] = V(cpu!(_mm512_castps_pd(columns[q])));
            }
        }
    }
}

/// The mask of the first `n` of `lanes` lanes.
#[inline(always)]
fn first(n: usize, lanes: usize) -> __mmask16 {
    assert!(n <= lanes, "at most a vector's elements");
    ((1u32 << n) - 1) as __mmask16
}
