//! AVX2 with FMA: 8 f32 or 4 f64 a register, by the instructions of `core::arch`.

use core::arch::x86_64::*;

use super::math::Tables;
use super::register::{Reg, V};
use super::{Kernel, Simd};
use crate::sys::cpu;

/// The token of [`Level::Avx2`](super::Level::Avx2): who holds one runs on a CPU with AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The token, where the CPU has the features.
    #[inline(always)]
    pub(super) fn detect() -> Option<Avx2> {
        cpu::has_avx2_fma().then_some(Avx2(()))
    }
}

impl Simd for Avx2 {
    // 12 of 16 registers for sums, 2 for the row of B, 1 for an element of A.
    const TILE_ROWS: usize = 6;
    // On Zen 3 a layer norm takes a quarter less time with it.
    const PREFETCH_ROWS: bool = true;
    type F32 = V<__m256>;
    type F64 = V<__m256d>;
    type WideF32 = V<[__m256; 2]>;
    type WideF64 = V<[__m256d; 2]>;
    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Out {
        #[target_feature(enable = "avx2,fma")]
        fn shell<K: Kernel>(token: Avx2, kernel: K) -> K::Out {
            kernel.run(token)
        }
        // SAFETY: an `Avx2` has a private field and is made only by `detect`, after the CPU has
        // reported both features; without them the shell would execute unknown instructions.
        unsafe { shell(self, kernel) }
    }
}

