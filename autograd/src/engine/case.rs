//! Inputs on which the derived tests run an op.

use lepton_tensor::Tensor;
use lepton_tensor::random::Rng;

/// How the derivative with respect to an input is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradient {
    /// Against numeric differences.
    Exact,
    /// Declared on purpose to differ from the function's (fake quantisation); only its own higher
    /// orders are checked.
    Surrogate,
    /// None: an index, a mask, a counter.
    None,
}

/// An op with inputs to run it on.
#[derive(Clone, Debug)]
pub struct Case<O> {
    /// The op.
    pub op: O,
    /// Its inputs; floats are f64.
    pub inputs: Vec<Tensor>,
    /// What is checked of each input's derivative.
    pub gradients: Vec<Gradient>,
    /// The outputs by other, plainer means, where the case has them.
    pub want: Option<Vec<Tensor>>,
    /// Whether a batch draws other numbers than a loop over its examples.
    pub random: bool,
    /// Whether the order of additions follows the strides of the inputs, so that views and copies
    /// agree within rounding, not to the bit.
    pub by_strides: bool,
    /// Whether the op refuses inputs whose elements repeat, as a solver does singular matrices.
    pub no_repeats: bool,
}

impl<O> Case<O> {
    /// A case whose float inputs have exact gradients.
    pub fn new(op: O, inputs: Vec<Tensor>) -> Case<O> {
        let kind = |t: &Tensor| {
            if t.dtype().is_float() {
                Gradient::Exact
            } else {
                Gradient::None
            }
        };
        let gradients = inputs.iter().map(kind).collect();
        Case {
            op,
            inputs,
            gradients,
            want: None,
            random: false,
            by_strides: false,
            no_repeats: false,
        }
    }

    /// With the outputs that are expected.
    pub fn want(mut self, outputs: Vec<Tensor>) -> Case<O> {
        self.want = Some(outputs);
        self
    }

    /// As the case of a random op.
    pub fn random(mut self) -> Case<O> {
        self.random = true;
        self
    }

    /// As the case of an op whose kernel adds in the order that the strides suggest.
    pub fn by_strides(mut self) -> Case<O> {
        self.by_strides = true;
        self
    }

    /// As the case of an op that refuses inputs whose elements repeat along an axis.
    pub fn no_repeats(mut self) -> Case<O> {
        self.no_repeats = true;
        self
    }

    /// With another check of input `i`'s derivative.
    pub fn gradient(mut self, i: usize, kind: Gradient) -> Case<O> {
        self.gradients[i] = kind;
        self
    }
}

/// Uniform f64 values in `[low, high)` under `shape`.
pub fn floats(rng: &mut Rng, shape: &[usize], low: f64, high: f64) -> Tensor {
    Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut()
            .for_each(|x| *x = low + (high - low) * rng.uniform())
    })
}

/// Distinct f64 values under `shape`, at least 0.05 apart and shuffled: no ties within reach of a
/// numeric difference.
pub fn distinct(rng: &mut Rng, shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    let order = rng.permutation(n);
    Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut()
            .zip(order)
            .for_each(|(x, i)| *x = (i as f64 - n as f64 / 2.0) * 0.1 + 0.05 * rng.uniform());
    })
}

/// Uniform i64 indices below `size` under `shape`.
pub fn indices(rng: &mut Rng, shape: &[usize], size: usize) -> Tensor {
    Tensor::build(shape, |out: &mut [i64]| {
        out.iter_mut()
            .for_each(|x| *x = rng.below(size as u64) as i64)
    })
}

/// Random truth values under `shape`.
pub fn truths(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |out: &mut [bool]| {
        out.iter_mut().for_each(|x| *x = rng.below(2) == 1)
    })
}
