//! The multilayer perceptron.

use lepton_autograd::Var;
use lepton_tensor::random::Rng;

use crate::layers::Linear;
use crate::module;
use crate::module::Module;

/// Dense layers with the rectifier between them, each fused with its layer; no activation at the end.
#[derive(Clone, Debug)]
pub struct Mlp {
    /// The layers in order.
    pub layers: Vec<Linear>,
}

module!(Mlp { layers });

impl Mlp {
    /// Layers from `sizes[0]` inputs over hidden sizes to the last as outputs.
    ///
    /// # Panics
    /// When there are fewer than two sizes, or one is 0.
    #[track_caller]
    pub fn new(sizes: &[usize], rng: &mut Rng) -> Mlp {
        assert!(
            sizes.len() >= 2,
            "Mlp: wants at least an input and an output size, got {sizes:?}"
        );
        Mlp {
            layers: sizes
                .windows(2)
                .map(|w| Linear::new(w[0], w[1], rng))
                .collect(),
        }
    }

    /// The sizes it was made of.
    pub fn sizes(&self) -> Vec<usize> {
        let first = self.layers[0].weight.shape()[1];
        std::iter::once(first)
            .chain(self.layers.iter().map(|l| l.weight.shape()[0]))
            .collect()
    }
}

impl Module for Mlp {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let (last, hidden) = self
            .layers
            .split_last()
            .expect("there is at least one layer");
        last.forward(&hidden.iter().fold(x.clone(), |x, l| l.forward_relu(&x)))
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