/// An instruction of AVX2 or FMA.
macro_rules! cpu {
    ($instruction:expr) => {
        // SAFETY: the registers of this file are reached only through `Avx2 as Simd`, and other
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

impl Reg for __m256 {
    type Elem = f32;
    type Mask = Self;
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        cpu!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    fn load(x: &[f32]) -> Self {
        let x: &[f32; 8] = x.first_chunk().expect("a vector's elements");
        cpu!(_mm256_loadu_ps(x.as_ptr()))
    }
    #[inline(always)]
    fn store(self, x: &mut [f32]) {
        let x: &mut [f32; 8] = x.first_chunk_mut().expect("room for a vector");
        cpu!(_mm256_storeu_ps(x.as_mut_ptr(), self))
    }
    #[inline(always)]
    fn stream(self, x: &mut [f32]) {
        let x: &mut [f32; 8] = x.first_chunk_mut().expect("room for a vector");
        match x.as_ptr().cast::<Self>().is_aligned() {
            true => cpu!(_mm256_stream_ps(x.as_mut_ptr(), self)),
            false => self.store(x),
        }
    }
    instructions! {
        add(o) = _mm256_add_ps;
        sub(o) = _mm256_sub_ps;
        mul(o) = _mm256_mul_ps;
        div(o) = _mm256_div_ps;
        mul_add(b, c) = _mm256_fmadd_ps;
        least(o) = _mm256_min_ps;
        most(o) = _mm256_max_ps;
        sqrt() = _mm256_sqrt_ps;
        floor() = _mm256_floor_ps;
        and(o) = _mm256_and_ps;
        or(o) = _mm256_or_ps;
        xor(o) = _mm256_xor_ps;
    }
    #[inline(always)]
    fn round_even(self) -> Self {
        cpu!(_mm256_round_ps::<
            { _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC },
        >(self))
    }
    #[inline(always)]
    fn lt(self, o: Self) -> Self {
        cpu!(_mm256_cmp_ps::<_CMP_LT_OQ>(self, o))
    }
    #[inline(always)]
    fn le(self, o: Self) -> Self {
        cpu!(_mm256_cmp_ps::<_CMP_LE_OQ>(self, o))
    }
    #[inline(always)]
    fn eq(self, o: Self) -> Self {
        cpu!(_mm256_cmp_ps::<_CMP_EQ_OQ>(self, o))
    }
    #[inline(always)]
    fn both(a: Self, b: Self) -> Self {
        a.and(b)
    }
    #[inline(always)]
    fn either(a: Self, b: Self) -> Self {
        a.or(b)
    }
    #[inline(always)]
    fn not(mask: Self) -> Self {
        mask.xor(Self::splat(f32::ALL_BITS))
    }
    #[inline(always)]
    fn select(mask: Self, a: Self, b: Self) -> Self {
        cpu!(_mm256_blendv_ps(b, a, mask))
    }
    #[inline(always)]
    fn any(mask: Self) -> bool {
        cpu!(_mm256_movemask_ps(mask)) != 0
    }
    #[inline(always)]
    fn shift_into_exponent(self) -> Self {
        let bits = cpu!(_mm256_slli_epi32::<23>(_mm256_castps_si256(self)));
        cpu!(_mm256_castsi256_ps(bits))
    }
    #[inline(always)]
    fn shift_out_of_exponent(self) -> Self {
        let bits = cpu!(_mm256_srli_epi32::<23>(_mm256_castps_si256(self)));
        cpu!(_mm256_castsi256_ps(bits))
    }
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> [Self; 2] {
        let halves = cpu!([
            _mm256_shuffle_ps::<0x88>(a, b),
            _mm256_shuffle_ps::<0xDD>(a, b),
        ]);
        // Pairs of `a` and `b` alternate in both.
        halves.map(|x| {
            cpu!(_mm256_castpd_ps(_mm256_permute4x64_pd::<0xD8>(
                _mm256_castps_pd(x)
            )))
        })
    }
    #[inline(always)]
    fn zip(even: Self, odd: Self) -> [Self; 2] {
        let (low, high) = cpu!((_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd)));
        cpu!([
            _mm256_permute2f128_ps::<0x20>(low, high),
            _mm256_permute2f128_ps::<0x31>(low, high),
        ])
    }
    #[inline(always)]
    fn transpose(square: &mut [V<Self>]) {
        let square: &mut [V<Self>; 8] = square.first_chunk_mut().expect("a square");
        let [a, b, c, d, e, f, g, h] = square.map(|v| v.0);
        let (low, high) = (fours(a, b, c, d), fours(e, f, g, h));
        for i in 0..4 {
            square[i] = V(cpu!(_mm256_permute2f128_ps::<0x20>(low[i], high[i])));
            square[i + 4] = V(cpu!(_mm256_permute2f128_ps::<0x31>(low[i], high[i])));
        }
    }
}

/// Four rows' elements `i` in the lower half, and `i + 4` in the upper half, of result `i`.
#[inline(always)]
fn fours(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
    let (ab, cd) = cpu!((_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d)));
    let (ef, gh) = cpu!((_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d)));
    cpu!([
        _mm256_shuffle_ps::<0x44>(ab, cd),
        _mm256_shuffle_ps::<0xEE>(ab, cd),
        _mm256_shuffle_ps::<0x44>(ef, gh),
        _mm256_shuffle_ps::<0xEE>(ef, gh),
    ])
}

