//! Integrated gradients of piecewise linear scores, from one bend to the next.

use super::gradient::differentiate;
use super::kinks::margins;
use super::line::{Attribution, Line};
use lepton_autograd::Var;
use lepton_tensor::{DType, Error, Result, Tensor};

/// Integrated gradients of a score that is piecewise linear, such as a logit of a network of
/// rectifiers: on each piece the slope is constant, so a sum over pieces is the integral itself.
///
/// Quadrature is not: a bend between two of its points leaves an error that falls only with the
/// distance of the points. Here the parts add up to the difference of the scores to rounding.
///
/// The bends on a line are found from the sums that rectifiers, absolute values, clamps and maxima
/// look at: where none changes its sign between two points, the score is linear between them. Bends of
/// other ops, such as pooling, are found where the tangents of both sides meet.
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_explain::attribution::{IntegratedGradients, PiecewiseLinear};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_slice(&[3.0, 1.0], &[1, 2])?;
/// let score = |x: &Var| (x.select(1, 0) + x.select(1, 1) * 2.0 - 1.7).relu();
/// let exact = PiecewiseLinear::default().explain(score, &x, None)?;
/// assert!(exact.delta[0].abs() < 1e-12);
/// let points = IntegratedGradients::default().explain(score, &x, None)?;
/// assert!(points.delta[0].abs() > 1e-3);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PiecewiseLinear {
    /// In how many points of a line the score may be asked: about three for each bend.
    pub points: usize,
}

impl Default for PiecewiseLinear {
    /// Ten thousand points: some three thousand bends on a line.
    fn default() -> PiecewiseLinear {
        PiecewiseLinear { points: 10_000 }
    }
}

impl PiecewiseLinear {
    /// Explains `score` at each row of `x`, starting from `reference`: a tensor of the shape of
    /// `x`, or of one row for all; `None` for zeros. Sums are in f64 whatever the dtype.
    ///
    /// # Errors
    /// If the score bends all along a line, so that [`IntegratedGradients`](super::IntegratedGradients)
    /// is the method for it, or has more bends than points allow; and as there.
    pub fn explain(
        &self,
        score: impl Fn(&Var) -> Var,
        x: &Tensor,
        reference: Option<&Tensor>,
    ) -> Result<Attribution> {
        let line = Line::between(reference, x)?;
        let search = Search {
            line: &line,
            resolution: Resolution::of(line.dtype()),
        };
        let ends = [0.0, 1.0].map(|at| search.points(&score, &vec![at; line.rows()]));
        let [starts, ends] = ends;
        let pairs = starts?.into_iter().zip(ends?);
        let mut walks: Vec<Walk> = pairs.map(|(a, b)| Walk::new(a, b)).collect();
        for asked in 2.. {
            let next: Vec<Option<f64>> = walks
                .iter_mut()
                .map(|walk| walk.next(search.resolution))
                .collect();
            if next.iter().all(Option::is_none) {
                break;
            }
            if asked >= self.points {
                return Err(too_many(&next, asked));
            }
            let at: Vec<f64> = next.iter().map(|at| at.unwrap_or(1.0)).collect();
            let points = search.points(&score, &at)?;
            for ((walk, point), at) in walks.iter_mut().zip(points).zip(next) {
                walk.ahead.extend(at.map(|_| point));
            }
        }
        let slope: Vec<f64> = walks.iter().flat_map(|w| w.sum.iter().copied()).collect();
        line.attribution(&score, &slope)
    }
}

fn too_many(next: &[Option<f64>], asked: usize) -> Error {
    let row = next.iter().position(Option::is_some).unwrap_or(0);
    Error::value(format!(
        "piecewise linear: {asked} points do not part the line of row {row} into linear pieces; a \
         smooth score (tanh, softmax, a product) wants IntegratedGradients, a large network more points"
    ))
}

/// What a dtype can tell apart.
#[derive(Clone, Copy)]
struct Resolution {
    /// How close to a bend the score is asked, as a share of the line.
    near: f64,
    /// How much two slopes of one piece may differ, relative to their size.
    slope: f64,
    /// How much a value may miss the line of its piece, relative to the values.
    value: f64,
}

impl Resolution {
    fn of(dtype: DType) -> Resolution {
        let (near, slope, value) = match dtype {
            DType::F64 => (1e-10, 1e-11, 1e-9),
            _ => (3e-5, 1e-6, 1e-4),
        };
        Resolution { near, slope, value }
    }
}

struct Search<'a> {
    line: &'a Line<'a>,
    resolution: Resolution,
}

