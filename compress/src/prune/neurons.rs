//! Structured pruning of dense networks: hidden neurons taken out, with all that hangs on them.

use lepton_autograd::{Error, Param, Result, Tensor};
use lepton_nn::{Linear, Mlp, Weight};
use lepton_tensor::ops;
use std::fmt;

use super::activity::{Activity, expected, measured};
use super::layers::{bias, hidden, pair, weights};
use super::{count, smallest};

/// A network without its least important neurons, and what was measured to tell them.
#[derive(Clone, Debug)]
pub struct Pruned {
    /// The smaller network.
    pub net: Mlp,
    /// Its hidden layers, from the first to the last.
    pub layers: Vec<PrunedLayer>,
}

/// A hidden layer that neurons were taken out of.
#[derive(Clone, Debug, PartialEq)]
pub struct PrunedLayer {
    /// On how many rows it was measured.
    pub rows: usize,
    /// The neurons it had, in order.
    pub neurons: Vec<Neuron>,
}

impl PrunedLayer {
    /// The share of the layer's contributions that those taken out had, in [0, 1].
    pub fn lost(&self) -> f64 {
        let all: f64 = self.neurons.iter().map(|n| n.score).sum();
        let gone = self.neurons.iter().filter(|n| !n.kept).map(|n| n.score);
        gone.sum::<f64>() / all.max(f64::MIN_POSITIVE)
    }
}

/// What a neuron did on the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neuron {
    /// The mean of its activation, which goes into the next layer's bias when it is taken out.
    pub mean: f64,
    /// The standard deviation of its activation; 0 for one that never changes.
    pub deviation: f64,
    /// Its contribution: the deviation times the norm of the weights that lead on.
    pub score: f64,
    /// Whether it stayed.
    pub kept: bool,
}

/// The network without the `round(amount * n)` neurons of each hidden layer that contribute least on
/// `rows`; one at least stays.
///
/// A neuron's contribution is the standard deviation of its activation times the Euclidean norm of the
/// weights that lead on: by so much, in the mean square, the next layer's sums change when the
/// neuron is held at its mean. And that is what happens: the mean is folded into the next layer's
/// bias. So a neuron that never changes on the rows, active or not, scores 0, and without it the
/// network gives the same answers. Layers are measured from the first on, each behind what is left of
/// those before.
///
/// Row `j` of a hidden layer, its bias and column `j` of the next layer are one neuron and go
/// together, so the result is a smaller dense network, faster by as much.
///
/// ```
/// use lepton_autograd::Tensor;
/// use lepton_compress::prune_neurons_on;
/// use lepton_nn::{Mlp, Rng};
/// let net = Mlp::new(&[3, 16, 2], &mut Rng::new(0));
/// let rows = Tensor::from_vec((0..300).map(|i| (i as f32).sin()).collect(), &[100, 3])?;
/// let pruned = prune_neurons_on(&net, &rows, 0.5)?;
/// assert_eq!(pruned.net.sizes(), [3, 8, 2]);
/// assert!(pruned.to_string().starts_with("layer 0: 8 of 16 neurons stay, measured on 100 rows"));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When `amount` is not a share from 0 to 1, `rows` are not floats of the network's width, a value is
/// not finite, or weights are not dense floats.
pub fn prune_neurons_on(net: &Mlp, rows: &Tensor, amount: f64) -> Result<Pruned> {
    let mut layers = Vec::new();
    let (net, choices) = prune(net, amount, |small, layer| {
        let activity = measured(small, layer, rows)?;
        layers.push(activity.clone());
        Ok(activity)
    })?;
    let layers = layers.iter().zip(&choices).map(|(activity, choice)| {
        let neuron = |(j, a): (usize, &Activity)| Neuron {
            mean: a.mean,
            deviation: a.variance.sqrt(),
            score: choice.scores[j],
            kept: choice.kept.contains(&j),
        };
        PrunedLayer {
            rows: rows.shape()[0],
            neurons: activity.iter().enumerate().map(neuron).collect(),
        }
    });
    Ok(Pruned {
        layers: layers.collect(),
        net,
    })
}

/// [`prune_neurons_on`] where there are no rows to measure on: activations are those to expect of
/// inputs that are standardised and independent of each other.
///
/// Only a neuron that no input can change has its activation folded into the next layer's bias.
///
/// ```
/// use lepton_compress::prune_neurons;
/// use lepton_nn::{Mlp, Params, Rng};
/// let net = Mlp::new(&[30, 16, 2], &mut Rng::new(0));
/// let small = prune_neurons(&net, 0.5)?;
/// assert_eq!(small.sizes(), [30, 8, 2]);
/// assert_eq!((net.num_params(), small.num_params()), (530, 266));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When `amount` is not a share from 0 to 1, or weights are not dense finite floats.
pub fn prune_neurons(net: &Mlp, amount: f64) -> Result<Mlp> {
    let certain = |a: Activity| Activity {
        mean: if a.variance == 0.0 { a.mean } else { 0.0 },
        ..a
    };
    let activity = |_: &Mlp, layer| Ok(expected(net, layer)?.into_iter().map(certain).collect());
    Ok(prune(net, amount, activity)?.0)
}

/// How much each neuron of hidden layer `layer` contributes where inputs are standardised and
/// independent of each other: see [`prune_neurons`].
///
/// # Errors
/// When there is no such hidden layer, or weights are not dense finite floats.
pub fn neuron_scores(net: &Mlp, layer: usize) -> Result<Vec<f64>> {
    pair(net, layer)?;
    scores(net, layer, &expected(net, layer)?)
}

