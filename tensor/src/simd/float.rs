//! The element types that vectors exist for.

use super::math::Tables;
use super::{Lane, Simd, Vector};

/// `f32` or `f64`: a body generic over it gets the vector of any level as `T::Vec<S>`.
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
