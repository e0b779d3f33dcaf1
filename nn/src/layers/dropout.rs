//! Layers without parameters that are not activations.

use lepton_autograd::Var;

use crate::module;
use crate::module::Module;
use crate::scope;

/// Zeroes elements with probability `p` in train mode and scales the rest; the identity in eval mode.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    p: f64,
}

module!(Dropout {} plain { p });

impl Dropout {
    /// Dropout with probability `p`.
    ///
    /// # Panics
    /// When `p` is outside `[0, 1)`.
    #[track_caller]
    pub fn new(p: f64) -> Dropout {
        assert!(
            (0.0..1.0).contains(&p),
            "Dropout: p must be in [0, 1), got {p}"
        );
        Dropout { p }
    }
}

impl Module for Dropout {
    fn forward(&self, x: &Var) -> Var {
        match scope::draw() {
            Some((seed, stream)) if self.p > 0.0 => x.dropout(self.p, seed, stream),
            _ => x.clone(),
        }
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

/// All axes but the first as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

module!(Flatten {});

impl Module for Flatten {
    fn forward(&self, x: &Var) -> Var {
        x.flatten(1)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}
