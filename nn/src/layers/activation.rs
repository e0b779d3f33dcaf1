//! Activations as modules.

use lepton_autograd::Var;

use crate::module;
use crate::module::Module;

/// `max(x, 0)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

/// The hyperbolic tangent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tanh;

/// `1 / (1 + e^-x)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sigmoid;

/// `x Phi(x)`, exact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gelu;

/// `x` above 0, `slope * x` elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu {
    /// The slope below 0.
    pub slope: f64,
}

/// The logarithm of softmax over the last axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSoftmax;

module!(Relu {});
module!(Tanh {});
module!(Sigmoid {});
module!(Gelu {});
module!(LeakyRelu {} plain { slope });
module!(LogSoftmax {});

impl Module for Relu {
    fn forward(&self, x: &Var) -> Var {
        x.relu()
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

impl Module for Tanh {
    fn forward(&self, x: &Var) -> Var {
        x.tanh()
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

impl Module for Sigmoid {
    fn forward(&self, x: &Var) -> Var {
        x.sigmoid()
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

impl Module for Gelu {
    fn forward(&self, x: &Var) -> Var {
        x.gelu()
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

impl Module for LeakyRelu {
    fn forward(&self, x: &Var) -> Var {
        x.leaky_relu(self.slope)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

impl Module for LogSoftmax {
    fn forward(&self, x: &Var) -> Var {
        x.log_softmax(-1)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}
