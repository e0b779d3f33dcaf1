//! Functions of each element, or of each pair of elements.

pub mod arithmetic;
pub mod binary;
pub mod binary_math;
pub mod compare;
pub mod exponential;
pub mod lerp;
pub mod roots;
pub mod rounding;
pub mod scaling;
pub mod special;
pub mod trigonometric;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        arithmetic::catalogue(),
        binary::catalogue(),
        binary_math::catalogue(),
        compare::catalogue(),
        exponential::catalogue(),
        lerp::catalogue(),
        roots::catalogue(),
        rounding::catalogue(),
        scaling::catalogue(),
        special::catalogue(),
        trigonometric::catalogue(),
    ]
    .concat()
}
