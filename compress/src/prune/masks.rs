//! Magnitude pruning: masks over weights, kept through fine-tuning.

use std::collections::BTreeMap;

use lepton_autograd::{Error, Grads, Result, Tensor, Var};
use lepton_nn::{ItemMut, Optimizer, Params, Path};

use super::{count, smallest};

/// Which weights stay, by the path of their parameter; `true` is kept.
///
/// Weights are parameters with two axes or more; biases and scales stay whole.
///
/// ```
/// use lepton_compress::Masks;
/// use lepton_nn::{Linear, Params, Rng, Sgd};
/// let mut layer = Linear::new(10, 10, &mut Rng::new(0));
/// let masks = Masks::by_layer(&layer, 0.8)?;
/// masks.apply(&mut layer)?;
/// assert_eq!(masks.sparsity(), 0.8);
/// let zeros = layer.params()[0].1.tensor().to_f64().iter().filter(|w| **w == 0.0).count();
/// assert_eq!(zeros, 80);
/// // Fine-tuning moves what is left and nothing else.
/// let optimizer = masks.keep(Sgd::new(0.1)?);
/// # let _ = optimizer;
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Masks(BTreeMap<String, Tensor>);

impl Masks {
    /// Without the `round(amount * n)` smallest weights of each parameter, by magnitude; of equal
    /// ones the first goes.
    ///
    /// # Errors
    /// When `amount` is not a share from 0 to 1, or a weight is not finite.
    pub fn by_layer(module: &dyn Params, amount: f64) -> Result<Masks> {
        Masks::default().further_by_layer(module, amount)
    }

    /// Without the smallest weights of all parameters together.
    ///
    /// # Errors
    /// When `amount` is not a share from 0 to 1, or a weight is not finite.
    pub fn global(module: &dyn Params, amount: f64) -> Result<Masks> {
        Masks::default().further_global(module, amount)
    }

    /// These masks without a share `amount` of what each has left.
    ///
    /// # Errors
    /// When `amount` is not a share from 0 to 1, a weight is not finite, or a mask has another shape
    /// than its parameter.
    pub fn further_by_layer(&self, module: &dyn Params, amount: f64) -> Result<Masks> {
        count(amount, 0)?;
        let mask = |(path, w): (String, &Tensor)| {
            let mut kept = self.kept(&path, w)?;
            drop_smallest(&magnitudes(&path, w)?, &mut kept, amount)?;
            Ok((path, Tensor::from_vec(kept, w.shape())?))
        };
        let masks = weights(module).into_iter().map(mask);
        Ok(Masks(masks.collect::<Result<_>>()?))
    }

    /// These masks without a share `amount` of what all have left together.
    ///
    /// # Errors
    /// When `amount` is not a share from 0 to 1, a weight is not finite, or a mask has another shape
    /// than its parameter.
    pub fn further_global(&self, module: &dyn Params, amount: f64) -> Result<Masks> {
        let (weights, mut all, mut kept) = (weights(module), Vec::new(), Vec::new());
        for (path, w) in &weights {
            all.extend(magnitudes(path, w)?);
            kept.extend(self.kept(path, w)?);
        }
        drop_smallest(&all, &mut kept, amount)?;
        let mut rest = &kept[..];
        let mask = |(path, w): (String, &Tensor)| {
            let (own, later) = rest.split_at(w.numel());
            rest = later;
            Ok((path, Tensor::from_slice(own, w.shape())?))
        };
        Ok(Masks(weights.into_iter().map(mask).collect::<Result<_>>()?))
    }

    /// What these masks keep of the weights at `path`: all, when they have no mask for it.
    fn kept(&self, path: &str, w: &Tensor) -> Result<Vec<bool>> {
        match self.0.get(path) {
            Some(mask) => fitting(path, mask, w)?.to_vec::<bool>(),
            None => Ok(vec![true; w.numel()]),
        }
    }

    /// The mask of the parameter at `path`.
    pub fn get(&self, path: &str) -> Option<&Tensor> {
        self.0.get(path)
    }

