//! Other shapes of the same elements: reshaping, slicing, joining, rearranging.

pub mod rearrange;
pub mod reshape;
pub mod slicing;
pub mod unbind;
