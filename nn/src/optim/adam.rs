//! Adam and AdamW.

use lepton_autograd::{Grads, Result};
use lepton_tensor::ops::{self, AdamStep};

use super::{Optimizer, State, check_rate, for_each_grad, zeros};
use crate::params::Params;

/// Adam (Kingma and Ba 2015); with [`Adam::decoupled`] decay it is AdamW (Loshchilov and Hutter 2019).
///
/// ```
/// use lepton_autograd::{DType, Device, Var};
/// use lepton_nn::{Adam, Linear, Module, Optimizer, Rng};
/// let mut layer = Linear::new(2, 1, &mut Rng::new(0));
/// let mut adam = Adam::new(0.1).unwrap();
/// let x = Var::ones(&[4, 2], DType::F32, Device::Cpu);
/// let loss = |l: &Linear| (l.forward(&x) - 3.0).square().mean(&[]);
/// let before = loss(&layer).item().unwrap();
/// for _ in 0..50 {
///     let mut grads = loss(&layer).backward();
///     adam.step(&mut layer, &mut grads).unwrap();
/// }
/// assert!(loss(&layer).item().unwrap() < before / 10.0);
/// ```
#[derive(Debug)]
pub struct Adam {
    rate: f64,
    betas: (f64, f64),
    eps: f64,
    decay: f64,
    decoupled: bool,
    steps: i32,
    state: State<2>,
}

impl Adam {
    /// Adam with PyTorch's defaults: betas 0.9 and 0.999, eps 1e-8, no decay.
    ///
    /// # Errors
    /// When the learning rate is not a finite number of at least 0.
    pub fn new(rate: f64) -> Result<Adam> {
        let rate = check_rate(rate)?;
        Ok(Adam {
            rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            decay: 0.0,
            decoupled: false,
            steps: 0,
            state: State::new(),
        })
    }

    /// With other decays of the moments.
    pub fn betas(self, first: f64, second: f64) -> Adam {
        Adam {
            betas: (first, second),
            ..self
        }
    }

    /// With `decay` times the parameter added to its gradient.
    pub fn weight_decay(self, decay: f64) -> Adam {
        Adam {
            decay,
            decoupled: false,
            ..self
        }
    }

    /// With decay apart from the gradient: AdamW.
    pub fn decoupled(self, decay: f64) -> Adam {
        Adam {
            decay,
            decoupled: true,
            ..self
        }
    }
}

impl Optimizer for Adam {
    fn step(&mut self, module: &mut dyn Params, grads: &mut Grads) -> Result<()> {
        let t = self.steps + 1;
        let (b1, b2) = self.betas;
        let step = AdamStep {
            beta1: b1,
            beta2: b2,
            learning_rate: self.rate / (1.0 - b1.powi(t)),
            scale: 1.0 / (1.0 - b2.powi(t)).sqrt(),
            eps: self.eps,
            l2: if self.decoupled { 0.0 } else { self.decay },
            keep: if self.decoupled {
                1.0 - self.rate * self.decay
            } else {
                1.0
            },
        };
        let state = &mut self.state;
        for_each_grad(module, grads, |p, g| {
            let [m, v] = state.entry(p.id()).or_insert_with(|| zeros(p.tensor()));
            ops::adam_step(p.tensor_mut(), &g, m, v, step);
        })?;
        self.steps = t;
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        self.rate = check_rate(rate)?;
        Ok(())
    }
}
