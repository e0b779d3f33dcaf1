//! Normalisation within each example.

use lepton_autograd::{Param, Tensor, Var};

use crate::module;
use crate::module::Module;

/// Parameters of `shape` that all start as `x`.
fn filled(shape: &[usize], x: f32) -> Param {
    Param::new(Tensor::build(shape, |out: &mut [f32]| out.fill(x)))
}

/// Mean 0 and variance 1 over the last axes, then `weight` and `bias` (Ba et al. 2016).
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_nn::{LayerNorm, Module};
/// let y = LayerNorm::new(&[2]).forward(&Var::new(&[1.0f32, 3.0], &[1, 2]));
/// assert!((y.to_vec::<f32>().unwrap()[1] - 1.0).abs() < 1e-4);
/// ```
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// Of the normalised shape; starts at 1.
    pub weight: Option<Param>,
    /// Of the normalised shape; starts at 0.
    pub bias: Option<Param>,
    shape: Vec<usize>,
    eps: f64,
}

module!(LayerNorm { weight, bias } plain { shape, eps });

impl LayerNorm {
    /// A layer over the last axes, whose sizes are `normalized_shape`, with `eps` of `1e-5`.
    pub fn new(normalized_shape: &[usize]) -> LayerNorm {
        LayerNorm {
            weight: Some(filled(normalized_shape, 1.0)),
            bias: Some(filled(normalized_shape, 0.0)),
            shape: normalized_shape.to_vec(),
            eps: 1e-5,
        }
    }

    /// The same with another number added to the variance.
    pub fn eps(self, eps: f64) -> LayerNorm {
        LayerNorm { eps, ..self }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> LayerNorm {
        LayerNorm { bias: None, ..self }
    }

    /// The same without weight and bias.
    pub fn without_affine(self) -> LayerNorm {
        LayerNorm {
            weight: None,
            bias: None,
            ..self
        }
    }
}

impl Module for LayerNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let [w, b] = [&self.weight, &self.bias].map(|p| p.as_ref().map(Param::var));
        x.layer_norm(&self.shape, w.as_ref(), b.as_ref(), self.eps)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

/// Mean square 1 over the last axes, then `weight` (Zhang and Sennrich 2019).
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_nn::{Module, RmsNorm};
/// let y = RmsNorm::new(&[2]).forward(&Var::new(&[5.0f32, -5.0], &[1, 2]));
/// assert!((y.to_vec::<f32>().unwrap()[1] + 1.0).abs() < 1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct RmsNorm {
    /// Of the normalised shape; starts at 1.
    pub weight: Option<Param>,
    shape: Vec<usize>,
    eps: f64,
}

module!(RmsNorm { weight } plain { shape, eps });

impl RmsNorm {
    /// A layer over the last axes, whose sizes are `normalized_shape`, with f32's epsilon added to the
    /// mean square.
    pub fn new(normalized_shape: &[usize]) -> RmsNorm {
        RmsNorm {
            weight: Some(filled(normalized_shape, 1.0)),
            shape: normalized_shape.to_vec(),
            eps: f32::EPSILON.into(),
        }
    }

    /// The same with another number added to the mean square.
    pub fn eps(self, eps: f64) -> RmsNorm {
        RmsNorm { eps, ..self }
    }
}

impl Module for RmsNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let w = self.weight.as_ref().map(Param::var);
        x.rms_norm(&self.shape, w.as_ref(), self.eps)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

/// Mean 0 and variance 1 within each group of channels (axis 1), then a `weight` and `bias` for each
/// channel (Wu and He 2018).
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_nn::{GroupNorm, Module};
/// let x = Var::new(&[1.0f32, 3.0, 5.0, 9.0], &[1, 4]);
/// let y = GroupNorm::new(2, 4).forward(&x).to_vec::<f32>().unwrap();
/// assert!((y[0] + 1.0).abs() < 1e-4 && (y[3] - 1.0).abs() < 1e-4);
/// ```
#[derive(Clone, Debug)]
pub struct GroupNorm {
    /// `[channels]`, starts at 1.
    pub weight: Param,
    /// `[channels]`, starts at 0.
    pub bias: Param,
    groups: usize,
}

module!(GroupNorm { weight, bias } plain { groups });

impl GroupNorm {
    /// A layer of `channels` in `groups`.
    ///
    /// # Panics
    /// When the groups do not divide the channels.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> GroupNorm {
        assert!(
            groups > 0 && channels > 0 && channels.is_multiple_of(groups),
            "GroupNorm({groups} groups, {channels} channels): the groups must divide the channels"
        );
        GroupNorm {
            weight: filled(&[channels], 1.0),
            bias: filled(&[channels], 0.0),
            groups,
        }
    }
}

impl Module for GroupNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let (w, b) = (self.weight.var(), self.bias.var());
        x.group_norm(self.groups, Some(&w), Some(&b), 1e-5)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
