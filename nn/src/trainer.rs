//! The training loop: batches in a seeded order, one observer, a history.

use lepton_autograd::{Error, Result, Tensor, Var};
use lepton_tensor::ops;
use lepton_tensor::random::Rng;

use crate::module::Module;
use crate::optim::Optimizer;
use crate::scope;

/// One epoch, as an observer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// How many there will be.
    pub epochs: usize,
    /// The mean loss over the training rows, each seen before its own step.
    pub loss: f64,
    /// The loss on the held-out rows after the epoch, when there are any.
    pub validation: Option<f64>,
}

/// Called as training goes on; the unit type ignores everything.
pub trait Observer {
    /// An epoch is over.
    fn epoch(&mut self, _: &Epoch) {}
}

impl Observer for () {}

/// Epochs in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// One entry an epoch.
    pub epochs: Vec<Epoch>,
}

impl History {
    /// The history as CSV with a header line.
    pub fn to_csv(&self) -> String {
        let cell = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        let line = |e: &Epoch| format!("{},{},{}\n", e.epoch, e.loss, cell(e.validation));
        std::iter::once("epoch,loss,validation\n".to_owned())
            .chain(self.epochs.iter().map(line))
            .collect()
    }
}

/// How to train: epochs, rows a step, seed.
///
/// ```
/// use lepton_autograd::{Tensor, Var};
/// use lepton_nn::{Adam, Linear, Rng, Trainer, mse};
/// let x = Tensor::from_vec((0..20).map(|i| i as f32 / 10.0).collect(), &[20, 1])?;
/// let y = Tensor::from_vec((0..20).map(|i| i as f32 / 5.0 + 1.0).collect(), &[20, 1])?;
/// let mut line = Linear::new(1, 1, &mut Rng::new(0));
/// let trainer = Trainer { epochs: 200, batch: 20, seed: 0 };
/// let history = trainer.fit(&mut line, &mut Adam::new(0.1)?, (&x, &y), None, mse, &mut ())?;
/// assert!(history.epochs.last().unwrap().loss < 1e-3);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trainer {
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows in one step; the last step of an epoch may have fewer.
    pub batch: usize,
    /// The seed of the order of rows and of random layers.
    pub seed: u64,
}

impl Trainer {
    /// Trains `module` on rows of `data` (inputs, targets) and returns the losses.
    ///
    /// # Errors
    /// When there are no rows, inputs and targets differ in rows, `batch` is 0, or a loss is not
    /// finite: the sentence names epoch, step and loss.
    pub fn fit<M: Module>(
        &self,
        module: &mut M,
        optimizer: &mut dyn Optimizer,
        data: (&Tensor, &Tensor),
        held_out: Option<(&Tensor, &Tensor)>,
        loss: impl Fn(&Var, &Var) -> Var,
        observer: &mut dyn Observer,
    ) -> Result<History> {
        let rows = self.check(data)?;
        let mut rng = Rng::new(self.seed);
        let mut history = History::default();
        let mut step = 0u64;
        for epoch in 1..=self.epochs {
            let order = rng.permutation(rows);
            let mut total = 0.0;
            for part in order.chunks(self.batch) {
                let rows = |t| ops::take_rows(t, part).map(Var::from);
                let (x, y) = (rows(data.0)?, rows(data.1)?);
                let value = scope::train(self.seed, step, || loss(&module.forward(&x), &y));
                let seen = value.item()?;
                if !seen.is_finite() {
                    return Err(Error::value(format!(
                        "training: the loss is {seen} in epoch {epoch}, step {step}; lower the learning rate (now {}) or scale the inputs",
                        optimizer.learning_rate()
                    )));
                }
                total += seen * part.len() as f64;
                let mut grads = value.backward();
                optimizer.step(module, &mut grads)?;
                step += 1;
            }
            let validation = held_out
                .map(|(x, y)| evaluate(module, x, y, &loss))
                .transpose()?;
            let done = Epoch {
                epoch,
                epochs: self.epochs,
                loss: total / rows as f64,
                validation,
            };
            observer.epoch(&done);
            history.epochs.push(done);
        }
        Ok(history)
    }

    fn check(&self, (x, y): (&Tensor, &Tensor)) -> Result<usize> {
        let rows = x.shape().first().copied().unwrap_or(0);
        if rows == 0 {
            return Err(Error::value("training: there are no rows to train on"));
        }
        if y.shape().first() != Some(&rows) {
            return Err(Error::shape(format!(
                "training: {rows} rows of inputs, but targets of shape {:?}",
                y.shape()
            )));
        }
        if self.batch == 0 {
            return Err(Error::value(
                "training: the batch must have at least one row, got 0",
            ));
        }
        Ok(rows)
    }
}

fn evaluate<M: Module>(
    module: &M,
    x: &Tensor,
    y: &Tensor,
    loss: &impl Fn(&Var, &Var) -> Var,
) -> Result<f64> {
    let (x, y) = (Var::from(x.clone()), Var::from(y.clone()));
    lepton_autograd::no_grad(|| scope::eval(|| loss(&module.forward(&x), &y))).item()
}
