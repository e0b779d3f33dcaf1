//! 8-bit codes of floats.

mod encode;
mod params;
mod rescale;

pub(crate) use encode::{Code, encode_all};
pub use params::QuantParams;
pub(crate) use rescale::Rescale;
