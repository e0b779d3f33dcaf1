//! How elements combine that meet in one place.

use crate::DType;
use crate::dtype::Element;

/// A sum in the element's own arithmetic: floats add, integers wrap, bool is "or".
pub(crate) fn add<T: Element>(a: T, b: T) -> T {
    if T::DTYPE == DType::F64 || T::DTYPE == DType::F32 {
        // For f32 the sum of two in f64, rounded once, is the f32 sum.
        T::from_f64(a.to_f64() + b.to_f64())
    } else {
        T::from_i64(a.to_i64().wrapping_add(b.to_i64()))
    }
}

/// How elements that are scattered to one place combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScatterReduce {
    /// The last one stays.
    Set,
    /// Their product, with what was there.
    Prod,
    /// The largest of them and of what was there; NaN wins.
    Max,
    /// The smallest of them and of what was there; NaN wins.
    Min,
}

/// `old`, the element of a place, combined with `new`, which is scattered there.
#[allow(clippy::eq_op, reason = "x != x is how a generic float says NaN")]
pub(crate) fn combine<T: Element>(how: ScatterReduce, old: T, new: T) -> T {
    let keep_if = |further: bool| if further || old != old { old } else { new };
    match how {
        ScatterReduce::Set => new,
        ScatterReduce::Prod if T::DTYPE.is_float() => T::from_f64(old.to_f64() * new.to_f64()),
        ScatterReduce::Prod => T::from_i64(old.to_i64().wrapping_mul(new.to_i64())),
        ScatterReduce::Max => keep_if(old > new),
        ScatterReduce::Min => keep_if(old < new),
    }
}