    /// The share of masked weights that are zero.
    pub fn sparsity(&self) -> f64 {
        let all: usize = self.0.values().map(Tensor::numel).sum();
        let kept: usize = self.0.values().map(kept).sum();
        (all - kept) as f64 / all.max(1) as f64
    }

    /// The number of weights kept and of all, by path.
    pub fn counts(&self) -> Vec<(&str, usize, usize)> {
        let count = |(path, mask): (_, &Tensor)| (path, kept(mask), mask.numel());
        self.0.iter().map(|(p, m)| count((p.as_str(), m))).collect()
    }

    /// Sets to zero what the masks leave out.
    ///
    /// # Errors
    /// When the module lacks a masked parameter, or its shape differs: nothing has changed then.
    pub fn apply(&self, module: &mut dyn Params) -> Result<()> {
        let own: BTreeMap<String, _> = module.params().into_iter().collect();
        for (path, mask) in &self.0 {
            let param = own.get(path).ok_or_else(|| {
                Error::value(format!("pruning: the module has no parameter '{path}'"))
            })?;
            fitting(path, mask, param.tensor())?;
        }
        module.visit_mut(&Path::ROOT, &mut |path, item| {
            if let ItemMut::Param(p) = item
                && let Some(mask) = self.0.get(&path.to_string())
            {
                let (x, mask) = (Var::from(p.tensor().clone()), Var::from(mask.clone()));
                p.set(x.masked_fill(&mask.logical_not(), 0.0).into_tensor());
            }
        });
        Ok(())
    }

    /// `optimizer`, after each of whose steps the masks hold again.
    pub fn keep<O: Optimizer>(self, optimizer: O) -> Masked<O> {
        Masked {
            masks: self,
            optimizer,
        }
    }
}

/// An optimiser that leaves pruned weights at zero.
#[derive(Clone, Debug)]
pub struct Masked<O> {
    masks: Masks,
    optimizer: O,
}

impl<O: Optimizer> Optimizer for Masked<O> {
    fn step(&mut self, module: &mut dyn Params, grads: &mut Grads) -> Result<()> {
        self.optimizer.step(module, grads)?;
        self.masks.apply(module)
    }

    fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate()
    }

    fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        self.optimizer.set_learning_rate(rate)
    }
}

/// Paths and values of what is pruned.
fn weights(module: &dyn Params) -> Vec<(String, &Tensor)> {
    let all = module
        .params()
        .into_iter()
        .map(|(path, p)| (path, p.tensor()));
    all.filter(|(_, t)| t.rank() >= 2).collect()
}

/// Takes a share `amount` of what is kept out: the smallest scores, of equal ones the first.
fn drop_smallest(scores: &[f64], kept: &mut [bool], amount: f64) -> Result<()> {
    let places: Vec<usize> = (0..kept.len()).filter(|&i| kept[i]).collect();
    let left: Vec<f64> = places.iter().map(|&i| scores[i]).collect();
    let gone = smallest(&left, count(amount, left.len())?);
    gone.into_iter().for_each(|i| kept[places[i]] = false);
    Ok(())
}

fn magnitudes(path: &str, w: &Tensor) -> Result<Vec<f64>> {
    let sizes: Vec<f64> = w.to_f64().into_iter().map(f64::abs).collect();
    match sizes.iter().position(|m| !m.is_finite()) {
        None => Ok(sizes),
        Some(i) => Err(Error::value(format!(
            "pruning: element {i} of '{path}' is not finite, so it is neither small nor large; look \
             for where it comes from"
        ))),
    }
}

fn kept(mask: &Tensor) -> usize {
    mask.to_f64().into_iter().filter(|x| *x != 0.0).count()
}

fn fitting<'a>(path: &str, mask: &'a Tensor, w: &Tensor) -> Result<&'a Tensor> {
    if mask.shape() == w.shape() {
        return Ok(mask);
    }
    Err(Error::shape(format!(
        "pruning: the mask of '{path}' has shape {:?}, the parameter {:?}",
        mask.shape(),
        w.shape()
    )))
}
