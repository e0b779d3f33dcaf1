//! A client that owns rows and trains a module on them, plainly or privately.

use std::fmt;
use std::sync::Arc;

use lepton_autograd::{Grads, Var};
use lepton_nn::{Module, Optimizer, Sgd, Trainer};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result, Tensor, ops};

use crate::accountant::Mechanism;
use crate::dp_sgd::DpSgd;
use crate::per_sample::{clipped_sum, trained};
use crate::records;
use crate::round::{Client, Task, Trained};
use crate::state::State;

/// How a client trains in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Local {
    /// Passes over the rows in batches, by gradient descent. Promises nothing about privacy.
    Plain {
        /// Passes over the rows.
        epochs: usize,
        /// Rows in one step.
        batch: usize,
    },
    /// Noisy steps, each by the clipped gradients of a random batch.
    Private {
        /// Steps; each one is charged.
        steps: u64,
        /// Clipping, noise and sampling rate of a step.
        dp: DpSgd,
    },
}

/// A hospital, a bank, a phone: rows that stay where they are, and a copy of the common module that
/// is trained on them.
///
/// **What leaves it** is the module after its own steps, and the number of its rows, which is taken
/// to be public: the average weighs clients by it. Buffers go back as they came.
///
/// **What [`Local::Private`] promises** is about single rows, not about the client: all its rows
/// together are protected far less (see [`DpSgd`]). Each step sums the gradients of the rows in a
/// batch, each shortened to the clipping norm, and adds noise *here*, before anything leaves.
/// Neighbouring data sets are those where one row's gradient counts or does not, under the same
/// public number of rows: [`Adjacency::ZeroOut`](crate::accountant::Adjacency::ZeroOut). The
/// client's `(epsilon, delta)` then holds against whoever sees every model of every round **and does
/// not know the seed of the noise**. In this simulation the server makes each client's stream from
/// one seed, so it does not hold against the server, nor against readers of a seed that is published
/// ([`NoiseSeed`](crate::NoiseSeed)).
///
/// Clients hold different people's rows, so their epsilons do not add up; someone with rows at two
/// of them has both. The promise is about these steps alone: scale the features by published ranges
/// (`Features::from_ranges`) and choose the settings without looking at the rows, for a mean, a
/// median or a learning rate tuned on private rows gives them away with no noise. Nor does it
/// depend on the others: with one client it is the same, only the noise is not averaged.
///
/// ```
/// use lepton_federated::{DpSgd, FedAvg, Federation, Local, ModuleClient, State};
/// use lepton_nn::{Linear, Rng, mse};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec((0..40).map(|i| i as f32 / 20.0 - 1.0).collect(), &[40, 1])?;
/// let line = Linear::new(1, 1, &mut Rng::new(0));
/// let local = Local::Private { steps: 2, dp: DpSgd::new(1.0, 5.0, 1.0)? };
/// let client = ModuleClient::new(3, &line, mse, x.clone(), x, 0.1, local)?;
/// let mut federation = Federation::new(State::of(&line)?, FedAvg, 7);
/// federation.run(&[client], 5, &mut ())?;
/// assert!(federation.epsilon(1e-5)?[&3] < 3.2);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub struct ModuleClient {
    id: u64,
    module: Box<dyn Module>,
    loss: Arc<Loss>,
    x: Tensor,
    y: Tensor,
    rate: f64,
    local: Local,
}

type Loss = dyn Fn(&Var, &Var) -> Var + Send + Sync;

