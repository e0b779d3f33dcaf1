//! Privacy accounting against other systems: the rules of `reference/dp/README.md`.

use crate::area::{Outcome, Row};
use lepton_federated::accountant::{
    Accountant, Mechanism, PldAccountant, RdpAccountant, noise_multiplier, noise_multiplier_after,
};

/// Knows a table by its columns.
pub(crate) fn check(row: &Row) -> Result<Outcome, String> {
    if row.has("rdp_quadrature") {
        divergence(row)
    } else if row.has("target_eps") {
        calibration(row)
    } else if row.has("eps_pld_upper") {
        epsilon(row)
    } else if row.has("mechanism") {
        other(row)
    } else {
        Ok(Outcome::Unsupported(
            "a table with columns this runner does not know".into(),
        ))
    }
}

/// Every expectation of a case, collected into one sentence.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }

    fn outcome(self) -> Result<Outcome, String> {
        Ok(if self.0.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(self.0.join("; "))
        })
    }
}

fn text(e: lepton_tensor::Error) -> String {
    e.to_string()
}

fn divergence(row: &Row) -> Result<Outcome, String> {
    let mut accountant = RdpAccountant::new();
    accountant
        .step(row.number("q")?, row.number("sigma")?, 1)
        .map_err(text)?;
    let ours = accountant.rdp(row.number("order")?).map_err(text)?;
    let want = row.number("rdp_quadrature")?;
    let mut faults = Faults::default();
    faults.expect((ours / want - 1.0).abs() <= 1e-6, || {
        format!("rdp is {ours:e}, not {want:e}")
    });
    faults.outcome()
}

fn epsilon(row: &Row) -> Result<Outcome, String> {
    let (q, sigma, steps) = (
        row.number("q")?,
        row.number("sigma")?,
        row.number("steps")? as u64,
    );
    let delta = row.number("delta")?;
    let mut rdp = RdpAccountant::new();
    rdp.step(q, sigma, steps).map_err(text)?;
    let rdp = rdp.epsilon(delta).map_err(text)?;
    let mut pld = PldAccountant::new();
    pld.step(q, sigma, steps).map_err(text)?;
    let pld = pld.epsilon(delta).map_err(text)?;

    let mut faults = Faults::default();
    for column in ["eps_rdp_opacus", "eps_rdp_dpaccounting"] {
        if let Some(bound) = row.get(column)? {
            faults.expect(rdp <= bound * (1.0 + 1e-6), || {
                format!("rdp epsilon {rdp} above {column} {bound}")
            });
        }
    }
    let upper = row.number("eps_pld_upper")?;
    faults.expect(pld <= 1.001 * upper, || {
        format!("pld epsilon {pld} above 1.001 * {upper}")
    });
    faults.expect(pld >= upper - 0.03, || {
        format!("pld epsilon {pld} below {upper} - 0.03")
    });
    faults.expect(pld <= 1.001 * rdp, || {
        format!("pld epsilon {pld} above rdp epsilon {rdp}")
    });
    if let Some(exact) = row.get("eps_exact")? {
        faults.expect(pld >= exact * (1.0 - 1e-6), || {
            format!("pld epsilon {pld} below the exact {exact}")
        });
        faults.expect(rdp >= exact * (1.0 - 1e-6), || {
            format!("rdp epsilon {rdp} below the exact {exact}")
        });
    }
    faults.outcome()
}

