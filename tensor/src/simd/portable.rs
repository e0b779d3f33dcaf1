//! The level that every machine has: the crate `wide`, which compiles to SSE2, NEON, WASM simd128
//! or plain scalars by the build's target.

use wide::{f32x8, f64x4};

use super::math::Tables;
use super::register::{Reg, V};
use super::{Kernel, Simd};

/// The token of [`Level::Portable`](super::Level::Portable).
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable(());

impl Portable {
    /// The token; every machine can have it.
    #[inline(always)]
    pub(super) fn new() -> Portable {
        Portable(())
    }
}

impl Simd for Portable {
    // On SSE2 and NEON a vector of `wide` is two registers.
    const TILE_ROWS: usize = 2;
    const PREFETCH_ROWS: bool = true;
    type F32 = V<f32x8>;
    type F64 = V<f64x4>;
    type WideF32 = V<f32x8>;
    type WideF64 = V<f64x4>;
    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Out {
        kernel.run(self)
    }
}

/// One `Reg` per float type of `wide`; they differ in names only.
macro_rules! wide_register {
    ($R:ty, $E:ty, $LANES:literal, $MANTISSA_BITS:literal) => {
        impl Reg for $R {
            type Elem = $E;
            type Mask = Self;
            const LANES: usize = $LANES;

            #[inline(always)]
            fn splat(x: $E) -> Self {
                <$R>::splat(x)
            }
            #[inline(always)]
            fn load(x: &[$E]) -> Self {
                <$R>::new(*x.first_chunk().expect("a vector's elements"))
            }
            #[inline(always)]
            fn store(self, x: &mut [$E]) {
                *x.first_chunk_mut().expect("room for a vector") = self.to_array();
            }
            #[inline(always)]
            fn add(self, o: Self) -> Self {
                self + o
            }
            #[inline(always)]
            fn sub(self, o: Self) -> Self {
                self - o
            }
            #[inline(always)]
            fn mul(self, o: Self) -> Self {
                self * o
            }
            #[inline(always)]
            fn div(self, o: Self) -> Self {
                self / o
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                self * b + c // never `wide`'s own: its bits depend on the build's target
            }
            #[inline(always)]
            fn least(self, o: Self) -> Self {
                self.simd_lt(o).select(self, o)
            }
            #[inline(always)]
            fn most(self, o: Self) -> Self {
                o.simd_lt(self).select(self, o)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$R>::sqrt(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                let n = Reg::round_even(self);
                n - (self.simd_lt(n) & <$R>::splat(1.0))
            }
            #[inline(always)]
            fn round_even(self) -> Self {
                // Beside 2^mantissa bits there is no room for a fraction. (`wide` loses the sign
                // of -0.3 on SSE2, and its floor is scalar there.)
                let integer = <$R>::splat(<$E as Tables>::INTEGER as $E);
                let sign = self & <$R>::splat(-0.0);
                let a = self ^ sign;
                a.simd_lt(integer)
                    .select((a + integer - integer) | sign, self)
            }
            #[inline(always)]
            fn lt(self, o: Self) -> Self {
                self.simd_lt(o)
            }
            #[inline(always)]
            fn le(self, o: Self) -> Self {
                self.simd_le(o)
            }
            #[inline(always)]
            fn eq(self, o: Self) -> Self {
                self.simd_eq(o)
            }
            #[inline(always)]
            fn both(a: Self, b: Self) -> Self {
                a & b
            }
            #[inline(always)]
            fn either(a: Self, b: Self) -> Self {
                a | b
            }
            #[inline(always)]
            fn not(mask: Self) -> Self {
                mask ^ <$R>::splat(<$E as Tables>::ALL_BITS)
            }
            #[inline(always)]
            fn and(self, o: Self) -> Self {
                self & o
            }
            #[inline(always)]
            fn or(self, o: Self) -> Self {
                self | o
            }
            #[inline(always)]
            fn xor(self, o: Self) -> Self {
                self ^ o
            }
            #[inline(always)]
            fn select(mask: Self, a: Self, b: Self) -> Self {
                mask.select(a, b)
            }
            #[inline(always)]
            fn any(mask: Self) -> bool {
                <$R>::any(mask)
            }
            #[inline(always)]
            fn shift_into_exponent(self) -> Self {
                <$R>::from_bits(self.to_bits() << $MANTISSA_BITS)
            }
            #[inline(always)]
            fn shift_out_of_exponent(self) -> Self {
                <$R>::from_bits(self.to_bits() >> $MANTISSA_BITS)
            }
            #[inline(always)]
            fn transpose(square: &mut [V<Self>]) {
                let square: &mut [V<Self>; $LANES] = square.first_chunk_mut().expect("a square");
                *square = <$R>::transpose(square.map(|v| v.0)).map(V);
            }
        }
    };
}

wide_register!(f32x8, f32, 8, 23u32);
wide_register!(f64x4, f64, 4, 52u32);
