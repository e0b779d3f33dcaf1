//! The derived tests: every op of a catalogue, from its cases, with nothing to remember.

use lepton_tensor::random::Rng;

use crate::case::Case;
use crate::catalogue::Listed;
use crate::gradcheck::{GradcheckOptions, gradcheck};
use crate::op::{Ins, Op};
use crate::var::Var;

/// Runs the derived tests of `O` on the cases of `seed`; the number of cases, or what failed.
pub(crate) fn check_op<O: Op + Listed>(seed: u64) -> Result<usize, String> {
    let cases = O::cases(&mut Rng::new(seed));
    for (i, case) in cases.iter().enumerate() {
        check_case(case).map_err(|e| format!("{} case {i} seed {seed}: {e}", O::NAME))?;
    }
    Ok(cases.len())
}

fn check_case<O: Op + Listed>(case: &Case<O>) -> Result<(), String> {
    let x: Ins<Var> = case.inputs.iter().map(|t| Var::from(t.clone())).collect();
    let y = crate::apply(case.op.clone(), x.clone()).map_err(|e| e.to_string())?;
    if let Some(want) = &case.want {
        for (y, w) in y.iter().zip(want) {
            let close = y
                .tensor()
                .to_f64()
                .iter()
                .zip(w.to_f64())
                .all(|(a, b)| (a - b).abs() <= 1e-9 * (1.0 + b.abs()) || a == &b);
            if y.shape() != w.shape() || !close {
                return Err(format!("forward gives {y}, want {w}"));
            }
        }
    }
    let floats: Vec<usize> = (0..x.len())
        .filter(|&i| case.gradients[i] == crate::Gradient::Exact)
        .collect();
    if floats.is_empty() {
        return Ok(());
    }
    let leaves: Vec<Var> = floats.iter().map(|&i| x[i].clone()).collect();
    let f = |z: &[Var]| {
        let mut all = x.clone();
        floats.iter().zip(z).for_each(|(&i, z)| all[i] = z.clone());
        crate::apply(case.op.clone(), all)
            .unwrap_or_else(|e| panic!("{e}"))
            .into_vec()
    };
    gradcheck(
        f,
        &leaves,
        GradcheckOptions {
            order: 2,
            ..Default::default()
        },
    )
    .map_err(|e| e.to_string())
}

/// Runs the derived tests of a whole catalogue.
///
/// # Panics
/// With every failure, one line each.
pub fn check_catalogue(entries: &[crate::Entry], seed: u64) {
    let failures: Vec<String> = entries
        .iter()
        .filter_map(|e| (e.check)(seed).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