/// How much each neuron of hidden layer `layer` contributes on `rows`: see [`prune_neurons_on`].
///
/// # Errors
/// When there is no such hidden layer, `rows` are not floats of the network's width, a value is not
/// finite, or weights are not dense floats.
pub fn neuron_scores_on(net: &Mlp, layer: usize, rows: &Tensor) -> Result<Vec<f64>> {
    pair(net, layer)?;
    scores(net, layer, &measured(net, layer, rows)?)
}

/// Which neurons of a layer stay, and the scores that told.
struct Choice {
    scores: Vec<f64>,
    kept: Vec<usize>,
}

/// The network without a share `amount` of each hidden layer, whose activity behind what is left
/// of the layers before `activity` gives.
fn prune(
    net: &Mlp,
    amount: f64,
    mut activity: impl FnMut(&Mlp, usize) -> Result<Vec<Activity>>,
) -> Result<(Mlp, Vec<Choice>)> {
    count(amount, 0)?;
    let (mut small, mut choices) = (net.clone(), Vec::new());
    for layer in 0..hidden(net)? {
        pair(&small, layer)?;
        // A rectifier may hide a bias that is not finite.
        bias(&small, layer)?;
        let active = activity(&small, layer)?;
        let scores = scores(&small, layer, &active)?;
        let n = scores.len();
        let gone = smallest(&scores, count(amount, n)?.min(n.saturating_sub(1)));
        let kept: Vec<usize> = (0..n).filter(|j| !gone.contains(j)).collect();
        fold_means(&mut small, layer, &gone, &active)?;
        small = keep_neurons(&small, layer, &kept)?;
        choices.push(Choice { scores, kept });
    }
    Ok((small, choices))
}

/// The contribution of each neuron: its deviation times the norm of the weights that lead on.
fn scores(net: &Mlp, layer: usize, activity: &[Activity]) -> Result<Vec<f64>> {
    let [_, next] = pair(net, layer)?;
    let (b, n) = (next.to_f64(), activity.len());
    let score = |(j, a): (usize, &Activity)| {
        let leads_on: f64 = b.iter().skip(j).step_by(n).map(|w| w * w).sum();
        (a.variance * leads_on).sqrt()
    };
    let scores: Vec<f64> = activity.iter().enumerate().map(score).collect();
    match scores.iter().position(|s| !s.is_finite()) {
        None => Ok(scores),
        Some(j) => Err(Error::value(format!(
            "pruning: what neuron {j} of layer {layer} contributes is beyond f64; its weights are too \
             large to compare"
        ))),
    }
}

/// Adds to the bias of the layer after `layer` what its neurons `gone` give on average.
fn fold_means(net: &mut Mlp, layer: usize, gone: &[usize], activity: &[Activity]) -> Result<()> {
    let weights = weights(net, layer + 1)?;
    let (w, dtype) = (weights.to_f64(), weights.dtype());
    let given = |row: &[f64]| gone.iter().map(|&j| row[j] * activity[j].mean).sum();
    let more: Vec<f64> = w.chunks_exact(activity.len()).map(given).collect();
    // A layer without a bias stays without one where there is nothing to fold.
    if more.iter().all(|m| *m == 0.0) {
        return Ok(());
    }
    let sum = bias(net, layer + 1)?
        .into_iter()
        .zip(&more)
        .map(|(b, m)| b + m);
    let sum = Tensor::from_vec(sum.collect(), &[more.len()])?;
    net.layers[layer + 1].bias = Some(Param::new(ops::cast(&sum, dtype)));
    Ok(())
}

/// The network with the neurons `kept` of hidden layer `layer` and no others, in that order.
///
/// # Errors
/// When there is no such hidden layer, none is kept, one is out of range or kept twice, or weights
/// are not dense.
pub fn keep_neurons(net: &Mlp, layer: usize, kept: &[usize]) -> Result<Mlp> {
    let [here, next] = pair(net, layer)?;
    let n = here.shape()[0];
    if kept.is_empty() || kept.iter().any(|&j| j >= n) {
        return Err(Error::index(format!(
            "pruning: layer {layer} has neurons 0 to {}, cannot keep {kept:?}",
            n.saturating_sub(1)
        )));
    }
    let mut seen = vec![false; n];
    if let Some(j) = kept
        .iter()
        .find(|&&j| std::mem::replace(&mut seen[j], true))
    {
        return Err(Error::value(format!(
            "pruning: neuron {j} of layer {layer} is kept twice, which would double what it gives; \
             name each once"
        )));
    }
    let index = Tensor::from_vec(kept.iter().map(|&j| j as i64).collect(), &[kept.len()])?;
    let take = |t: &Tensor, axis| ops::take(t, axis, &index);
    let mut small = net.clone();
    let bias = net.layers[layer].bias.as_ref();
    small.layers[layer] = Linear {
        weight: Weight::new(take(here, 0)?),
        bias: bias
            .map(|b| take(b.tensor(), 0).map(Param::new))
            .transpose()?,
    };
    small.layers[layer + 1].weight = Weight::new(take(next, 1)?);
    Ok(small)
}

/// Layer by layer what stayed, what was measured, and what went.
impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, layer) in self.layers.iter().enumerate() {
            let gone = || layer.neurons.iter().filter(|n| !n.kept);
            writeln!(
                f,
                "layer {i}: {} of {} neurons stay, measured on {} rows; those taken out had {:.1} % of \
                 the contributions (deviation of the activation times the norm of the weights that \
                 lead on), {} of them none, and their means are in the next layer's bias",
                layer.neurons.len() - gone().count(),
                layer.neurons.len(),
                layer.rows,
                100.0 * layer.lost(),
                gone().filter(|n| n.score == 0.0).count(),
            )?;
        }
        Ok(())
    }
}
