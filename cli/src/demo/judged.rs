//! One model of the story and its marks, which the directory that is written gives again.

use std::time::Instant;

use lepton::Result;
use lepton::autograd::{Tensor, Var, no_grad};
use lepton::nn::{Program, TabularModel};
use lepton::tabular::metrics::{self, Confusion, Interval, Share, Z95};

use super::privacy::Privacy;
use super::ward::{self, MALIGNANT, Ward};

/// One model of the story, with its marks on the held-out rows.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) name: &'static str,
    /// What it is, in a line.
    pub(crate) what: String,
    pub(crate) model: TabularModel,
    pub(crate) marks: Marks,
    /// Bytes of its numbers.
    pub(crate) bytes: usize,
    /// Bytes of the files in its directory, once they are written.
    pub(crate) file_bytes: u64,
    /// Microseconds for one row, unless times are not wanted.
    pub(crate) micros: Option<f64>,
    /// What its training promises; nothing for the yardstick.
    pub(crate) privacy: Option<Privacy>,
}

/// How good a model is on the held-out rows. A row is called malignant when its score is above 0,
/// which is a chance above one half.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// For each row how far the malignant class stands above the benign one: the logarithm of the odds.
    pub(crate) scores: Vec<f64>,
    pub(crate) accuracy: Share,
    pub(crate) auc: f64,
    pub(crate) auc_interval: Interval,
    pub(crate) confusion: Confusion,
}

impl Marks {
    fn new(scores: Vec<f64>, labels: &[usize]) -> Result<Marks> {
        let called: Vec<usize> = scores.iter().map(|&s| called(s)).collect();
        let malignant: Vec<bool> = labels.iter().map(|&c| c == MALIGNANT).collect();
        let right = called.iter().zip(labels).filter(|(a, b)| a == b).count();
        Ok(Marks {
            accuracy: Share {
                part: right,
                whole: labels.len(),
            },
            auc: metrics::auc(&scores, &malignant)?,
            auc_interval: metrics::auc_interval(&scores, &malignant, Z95)?,
            confusion: Confusion::new(&called, labels, 2)?,
            scores,
        })
    }

    /// Of the malignant cases, those called malignant.
    pub(crate) fn sensitivity(&self) -> Share {
        self.confusion.sensitivity(MALIGNANT)
    }

    /// Of the benign cases, those called benign.
    pub(crate) fn specificity(&self) -> Share {
        self.confusion.specificity(MALIGNANT)
    }
}

/// The class of a row with this score; the first of equals, as `lepton predict` has it.
pub(crate) fn called(score: f64) -> usize {
    usize::from(score > 0.0)
}

/// The chance of the malignant class at a score.
pub(crate) fn chance(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

impl Judged {
    /// Marks `model` on the held-out rows.
    pub(crate) fn new(
        name: &'static str,
        what: String,
        model: TabularModel,
        ward: &Ward,
        timed: bool,
    ) -> Result<Judged> {
        let x = ward::encode(&model.features, &ward.test.table)?;
        let micros = timed.then(|| time_a_row(&model.program, &x)).transpose()?;
        Ok(Judged {
            name,
            what,
            marks: Marks::new(scores(&model.program, &x)?, &ward.test.labels)?,
            bytes: model.program.bytes(),
            file_bytes: 0,
            micros,
            model,
            privacy: None,
        })
    }

    /// With what its training promises.
    pub(crate) fn private(self, privacy: &Privacy) -> Judged {
        Judged {
            privacy: Some(privacy.clone()),
            ..self
        }
    }
}

/// For each row how far the malignant class stands above the benign one.
pub(crate) fn scores(program: &Program, x: &Tensor) -> Result<Vec<f64>> {
    let y = no_grad(|| program.run(&[Var::from(x.clone())]))?;
    let logits = y[0].tensor().to_f64();
    Ok(logits.chunks(2).map(|r| r[1] - r[0]).collect())
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
