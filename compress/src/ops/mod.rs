//! The ops of this crate: fake quantisation for training, codes and integer layers for programs.

mod codes;
mod fake;
mod linear;

pub use codes::Quantize;
pub use fake::{FakeQuantize, InRange};
pub use linear::LinearInt8;

lepton_autograd::catalogue! {
    unary: InRange;
    binary: ;
    ops: FakeQuantize, LinearInt8, Quantize
}