impl fmt::Debug for ModuleClient {
    /// Nothing about the rows but their number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleClient")
            .field("id", &self.id)
            .field("rows", &self.rows())
            .field("rate", &self.rate)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl ModuleClient {
    /// The client number `id`, with the rows of `x` and their targets `y`, which trains modules of
    /// `template`'s kind by gradient descent with the learning rate `rate`. `loss` is the mean over
    /// a batch.
    ///
    /// Its records are checked here, so that none of them stops a round: numbers are finite, classes
    /// below the last axis of the module's output, and the loss takes each row.
    ///
    /// # Errors
    /// If there are no rows, `x` and `y` differ in rows, a record is not usable, `template` has
    /// nothing to train, or a setting is out of its range. No error holds a value of a row.
    pub fn new(
        id: u64,
        template: &dyn Module,
        loss: impl Fn(&Var, &Var) -> Var + Send + Sync + 'static,
        x: Tensor,
        y: Tensor,
        rate: f64,
        local: Local,
    ) -> Result<ModuleClient> {
        Sgd::new(rate)?;
        check_local(&local)?;
        let (rows, targets) = (x.shape().first(), y.shape().first());
        if rows.is_none_or(|&n| n == 0) || rows != targets {
            return Err(Error::shape(format!(
                "client: inputs {:?} and targets {:?} must have the same rows on axis 0, one at least",
                x.shape(),
                y.shape()
            )));
        }
        if trained(template).is_empty() {
            return Err(Error::value(
                "client: the module has no parameter to train; are all frozen?",
            ));
        }
        records::check(template, &loss, &x, &y)?;
        Ok(ModuleClient {
            id,
            module: template.boxed(),
            loss: Arc::new(loss),
            x,
            y,
            rate,
            local,
        })
    }

    /// Clients that share out the rows of one data set, to simulate those who never pool theirs:
    /// one for each part of a [partition](crate::partition), its id the part's place.
    ///
    /// # Errors
    /// As [`ModuleClient::new`], and if a part names a row that is not there, or one that is shared
    /// out already: twice in a part, a row counts twice as much as the noise is made for.
    pub fn share_out(
        template: &dyn Module,
        loss: impl Fn(&Var, &Var) -> Var + Send + Sync + Clone + 'static,
        (x, y): (&Tensor, &Tensor),
        parts: &[Vec<usize>],
        rate: f64,
        local: Local,
    ) -> Result<Vec<ModuleClient>> {
        records::check_parts(parts)?;
        let one = |(i, rows): (usize, &Vec<usize>)| {
            let own = ops::take_rows(x, rows).and_then(|x| Ok((x, ops::take_rows(y, rows)?)));
            own.and_then(|(x, y)| {
                ModuleClient::new(i as u64, template, loss.clone(), x, y, rate, local)
            })
            .map_err(|e| e.at(format!("client {i}")))
        };
        parts.iter().enumerate().map(one).collect()
    }

    /// The number of its rows.
    pub fn rows(&self) -> usize {
        self.x.shape()[0]
    }

    fn private(
        &self,
        module: &mut Box<dyn Module>,
        dp: &DpSgd,
        steps: u64,
        rng: &mut Rng,
    ) -> Result<()> {
        let mut sgd = Sgd::new(self.rate)?;
        let seed = rng.next_u64();
        for step in 0..steps {
            let batch = dp.batch(self.rows(), rng);
            let (x, y) = (
                ops::take_rows(&self.x, &batch)?,
                ops::take_rows(&self.y, &batch)?,
            );
            let sum = lepton_nn::train(seed, step, || {
                clipped_sum(&**module, &*self.loss, &x, &y, dp.clip)
            })?;
            let noisy = dp.release(&sum, self.rows(), rng)?;
            let mut grads = Grads::new();
            let ids = trained(&**module).into_iter().map(|(_, p)| p.id());
            ids.zip(noisy).for_each(|(id, g)| grads.insert(id, g));
            sgd.step(module, &mut grads)?;
        }
        Ok(())
    }
}

fn check_local(local: &Local) -> Result<()> {
    let zero = match *local {
        Local::Plain { epochs: 0, .. } => "epochs",
        Local::Plain { batch: 0, .. } => "batch",
        Local::Private { steps: 0, .. } => "steps",
        Local::Private { dp, .. } => {
            // The fields are public: checked here once more.
            return DpSgd::new(dp.clip, dp.noise_multiplier, dp.sampling_rate).map(|_| ());
        }
        Local::Plain { .. } => return Ok(()),
    };
    Err(Error::value(format!(
        "client: the setting `{zero}` is 0, must be 1 or more"
    )))
}

impl Client for ModuleClient {
    fn id(&self) -> u64 {
        self.id
    }

    fn train(&self, mut task: Task<'_>) -> Result<Trained> {
        let mut module = self.module.boxed();
        task.global.load_into(&mut module)?;
        match self.local {
            Local::Private { steps, dp } => self.private(&mut module, &dp, steps, &mut task.rng)?,
            Local::Plain { epochs, batch } => {
                let trainer = Trainer {
                    epochs,
                    batch,
                    seed: task.rng.next_u64(),
                };
                let loss = |x: &Var, y: &Var| (self.loss)(x, y);
                let (rows, mut sgd) = ((&self.x, &self.y), Sgd::new(self.rate)?);
                trainer.fit(&mut module, &mut sgd, rows, None, loss, &mut ())?;
            }
        }
        Ok(Trained {
            examples: self.rows() as u64,
            state: State::of(&module)?,
        })
    }

    fn release(&self) -> Option<(Mechanism, u64)> {
        match self.local {
            Local::Private { steps, dp } if dp.noise_multiplier > 0.0 => {
                Some((dp.mechanism(), steps))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