fn calibration(row: &Row) -> Result<Outcome, String> {
    let (target, delta) = (row.number("target_eps")?, row.number("delta")?);
    let (q, steps) = (row.number("q")?, row.number("steps")? as u64);
    let rdp = noise_multiplier(target, delta, q, steps).map_err(text)?;
    // The column was found to a thousandth on a grid of a thousandth, which overestimates by up to
    // 0.4 %: so is ours.
    let coarse = PldAccountant::with_grid(1e-3).map_err(text)?;
    let pld = noise_multiplier_after(&coarse, target, delta, q, steps, 1e-3).map_err(text)?;
    let mut faults = Faults::default();
    let columns = ["sigma_rdp_opacus", "sigma_rdp_dpaccounting"];
    let smaller = columns
        .iter()
        .map(|c| row.get(c))
        .collect::<Result<Vec<_>, _>>()?;
    let smaller = smaller.into_iter().flatten().fold(f64::INFINITY, f64::min);
    faults.expect(rdp <= smaller * (1.0 + 1e-3), || {
        format!("rdp sigma {rdp} above {smaller}")
    });
    if let Some(want) = row.get("sigma_pld")? {
        faults.expect((pld / want - 1.0).abs() <= 1e-3, || {
            format!("pld sigma {pld}, not {want}")
        });
    }
    if let Some(exact) = row.get("sigma_exact")? {
        faults.expect(pld >= exact * (1.0 - 1e-6), || {
            format!("pld sigma {pld} below the exact {exact}")
        });
        faults.expect(rdp >= exact * (1.0 - 1e-6), || {
            format!("rdp sigma {rdp} below the exact {exact}")
        });
    }
    faults.outcome()
}

fn other(row: &Row) -> Result<Outcome, String> {
    let mut words = row.text("mechanism").split_whitespace();
    let kind = words.next().unwrap_or("");
    let setting = |key: &str| -> Result<u64, String> {
        let mut pairs = row
            .text("mechanism")
            .split_whitespace()
            .filter_map(|w| w.split_once('='));
        let value = pairs.find(|p| p.0 == key).map(|p| p.1);
        value
            .and_then(|v| v.parse().ok())
            .ok_or_else(|| format!("mechanism: no whole number {key}"))
    };
    let (scale, q) = (row.number("scale")?, row.number("q")?);
    let (size, steps) = (row.number("sensitivity_or_n")?, row.number("steps")? as u64);
    let (mechanism, count) = match kind {
        "discrete_gaussian_pld" => (
            Mechanism::SampledDiscreteGaussian {
                q,
                sigma: scale,
                sensitivity: size as u32,
            },
            steps,
        ),
        // Here the column holds the other system's parameter, with masses as exp(-scale |k|).
        "discrete_laplace_pld" => (
            Mechanism::SampledDiscreteLaplace {
                q,
                scale: 1.0 / scale,
                sensitivity: size as u32,
            },
            steps,
        ),
        "laplace_pld" => (
            Mechanism::SampledLaplace {
                q,
                scale,
                sensitivity: size,
            },
            steps,
        ),
        "truncated_subsampled_gaussian_pld" => (
            Mechanism::TruncatedGaussian {
                q,
                sigma: scale,
                rows: setting("n")?,
                cap: setting("cap")?,
            },
            steps,
        ),
        "gaussian_without_replacement_rdp_replace_one" => {
            (Mechanism::FixedSizeGaussian { q, sigma: scale }, steps)
        }
        "dpftrl_tree_single_epoch_rdp_replace_special" if q == 1.0 => (
            Mechanism::TreeGaussian {
                sigma: scale,
                leaves: steps,
            },
            1,
        ),
        _ => {
            return Ok(Outcome::Unsupported(format!(
                "no mechanism {kind:?} at q {q}"
            )));
        }
    };
    let mut accountant: Box<dyn Accountant> = if kind.contains("_pld") {
        Box::new(PldAccountant::new())
    } else {
        Box::new(RdpAccountant::new())
    };
    accountant.add(mechanism, count).map_err(text)?;
    let ours = accountant.epsilon(row.number("delta")?).map_err(text)?;
    let want = row.number("eps")?;
    let mut faults = Faults::default();
    faults.expect(ours <= 1.005 * want, || {
        format!("{mechanism:?}: epsilon {ours} above 1.005 * {want}")
    });
    let room = (0.01 * want).max(0.03);
    faults.expect(ours >= want - room, || {
        format!("{mechanism:?}: epsilon {ours} below {want} - {room}")
    });
    faults.outcome()
}