impl Reg for __m256d {
    type Elem = f64;
    type Mask = Self;
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        cpu!(_mm256_set1_pd(x))
    }
    #[inline(always)]
    fn load(x: &[f64]) -> Self {
        let x: &[f64; 4] = x.first_chunk().expect("a vector's elements");
        cpu!(_mm256_loadu_pd(x.as_ptr()))
    }
    #[inline(always)]
    fn store(self, x: &mut [f64]) {
        let x: &mut [f64; 4] = x.first_chunk_mut().expect("room for a vector");
        cpu!(_mm256_storeu_pd(x.as_mut_ptr(), self))
    }
    #[inline(always)]
    fn stream(self, x: &mut [f64]) {
        let x: &mut [f64; 4] = x.first_chunk_mut().expect("room for a vector");
        match x.as_ptr().cast::<Self>().is_aligned() {
            true => cpu!(_mm256_stream_pd(x.as_mut_ptr(), self)),
            false => self.store(x),
        }
    }
    instructions! {
        add(o) = _mm256_add_pd;
        sub(o) = _mm256_sub_pd;
        mul(o) = _mm256_mul_pd;
        div(o) = _mm256_div_pd;
        mul_add(b, c) = _mm256_fmadd_pd;
        least(o) = _mm256_min_pd;
        most(o) = _mm256_max_pd;
        sqrt() = _mm256_sqrt_pd;
        floor() = _mm256_floor_pd;
        and(o) = _mm256_and_pd;
        or(o) = _mm256_or_pd;
        xor(o) = _mm256_xor_pd;
    }
    #[inline(always)]
    fn round_even(self) -> Self {
        cpu!(_mm256_round_pd::<
            { _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC },
        >(self))
    }
    #[inline(always)]
    fn lt(self, o: Self) -> Self {
        cpu!(_mm256_cmp_pd::<_CMP_LT_OQ>(self, o))
    }
    #[inline(always)]
    fn le(self, o: Self) -> Self {
        cpu!(_mm256_cmp_pd::<_CMP_LE_OQ>(self, o))
    }
    #[inline(always)]
    fn eq(self, o: Self) -> Self {
        cpu!(_mm256_cmp_pd::<_CMP_EQ_OQ>(self, o))
    }
    #[inline(always)]
    fn both(a: Self, b: Self) -> Self {
        a.and(b)
    }
    #[inline(always)]
    fn either(a: Self, b: Self) -> Self {
        a.or(b)
    }
    #[inline(always)]
    fn not(mask: Self) -> Self {
        mask.xor(Self::splat(f64::ALL_BITS))
    }
    #[inline(always)]
    fn select(mask: Self, a: Self, b: Self) -> Self {
        cpu!(_mm256_blendv_pd(b, a, mask))
    }
    #[inline(always)]
    fn any(mask: Self) -> bool {
        cpu!(_mm256_movemask_pd(mask)) != 0
    }
    #[inline(always)]
    fn shift_into_exponent(self) -> Self {
        let bits = cpu!(_mm256_slli_epi64::<52>(_mm256_castpd_si256(self)));
        cpu!(_mm256_castsi256_pd(bits))
    }
    #[inline(always)]
    fn shift_out_of_exponent(self) -> Self {
        let bits = cpu!(_mm256_srli_epi64::<52>(_mm256_castpd_si256(self)));
        cpu!(_mm256_castsi256_pd(bits))
    }
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> [Self; 2] {
        cpu!([
            _mm256_permute4x64_pd::<0xD8>(_mm256_unpacklo_pd(a, b)),
            _mm256_permute4x64_pd::<0xD8>(_mm256_unpackhi_pd(a, b)),
        ])
    }
    #[inline(always)]
    fn zip(even: Self, odd: Self) -> [Self; 2] {
        let (low, high) = cpu!((_mm256_unpacklo_pd(even, odd), _mm256_unpackhi_pd(even, odd)));
        cpu!([
            _mm256_permute2f128_pd::<0x20>(low, high),
            _mm256_permute2f128_pd::<0x31>(low, high),
        ])
    }
    #[inline(always)]
    fn transpose(square: &mut [V<Self>]) {
        let square: &mut [V<Self>; 4] = square.first_chunk_mut().expect("a square");
        let [a, b, c, d] = square.map(|v| v.0);
        let (ab, cd) = cpu!((_mm256_unpacklo_pd(a, b), _mm256_unpacklo_pd(c, d)));
        let (ef, gh) = cpu!((_mm256_unpackhi_pd(a, b), _mm256_unpackhi_pd(c, d)));
        square[0] = V(cpu!(_mm256_permute2f128_pd::<0x20>(ab, cd)));
        square[1] = V(cpu!(_mm256_permute2f128_pd::<0x20>(ef, gh)));
        square[2] = V(cpu!(_mm256_permute2f128_pd::<0x31>(ab, cd)));
        square[3] = V(cpu!(_mm256_permute2f128_pd::<0x31>(ef, gh)));
    }
}
