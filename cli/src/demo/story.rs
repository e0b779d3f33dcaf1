//! What the demo has found: every number of the report is in here, and was computed in this run.

use std::time::Instant;

use lepton::Result;
use lepton::autograd::{Tensor, Var, no_grad};
use lepton::nn::Program;
use lepton::tabular::metrics;
use serde::Serialize;

use super::ward::Rows;

/// What a private training run promises.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Privacy {
    /// The bound on what one row can change.
    pub(crate) epsilon: f64,
    /// The chance with which the bound may fail.
    pub(crate) delta: f64,
    /// The share of its rows that a hospital uses in a step.
    pub(crate) sampling_rate: f64,
    /// The noise on the sum, over the clipping norm.
    pub(crate) noise_multiplier: f64,
    /// Noisy steps.
    pub(crate) steps: u64,
}

/// One model of the story, with its marks on the held-out rows.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) name: &'static str,
    /// What it is, in a line.
    pub(crate) what: String,
    pub(crate) program: Program,
    pub(crate) accuracy: f64,
    pub(crate) auc: f64,
    pub(crate) bytes: usize,
    /// Microseconds for one row, unless times are not wanted.
    pub(crate) micros: Option<f64>,
    pub(crate) privacy: Option<Privacy>,
}

impl Judged {
    /// Marks `program` on the held-out rows.
    pub(crate) fn new(
        name: &'static str,
        what: String,
        program: Program,
        test: &Rows,
        timed: bool,
    ) -> Result<Judged> {
        let logits = logits(&program, &test.x)?;
        let predicted: Vec<usize> = logits.chunks(2).map(|r| usize::from(r[1] > r[0])).collect();
        let scores: Vec<f64> = logits.chunks(2).map(|r| r[1] - r[0]).collect();
        let positive: Vec<bool> = test.labels.iter().map(|&c| c == 1).collect();
        Ok(Judged {
            name,
            what,
            accuracy: metrics::accuracy(&predicted, &test.labels)?,
            auc: metrics::auc(&scores, &positive)?,
            bytes: program.bytes(),
            micros: if timed {
                Some(time_a_row(&program, &test.x)?)
            } else {
                None
            },
            program,
            privacy: None,
        })
    }

    /// With what its training promises.
    pub(crate) fn private(self, privacy: Privacy) -> Judged {
        Judged {
            privacy: Some(privacy),
            ..self
        }
    }
}

/// Two logits a row, in f64.
pub(crate) fn logits(program: &Program, x: &Tensor) -> Result<Vec<f64>> {
    let y = no_grad(|| program.run(&[Var::from(x.clone())]))?;
    Ok(y[0].tensor().to_f64())
}

/// The class of each row.
pub(crate) fn classes(program: &Program, x: &Tensor) -> Result<Vec<usize>> {
    Ok(logits(program, x)?
        .chunks(2)
        .map(|r| usize::from(r[1] > r[0]))
        .collect())
}

/// The median of some hundred single-row runs, in microseconds.
fn time_a_row(program: &Program, x: &Tensor) -> Result<f64> {
    let row = Var::from(x.slice(0, 0, 1, 1)?.contiguous());
    no_grad(|| {
        let mut samples = Vec::new();
        for _ in 0..301 {
            let start = Instant::now();
            for _ in 0..8 {
                program.run(std::slice::from_ref(&row))?;
            }
            samples.push(start.elapsed().as_secs_f64() * 1e6 / 8.0);
        }
        samples.sort_by(f64::total_cmp);
        Ok(samples[samples.len() / 2])
    })
}
