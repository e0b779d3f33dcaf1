//! One patient's score, part by part, from the score of a typical benign patient.

use lepton::Result;
use lepton::autograd::{Tensor, Var};
use lepton::explain::attribution::{Attribution, PiecewiseLinear};
use lepton::explain::picture::{Part, Waterfall, waterfall};
use lepton::nn::Program;
use lepton::tabular::metrics::Share;

use crate::demo::figures;
use crate::demo::judged::{Judged, called};
use crate::demo::ward::{self, CLASSES, MALIGNANT, Ward};

/// Features with a bar of their own: the strongest of thirty.
pub(crate) const BARS: usize = 8;
/// The shares of the benign held-out patients between whose values a value is usual.
const USUAL: [f64; 2] = [0.05, 0.95];

/// The parts of every held-out row's score.
pub(super) struct Parts {
    /// How many features there are.
    pub(super) width: usize,
    /// What each feature adds, row after row.
    pub(super) values: Vec<f64>,
    found: Attribution,
}

impl Parts {
    /// What feature `j` adds to the score of each row.
    pub(super) fn of(&self, j: usize) -> impl Iterator<Item = f64> {
        self.values.iter().skip(j).step_by(self.width).copied()
    }
}

/// What a feature says of the patient.
pub(crate) struct Measure {
    /// Its name in words, and its column in the file.
    pub(crate) name: String,
    pub(crate) column: String,
    /// The patient's value, and the reference's: the median of the benign held-out patients.
    pub(crate) value: f64,
    pub(crate) reference: f64,
    /// The values between which nine of ten benign held-out patients lie.
    pub(crate) usual: [f64; 2],
    /// What it adds to the patient's score.
    pub(crate) part: f64,
    /// For each class, the held-out patients to whose score it adds something.
    pub(crate) adds: [Share; 2],
}

/// The patient whose score is explained.
pub(crate) struct Patient {
    /// Its position among the held-out rows.
    pub(crate) position: usize,
    /// Its row in the file: 1 for the first below the header.
    pub(crate) row: usize,
    /// The class that the biopsy had. It is malignant.
    pub(crate) truth: usize,
    /// The class that the model gives.
    pub(crate) called: usize,
    /// The score of the reference, and the patient's.
    pub(crate) start: f64,
    pub(crate) end: f64,
    /// Every feature, the strongest first.
    pub(crate) measures: Vec<Measure>,
    /// By how much the parts miss the difference of the scores.
    pub(crate) missed: f64,
    /// From the reference to the patient, as a picture.
    pub(crate) picture: String,
}

/// The parts of all held-out rows, from the median benign patient of them.
pub(super) fn attribute(judged: &Judged, ward: &Ward) -> Result<Parts> {
    let features = &judged.model.features;
    let medians = (0..features.width()).map(|j| benign(ward, j, 0.5));
    let reference = ward::table_of(features, &[medians.collect::<Result<_>>()?])?;
    let reference = ward::encode(features, &reference)?;
    let x = ward::encode(features, &ward.test.table)?;
    let found = integrate(&judged.model.program, &x, &reference)?;
    Ok(Parts {
        width: features.width(),
        values: found.values.to_f64(),
        found,
    })
}

/// The score is how far the malignant class stands above the benign one.
fn integrate(program: &Program, x: &Tensor, reference: &Tensor) -> Result<Attribution> {
    let score = |x: &Var| {
        let y = program
            .run(std::slice::from_ref(x))
            .unwrap_or_else(|e| panic!("{e}"))
            .swap_remove(0);
        y.select(1, 1) - y.select(1, 0)
    };
    // The model is a network of rectifiers, so the parts are exact.
    PiecewiseLinear::default().explain(score, x, Some(reference))
}

/// The value below which the share `q` of the benign held-out patients lies in feature `j`.
fn benign(ward: &Ward, j: usize, q: f64) -> Result<f64> {
    let values = ward.held_out(j)?;
    let rows = ward.test.of(1 - MALIGNANT);
    Ok(quantile(rows.iter().map(|&i| values[i]).collect(), q))
}

/// Between the two nearest values, in proportion.
fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = q * (values.len() - 1) as f64;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

impl Patient {
    pub(super) fn choose(judged: &Judged, ward: &Ward, parts: &Parts) -> Result<Patient> {
        let position = closest_to_doubt(judged, ward);
        let measure = |j| Measure::new(ward, parts, position, j);
        let mut measures: Vec<Measure> = (0..parts.width).map(measure).collect::<Result<_>>()?;
        measures.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
        let end = parts.found.score[position];
        let mut patient = Patient {
            position,
            row: ward.test.places[position] + 1,
            truth: ward.test.labels[position],
            called: called(end),
            start: parts.found.reference[position],
            end,
            measures,
            missed: parts.found.delta[position].abs(),
            picture: String::new(),
        };
        patient.picture = patient.draw(judged.name)?;
        Ok(patient)
    }

    fn draw(&self, model: &str) -> Result<String> {
        let part = |m: &Measure| Part {
            name: m.name.clone(),
            detail: format!(
                "{}, usual {} to {}",
                figures::figure(m.value),
                figures::figure(m.usual[0]),
                figures::figure(m.usual[1])
            ),
            value: m.part,
        };
        let parts: Vec<Part> = self.measures.iter().map(part).collect();
        waterfall(&Waterfall {
            title: &format!(
                "Why the {model} model calls the patient in row {} {}",
                self.row, CLASSES[self.called]
            ),
            negative: "speaks for benign",
            positive: "speaks for malignant",
            start: ("score of the median benign patient", self.start),
            end: (
                &format!("score of the patient in row {}", self.row),
                self.end,
            ),
            parts: &parts,
            shown: BARS,
        })
    }

    /// What the features without a bar of their own add together.
    pub(crate) fn rest(&self) -> f64 {
        self.measures[BARS..].iter().map(|m| m.part).sum()
    }
}

impl Measure {
    fn new(ward: &Ward, parts: &Parts, position: usize, j: usize) -> Result<Measure> {
        let adds: Vec<bool> = parts.of(j).map(|p| p > 0.0).collect();
        let share = |class: usize| {
            let rows = ward.test.of(class);
            Share {
                part: rows.iter().filter(|&&i| adds[i]).count(),
                whole: rows.len(),
            }
        };
        let column = ward.features.names()[j].clone();
        Ok(Measure {
            name: column.replace('_', " "),
            column,
            value: ward.held_out(j)?[position],
            reference: benign(ward, j, 0.5)?,
            usual: [benign(ward, j, USUAL[0])?, benign(ward, j, USUAL[1])?],
            part: parts.values[position * parts.width + j],
            adds: [share(0), share(1)],
        })
    }
}

/// The malignant case that the model is least sure of and still gets right: the one a doctor would ask
/// about. Where it gets none right, the one that it is closest to getting right.
fn closest_to_doubt(judged: &Judged, ward: &Ward) -> usize {
    let score = |i: &usize| judged.marks.scores[*i];
    let malignant = ward.test.of(MALIGNANT);
    let caught = malignant.iter().copied().filter(|i| score(i) > 0.0);
    caught
        .min_by(|a, b| score(a).total_cmp(&score(b)))
        .or_else(|| {
            malignant
                .iter()
                .copied()
                .max_by(|a, b| score(a).total_cmp(&score(b)))
        })
        .expect("a stratified split holds out rows of each class")
}
