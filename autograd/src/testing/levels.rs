//! Every SIMD level of this machine against the portable one.

use lepton_tensor::Tensor;
use lepton_tensor::simd::{Level, with_level};

use super::compare::{Verdict, close, same_bits};
use crate::engine::subject::Subject;
use crate::engine::var::Var;

/// Levels may sum and round in another order: this many units in the last place of the largest
/// element.
const UNITS: f64 = 256.0;

/// Forward and gradient, in f64 and in f32.
pub(super) fn agree(s: &Subject) -> Verdict {
    levels(s, UNITS * f64::EPSILON)?;
    levels(&s.single()?, UNITS * f64::from(f32::EPSILON)).map_err(|e| format!("f32: {e}"))
}

fn levels(s: &Subject, tolerance: f64) -> Verdict {
    let u = s.cotangents(&s.inputs);
    let at = |level| with_level(level, || both(s, &u));
    let (y, g) = at(Level::Portable)?;
    for level in Level::available() {
        let (z, h) = at(level)?;
        let name = level.name();
        close(&format!("level {name} against portable"), &z, &y, tolerance)?;
        close(
            &format!("gradient, level {name} against portable"),
            &h,
            &g,
            tolerance,
        )?;
        same_bits(&format!("level {name}, run twice"), &at(level)?.0, &z)?;
    }
    Ok(())
}

/// Outputs and gradients.
pub(super) fn both(s: &Subject, u: &[Var]) -> Result<(Vec<Tensor>, Vec<Tensor>), String> {
    Ok((s.run(&s.inputs), s.pull(&s.inputs, u)?))
}
