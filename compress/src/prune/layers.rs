//! The layers of a dense network, checked.

use lepton_autograd::{Error, Result, Tensor};
use lepton_nn::{Mlp, Weight};
use lepton_tensor::ops;

/// The number of hidden layers.
pub(super) fn hidden(net: &Mlp) -> Result<usize> {
    net.layers.len().checked_sub(1).ok_or_else(|| {
        Error::value("pruning: the network has no layers; give one with at least an output layer")
    })
}

/// The weights of a hidden layer and of the layer after it.
pub(super) fn pair(net: &Mlp, layer: usize) -> Result<[&Tensor; 2]> {
    let hidden = hidden(net)?;
    if layer >= hidden {
        return Err(Error::index(format!(
            "pruning: layer {layer} is not one of the {hidden} hidden layers"
        )));
    }
    let [here, next] = [weights(net, layer)?, weights(net, layer + 1)?];
    if here.shape()[0] != next.shape()[1] {
        return Err(Error::shape(format!(
            "pruning: layer {layer} gives {} values and the next reads {}",
            here.shape()[0],
            next.shape()[1]
        )));
    }
    Ok([here, next])
}

/// The weights `[out, in]` of layer `i`.
pub(super) fn weights(net: &Mlp, i: usize) -> Result<&Tensor> {
    let Weight::Dense(w) = &net.layers[i].weight else {
        return Err(no_floats(i));
    };
    let w = w.tensor();
    if w.rank() != 2 || w.is_meta() || !w.dtype().is_float() {
        return Err(no_floats(i));
    }
    finite(w, i, "weights")
}

fn no_floats(i: usize) -> Error {
    Error::unsupported(format!(
        "pruning: the weights of layer {i} are no dense floats; prune before they change form"
    ))
}

/// The bias of layer `i`, zeros where it has none.
pub(super) fn bias(net: &Mlp, i: usize) -> Result<Vec<f64>> {
    let out = weights(net, i)?.shape()[0];
    match &net.layers[i].bias {
        None => Ok(vec![0.0; out]),
        Some(b) if b.tensor().shape() == [out] => Ok(finite(b.tensor(), i, "bias")?.to_f64()),
        Some(b) => Err(Error::shape(format!(
            "pruning: the bias of layer {i} is {:?}, its weights give {out} values",
            b.tensor().shape()
        ))),
    }
}

fn finite<'a>(t: &'a Tensor, i: usize, what: &str) -> Result<&'a Tensor> {
    if ops::all_finite(t) {
        return Ok(t);
    }
    Err(Error::value(format!(
        "pruning: the {what} of layer {i} are not all finite; look for where that comes from"
    )))
}
