//! The cases by name.

mod conv;
mod elementwise;
mod gemm;
mod machine;
mod rows;
mod train;

pub(crate) use conv::{Conv, conv};
pub(crate) use elementwise::{OPS, above_zero, elementwise, of_op};
pub(crate) use gemm::{Product, product};
pub(crate) use rows::softmax;
pub(crate) use train::{infer, perceptron};

use lepton_autograd::Var;

use crate::Case;
use crate::adhoc;

/// Cases of the comparison whose kernels do not exist yet.
const LATER: [&str; 5] = [
    "qmm_q8_0_1x4096",
    "qmm_q8_0_32x4096",
    "qmm_q4_0_1x4096",
    "qmm_q4_0_32x4096",
    "linear_int8_1024_b32",
];

/// All cases that have a name of their own, in the order of the comparison's tables.
pub fn known() -> Vec<Case> {
    let groups = [
        machine::cases(),
        gemm::cases(),
        elementwise::cases(),
        rows::cases(),
        conv::cases(),
        train::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// The case called `name`, or the ad-hoc case that it spells.
///
/// # Errors
/// When there is none; the sentence lists those there are. When an ad-hoc case is misspelt or too
/// large.
pub fn find(name: &str) -> Result<Case, String> {
    if let Some(case) = known().into_iter().find(|c| c.name() == name) {
        return Ok(case);
    }
    if let Some(case) = adhoc::read(name) {
        return case;
    }
    let names: Vec<String> = known().iter().map(|c| c.name().to_owned()).collect();
    Err(format!(
        "unknown case '{name}'; known: {}; ad hoc: {}; not available yet: {}",
        names.join(", "),
        adhoc::FORMS.join(", "),
        LATER.join(", ")
    ))
}

/// The sum of a result's elements, in f64 and in order.
pub fn sum(result: &Var) -> f64 {
    result.tensor().to_f64().iter().sum()
}