impl Search<'_> {
    /// Asks the score in one point of each line.
    fn points(&self, score: &impl Fn(&Var) -> Var, at: &[f64]) -> Result<Vec<Point>> {
        let x = self.line.at(at)?;
        let (told, margins) = margins(at.len(), || differentiate(score, &x));
        let (scores, slopes) = told?;
        let (slopes, width) = (slopes.to_f64(), self.line.width());
        let point = |(i, margins): (usize, Vec<f64>)| {
            let slope = slopes[i * width..(i + 1) * width].to_vec();
            let along = |(j, s): (usize, &f64)| s * self.line.way(i * width + j);
            Point {
                at: at[i],
                score: scores[i],
                rate: slope.iter().enumerate().map(along).sum(),
                slope,
                margins,
            }
        };
        Ok(margins.into_iter().enumerate().map(point).collect())
    }
}

/// A point of a line that was asked.
struct Point {
    at: f64,
    score: f64,
    /// The slope of the score by each element, and along the line.
    slope: Vec<f64>,
    rate: f64,
    margins: Vec<f64>,
}

/// The way along one line, piece by piece.
struct Walk {
    /// The slope integrated up to `here`.
    sum: Vec<f64>,
    here: Point,
    /// Points asked already, the nearest one last.
    ahead: Vec<Point>,
    steps: usize,
}

impl Walk {
    fn new(start: Point, end: Point) -> Walk {
        Walk {
            sum: vec![0.0; start.slope.len()],
            here: start,
            ahead: vec![end],
            steps: 0,
        }
    }

    /// Goes on as far as it is known, and says where to ask next; `None` at the end of the line.
    fn next(&mut self, resolution: Resolution) -> Option<f64> {
        let near = resolution.near;
        while let Some(there) = self.ahead.last() {
            let width = there.at - self.here.at;
            if self.here.same_piece(there, resolution) {
                self.go(there.at);
            } else if width <= 2.5 * near {
                let bend = self.here.tangents_meet(there);
                self.go(bend.unwrap_or(self.here.at + width / 2.0));
            } else {
                self.steps += 1;
                let bend = self
                    .here
                    .sign_changes(there)
                    .or_else(|| self.here.tangents_meet(there));
                // Halves now and then: rounding may move a bend on for ever.
                let at = match bend.filter(|_| !self.steps.is_multiple_of(6)) {
                    None => self.here.at + width / 2.0,
                    // First close to the bend, then past it.
                    Some(bend) if bend - self.here.at > 1.5 * near => bend - near,
                    Some(bend) => bend + near,
                };
                return Some(at.clamp(self.here.at + near, there.at - near));
            }
        }
        None
    }

    /// Passes the next point: its predecessor's slope holds up to `bend`, its own from there.
    fn go(&mut self, bend: f64) {
        let Some(there) = self.ahead.pop() else {
            return;
        };
        let (before, after) = (bend - self.here.at, there.at - bend);
        for (i, sum) in self.sum.iter_mut().enumerate() {
            *sum += before * self.here.slope[i] + after * there.slope[i];
        }
        self.here = there;
    }
}

impl Point {
    /// Whether the score is linear between two points.
    fn same_piece(&self, other: &Point, resolution: Resolution) -> bool {
        let size = |p: &Point| p.slope.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
        let most = resolution.slope * size(self).max(size(other));
        let step = self.rate * (other.at - self.at);
        let room = resolution.value * (self.score.abs() + other.score.abs() + step.abs());
        let mut slopes = self.slope.iter().zip(&other.slope);
        self.margins.len() == other.margins.len()
            && self.changes(other).next().is_none()
            && slopes.all(|(a, b)| (a - b).abs() <= most)
            && (other.score - self.score - step).abs() <= room
    }

    /// The margins that have another sign in `other`, each with its place and both values.
    fn changes(&self, other: &Point) -> impl Iterator<Item = (f64, f64)> {
        let pairs = self
            .margins
            .iter()
            .copied()
            .zip(other.margins.iter().copied());
        pairs.filter(|(a, b)| (*a > 0.0) != (*b > 0.0))
    }

    /// Where the first margin (of those in the order in which ops ran) changes its sign. What comes
    /// before it is linear in between, so the margin is, and its root exact.
    fn sign_changes(&self, other: &Point) -> Option<f64> {
        let (a, b) = self.changes(other).next()?;
        let bend = self.at + (other.at - self.at) * (a / (a - b));
        bend.is_finite().then_some(bend)
    }

    /// Where the tangents at two points meet, if that is between them but for rounding.
    fn tangents_meet(&self, other: &Point) -> Option<f64> {
        let width = other.at - self.at;
        let gap = other.score - self.score - other.rate * width;
        let share = gap / (self.rate - other.rate) / width;
        (-0.2..=1.2)
            .contains(&share)
            .then(|| self.at + share.clamp(0.0, 1.0) * width)
    }
}
