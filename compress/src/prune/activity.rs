//! What the neurons of a hidden layer do: measured on rows, or expected of standardised ones.

use lepton_autograd::{Error, Result, Tensor, Var, no_grad};
use lepton_nn::Mlp;
use lepton_tensor::special::normal_cdf;
use std::f64::consts::PI;

use super::layers::{bias, weights};

/// Rows that the network is run on at a time.
const ROWS: usize = 1024;

/// The activation of a neuron over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Activity {
    /// Its mean.
    pub(super) mean: f64,
    /// Its variance; 0 where it never changes.
    pub(super) variance: f64,
}

/// The activity of each neuron of hidden layer `layer` on `rows`.
pub(super) fn measured(net: &Mlp, layer: usize, rows: &Tensor) -> Result<Vec<Activity>> {
    let inputs = weights(net, 0)?.shape()[1];
    if rows.rank() != 2 || rows.is_meta() || !rows.dtype().is_float() || rows.shape()[1] != inputs {
        return Err(Error::shape(format!(
            "pruning: the rows are {} {:?}; give floats [rows, {inputs}] to measure on",
            rows.dtype(),
            rows.shape()
        )));
    }
    let n = rows.shape()[0];
    if n == 0 {
        return Err(Error::shape(
            "pruning: there are no rows to measure on; give at least one",
        ));
    }
    let mut sums = Sums::default();
    for start in (0..n).step_by(ROWS) {
        let part = Var::from(rows.slice(0, start, ROWS.min(n - start), 1)?.contiguous());
        let through = |x: Var, l: &lepton_nn::Linear| l.forward_relu(&x);
        let out = no_grad(|| net.layers[..=layer].iter().fold(part, through));
        sums.add(&out.tensor().to_f64(), out.shape()[1])
            .map_err(|(row, neuron)| {
                Error::value(format!(
                    "pruning: neuron {neuron} of layer {layer} is not finite on row {}; look for \
                     where that comes from",
                    start + row
                ))
            })?;
    }
    Ok(sums.activities())
}

/// Sums of each neuron's distance from its first value, so that a constant has variance 0.
#[derive(Default)]
struct Sums {
    rows: f64,
    first: Vec<f64>,
    distance: Vec<f64>,
    square: Vec<f64>,
}

impl Sums {
    /// Adds rows of activations, or gives the row and the neuron that is not finite.
    fn add(&mut self, values: &[f64], width: usize) -> Result<(), (usize, usize)> {
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err((at / width, at % width));
        }
        for row in values.chunks_exact(width) {
            if self.first.is_empty() {
                self.first = row.to_vec();
                (self.distance, self.square) = (vec![0.0; width], vec![0.0; width]);
            }
            self.rows += 1.0;
            for (j, v) in row.iter().enumerate() {
                let d = v - self.first[j];
                self.distance[j] += d;
                self.square[j] += d * d;
            }
        }
        Ok(())
    }

    fn activities(&self) -> Vec<Activity> {
        let of = |j: usize| {
            let d = self.distance[j] / self.rows;
            Activity {
                mean: self.first[j] + d,
                variance: (self.square[j] / self.rows - d * d).max(0.0),
            }
        };
        (0..self.first.len()).map(of).collect()
    }
}

/// The activity of each neuron of hidden layer `layer` to expect where the inputs are standardised
/// and independent of each other, by the moments of a rectified Gaussian.
pub(super) fn expected(net: &Mlp, layer: usize) -> Result<Vec<Activity>> {
    let inputs = weights(net, 0)?.shape()[1];
    let standard = Activity {
        mean: 0.0,
        variance: 1.0,
    };
    let mut now = vec![standard; inputs];
    for i in 0..=layer {
        let (w, b) = (weights(net, i)?.to_f64(), bias(net, i)?);
        let into = |j: usize| {
            let row = &w[j * now.len()..(j + 1) * now.len()];
            let mean: f64 = row.iter().zip(&now).map(|(w, a)| w * a.mean).sum();
            let variance = row.iter().zip(&now).map(|(w, a)| w * w * a.variance).sum();
            rectified(mean + b[j], variance)
        };
        now = (0..b.len()).map(into).collect();
    }
    Ok(now)
}

/// `max(x, 0)` of a Gaussian `x`.
fn rectified(mean: f64, variance: f64) -> Activity {
    if variance == 0.0 {
        return Activity {
            mean: mean.max(0.0),
            variance,
        };
    }
    let deviation = variance.sqrt();
    let z = mean / deviation;
    let above = normal_cdf(z);
    let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    let first = z * above + density;
    let second = (z * z + 1.0) * above + z * density;
    Activity {
        mean: deviation * first,
        variance: variance * (second - first * first).max(0.0),
    }
}
