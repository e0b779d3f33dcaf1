//! Two-dimensional convolution.

use lepton_autograd::{ConvOptions, Param, Var};
use lepton_tensor::random::Rng;

use crate::layers::Weight;
use crate::layers::linear::start;
use crate::module;
use crate::module::Module;

/// Cross-correlation of images `[n, in, h, w]` with `weight [out, in / groups, rows, columns]`.
#[derive(Clone, Debug)]
pub struct Conv2d {
    /// `[out, in / groups, rows, columns]`.
    pub weight: Weight,
    /// `[out]`.
    pub bias: Option<Param>,
    options: ConvOptions,
}

module!(Conv2d { weight, bias } plain { options });

impl Conv2d {
    /// A layer of `inputs` to `outputs` channels with a square kernel, started uniformly within
    /// `1 / sqrt(inputs / groups * kernel^2)`.
    ///
    /// # Panics
    /// When a size is 0, or the groups do not divide the channels.
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        options: ConvOptions,
        rng: &mut Rng,
    ) -> Conv2d {
        let g = options.groups;
        assert!(
            inputs > 0
                && outputs > 0
                && kernel > 0
                && g > 0
                && inputs.is_multiple_of(g)
                && outputs.is_multiple_of(g),
            "Conv2d({inputs} -> {outputs}, kernel {kernel}, groups {g}): sizes must be at least 1 and groups must divide the channels"
        );
        let fan = inputs / g * kernel * kernel;
        let bound = 1.0 / (fan as f64).sqrt();
        let weight = Weight::new(start(&[outputs, inputs / g, kernel, kernel], bound, rng));
        Conv2d {
            weight,
            bias: Some(Param::new(start(&[outputs], bound, rng))),
            options,
        }
    }
}

impl Module for Conv2d {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.conv2d(
            &self.weight.var(),
            self.bias.as_ref().map(Param::var).as_ref(),
            self.options,
        )
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
