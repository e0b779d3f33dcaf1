//! Gradient descent with momentum.

use lepton_autograd::{Grads, Result};
use lepton_tensor::ops::{self, SgdStep};

use super::{Optimizer, State, check_rate, for_each_grad, zeros};
use crate::params::Params;

/// Stochastic gradient descent, with PyTorch's momentum: the first step enters the velocity whole.
#[derive(Debug)]
pub struct Sgd {
    rate: f64,
    momentum: f64,
    nesterov: bool,
    decay: f64,
    state: State<1>,
}

impl Sgd {
    /// Plain gradient descent.
    ///
    /// # Errors
    /// When the learning rate is not a finite number of at least 0.
    pub fn new(rate: f64) -> Result<Sgd> {
        Ok(Sgd {
            rate: check_rate(rate)?,
            momentum: 0.0,
            nesterov: false,
            decay: 0.0,
            state: State::new(),
        })
    }

    /// With a velocity that keeps `momentum` of itself.
    pub fn momentum(self, momentum: f64) -> Sgd {
        Sgd { momentum, ..self }
    }

    /// Looking ahead along the velocity (Nesterov 1983).
    pub fn nesterov(self) -> Sgd {
        Sgd {
            nesterov: true,
            ..self
        }
    }

    /// With `decay` times the parameter added to its gradient.
    pub fn weight_decay(self, decay: f64) -> Sgd {
        Sgd { decay, ..self }
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, module: &mut dyn Params, grads: &mut Grads) -> Result<()> {
        let step = SgdStep {
            learning_rate: self.rate,
            momentum: self.momentum,
            gradient_scale: 1.0,
            l2: self.decay,
            nesterov: self.nesterov,
        };
        let state = &mut self.state;
        for_each_grad(module, grads, |p, g| {
            let mut velocity = (step.momentum != 0.0)
                .then(|| state.entry(p.id()).or_insert_with(|| zeros(p.tensor())));
            ops::sgd_step(
                p.tensor_mut(),
                &g,
                velocity.as_mut().map(|v| &mut v[0]),
                step,
            );
        })
    }

    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        self.rate = check_rate(rate)?;
        Ok(())
    }
}
