//! Structured pruning of dense networks: hidden neurons taken out, with all that hangs on them.

use lepton_autograd::{Error, Param, Result, Tensor};
use lepton_nn::{Linear, Mlp, Weight};
use lepton_tensor::ops;

use super::{count, smallest};

/// The network without the `round(amount * n)` least important neurons of each hidden layer; one at
/// least stays. See [`neuron_scores`] for what is important.
///
/// Row `j` of a hidden layer, its bias and column `j` of the next layer are one neuron and go
/// together, so the result is a smaller dense network, faster by as much.
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
/// When `amount` is not a share from 0 to 1, or weights are not dense floats.
pub fn prune_neurons(net: &Mlp, amount: f64) -> Result<Mlp> {
    let mut small = net.clone();
    for layer in 0..net.layers.len() - 1 {
        let scores = neuron_scores(net, layer)?;
        let n = scores.len();
        let gone = smallest(&scores, count(amount, n)?.min(n - 1));
        let kept: Vec<usize> = (0..n).filter(|j| !gone.contains(j)).collect();
        small = keep_neurons(&small, layer, &kept)?;
    }
    Ok(small)
}

/// How important each neuron of hidden layer `layer` is: the mean of the squared norms of what
/// leads to it and of what leads on (the group magnitude of Fang et al. 2023, without the bias).
///
/// # Errors
/// When there is no such hidden layer, or weights are not dense floats.
pub fn neuron_scores(net: &Mlp, layer: usize) -> Result<Vec<f32>> {
    let [here, next] = pair(net, layer)?;
    let (rows, into) = (here.shape()[0], here.shape()[1]);
    let (a, b) = (here.to_f64(), next.to_f64());
    let score = |j: usize| {
        let leads_in: f64 = a[j * into..(j + 1) * into].iter().map(|w| w * w).sum();
        let leads_on: f64 = b.iter().skip(j).step_by(rows).map(|w| w * w).sum();
        ((leads_in + leads_on) / 2.0) as f32
    };
    Ok((0..rows).map(score).collect())
}

/// The network with the neurons `kept` of hidden layer `layer` and no others, in that order.
///
/// # Errors
/// When there is no such hidden layer, none is kept, one is out of range, or weights are not dense.
pub fn keep_neurons(net: &Mlp, layer: usize, kept: &[usize]) -> Result<Mlp> {
    let [here, next] = pair(net, layer)?;
    let n = here.shape()[0];
    if kept.is_empty() || kept.iter().any(|&j| j >= n) {
        return Err(Error::index(format!(
            "pruning: layer {layer} has neurons 0 to {}, cannot keep {kept:?}",
            n - 1
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

/// The weights of a hidden layer and of the layer after it.
fn pair(net: &Mlp, layer: usize) -> Result<[&Tensor; 2]> {
    let hidden = net.layers.len() - 1;
    if layer >= hidden {
        return Err(Error::index(format!(
            "pruning: layer {layer} is not one of the {hidden} hidden layers"
        )));
    }
    let dense = |i: usize| match &net.layers[i].weight {
        Weight::Dense(w) => Ok(w.tensor()),
        Weight::Form(_) => Err(Error::unsupported(format!(
            "pruning: the weights of layer {i} are no dense floats; prune before they change form"
        ))),
    };
    Ok([dense(layer)?, dense(layer + 1)?])
}
