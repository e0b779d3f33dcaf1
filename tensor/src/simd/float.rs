//! The element types that vectors exist for.

use super::math::Tables;
use super::{Lane, Simd, Vector};

/// `f32` or `f64`: a body generic over it gets the vector of any level as `T::Vec<S>`.
///
/// Sealed by its supertraits: storage relies on these two types alone.
///
/// ```
/// use lepton_tensor::simd::{dispatch, Float, Kernel, Simd, Vector};
/// /// The lanes of a vector, for either float.
/// struct Lanes<T>(std::marker::PhantomData<T>);
/// impl<T: Float> Kernel for Lanes<T> {
///     type Out = usize;
///     #[inline(always)]
///     fn run<S: Simd>(self, _: S) -> usize {
///         T::Vec::<S>::LANES
///     }
/// }
/// let [narrow, wide] = [dispatch(Lanes::<f64>(Default::default())), dispatch(Lanes::<f32>(Default::default()))];
/// assert_eq!(wide, 2 * narrow);
/// ```
pub trait Float:
    Tables + Lane + Vector<Elem = Self> + Default + PartialOrd + Send + Sync + 'static
{
    /// The level's vector of this element.
    type Vec<S: Simd>: Lane + Vector<Elem = Self>;
    /// What an elementwise loop of the level takes at once.
    type Wide<S: Simd>: Lane + Vector<Elem = Self>;
    /// The distance from 1 to the next float.
    const EPSILON: f64;
}

impl Float for f32 {
    type Vec<S: Simd> = S::F32;
    type Wide<S: Simd> = S::WideF32;
    const EPSILON: f64 = f32::EPSILON as f64;
}

impl Float for f64 {
    type Vec<S: Simd> = S::F64;
    type Wide<S: Simd> = S::WideF64;
    const EPSILON: f64 = f64::EPSILON;
}
