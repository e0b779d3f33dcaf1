//! The dense layer.

use lepton_autograd::{Param, Tensor, Var};
use lepton_tensor::random::Rng;

use crate::layers::Weight;
use crate::module;
use crate::module::Module;

/// `y = x w^T + b` over the last axis; `weight [out, in]` and `bias [out]` as in PyTorch.
///
/// ```
/// use lepton_autograd::{DType, Device, Var};
/// use lepton_nn::{Linear, Module, Rng};
/// let layer = Linear::new(3, 2, &mut Rng::new(0));
/// assert_eq!(layer.forward(&Var::zeros(&[5, 3], DType::F32, Device::Cpu)).shape(), [5, 2]);
/// ```
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Weight,
    /// `[out]`.
    pub bias: Option<Param>,
}

module!(Linear { weight, bias });

/// Uniform values within `bound` of 0: PyTorch's default start of dense and convolution layers, with
/// `bound = 1 / sqrt(fan in)`.
pub(crate) fn start(shape: &[usize], bound: f64, rng: &mut Rng) -> Tensor {
    Tensor::build(shape, |out: &mut [f32]| {
        out.iter_mut()
            .for_each(|x| *x = (bound * (2.0 * rng.uniform() - 1.0)) as f32)
    })
}

impl Linear {
    /// A layer of `inputs` to `outputs`, started uniformly within `1 / sqrt(inputs)`.
    ///
    /// # Panics
    /// When a size is 0.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        assert!(
            inputs > 0 && outputs > 0,
            "Linear({inputs} -> {outputs}): both sizes must be at least 1"
        );
        let bound = 1.0 / (inputs as f64).sqrt();
        let weight = Weight::new(start(&[outputs, inputs], bound, rng));
        Linear {
            weight,
            bias: Some(Param::new(start(&[outputs], bound, rng))),
        }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Linear {
        Linear { bias: None, ..self }
    }

    /// The output with the rectifier, in one pass.
    #[track_caller]
    pub fn forward_relu(&self, x: &Var) -> Var {
        self.run(x, true)
    }

    #[track_caller]
    fn run(&self, x: &Var, relu: bool) -> Var {
        let [out, inn] = self.weight.sizes();
        if x.shape().last() != Some(&inn) {
            misfit(x, out, inn);
        }
        self.weight
            .linear(x, self.bias.as_ref().map(Param::var).as_ref(), relu)
    }
}

#[cold]
#[track_caller]
fn misfit(x: &Var, out: usize, inn: usize) -> ! {
    let flat: usize = x.shape().iter().skip(1).product();
    let help = if flat == inn {
        format!(
            ". Help: flatten it first: x.flatten(1) gives [{}, {flat}]",
            x.shape()[0]
        )
    } else {
        String::new()
    };
    panic!(
        "Linear({inn} -> {out}): the input's last axis is {:?}, must be {inn} (input shape {:?}){help}",
        x.shape().last(),
        x.shape()
    );
}

impl Module for Linear {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self.run(x, false)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
