//! Pruning: weights set to zero and held there, or whole neurons taken out.
//!
//! Zeros alone make a model neither smaller nor faster: the dense kernels multiply them as well.
//! [`Masks`] are the first half of a sparse format, and a regulariser. What makes a dense network
//! really smaller is [`prune_neurons_on`].

mod activity;
mod layers;
mod masks;
mod neurons;

pub use masks::{Masked, Masks};
pub use neurons::{
    Neuron, Pruned, PrunedLayer, keep_neurons, neuron_scores, neuron_scores_on, prune_neurons,
    prune_neurons_on,
};

use lepton_autograd::{Error, Result};

/// How many of `n` things a share `amount` is, half to even.
fn count(amount: f64, n: usize) -> Result<usize> {
    if !(0.0..=1.0).contains(&amount) {
        return Err(Error::value(format!(
            "pruning: the amount is a share from 0 to 1, got {amount}"
        )));
    }
    Ok((amount * n as f64).round_ties_even() as usize)
}

/// Places of the `n` smallest scores; of equal ones the first.
fn smallest(scores: &[f64], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // A stable sort keeps the first of equals in front.
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order.truncate(n);
    order
}
