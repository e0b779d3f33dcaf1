//! Modules: values with parameters and a forward pass.

use std::fmt::Debug;

use lepton_autograd::Var;

use crate::params::{Params, Path, Visit, VisitMut};

/// A module of one input and one output. Its forward pass is pure: train or eval mode and random
/// draws come from the scope ([`crate::train`], [`crate::eval`]).
pub trait Module: Params + Debug + Send + Sync {
    /// The output for `x`.
    fn forward(&self, x: &Var) -> Var;

    /// A deep copy on the heap, its parameters with identities of their own.
    fn boxed(&self) -> Box<dyn Module>;
}

impl Module for Box<dyn Module> {
    fn forward(&self, x: &Var) -> Var {
        (**self).forward(x)
    }
    fn boxed(&self) -> Box<dyn Module> {
        (**self).boxed()
    }
}

/// Modules one after the other; their paths are `0`, `1` and so on.
///
/// ```
/// use lepton_autograd::{DType, Device, Var};
/// use lepton_nn::{Linear, Module, Params, Relu, Rng, Sequential};
/// let mut rng = Rng::new(0);
/// let net = Sequential::new().add(Linear::new(4, 8, &mut rng)).add(Relu).add(Linear::new(8, 2, &mut rng));
/// assert_eq!(net.forward(&Var::zeros(&[3, 4], DType::F32, Device::Cpu)).shape(), [3, 2]);
/// assert_eq!(net.params()[2].0, "2.weight");
/// ```
#[derive(Debug, Default)]
pub struct Sequential {
    modules: Vec<Box<dyn Module>>,
}

impl Sequential {
    /// No modules: the identity.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With `module` at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "PyTorch users know it by this name"
    )]
    pub fn add(mut self, module: impl Module + 'static) -> Sequential {
        self.modules.push(Box::new(module));
        self
    }

    /// The modules in order.
    pub fn modules(&self) -> &[Box<dyn Module>] {
        &self.modules
    }
}

impl Params for Sequential {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        self.modules.visit(path, f);
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        self.modules.visit_mut(path, f);
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Var) -> Var {
        self.modules.iter().fold(x.clone(), |x, m| m.forward(&x))
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

impl Clone for Sequential {
    /// A deep copy, its parameters with identities of their own.
    fn clone(&self) -> Sequential {
        Sequential {
            modules: self.modules.iter().map(|m| m.boxed()).collect(),
        }
    }
}
