//! Attention in several heads.

use lepton_autograd::{AttentionOptions, Param, Var};
use lepton_tensor::random::Rng;

use crate::layers::linear::start;
use crate::layers::{Linear, Weight};
use crate::module;
use crate::module::Module;

/// Attention in several heads between projections (Vaswani et al. 2017), over `[batch, time, width]`:
/// PyTorch's `MultiheadAttention` with `batch_first`, and its names.
///
/// ```
/// use lepton_autograd::{DType, Device, Var};
/// use lepton_nn::{Module, MultiheadAttention, Params, Rng};
/// let layer = MultiheadAttention::new(8, 2, &mut Rng::new(0));
/// let x = Var::zeros(&[1, 5, 8], DType::F32, Device::Cpu);
/// assert_eq!(layer.forward(&x).shape(), [1, 5, 8]);
/// let names: Vec<String> = layer.params().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]);
/// ```
#[derive(Clone, Debug)]
pub struct MultiheadAttention {
    /// Queries', keys' and values' projections, one below the other: `[3 width, width]`.
    pub in_proj_weight: Weight,
    /// `[3 width]`, starts at 0.
    pub in_proj_bias: Option<Param>,
    /// What follows the heads.
    pub out_proj: Linear,
    heads: usize,
}

module!(MultiheadAttention { in_proj_weight, in_proj_bias, out_proj } plain { heads });

impl MultiheadAttention {
    /// A layer of `embed_dim` features in `num_heads` heads. The first projection starts uniformly
    /// within `sqrt(6 / (in + out))` (Glorot and Bengio 2010), biases start at 0.
    ///
    /// # Panics
    /// When the heads do not divide the features.
    #[track_caller]
    pub fn new(embed_dim: usize, num_heads: usize, rng: &mut Rng) -> MultiheadAttention {
        assert!(
            num_heads > 0 && embed_dim > 0 && embed_dim.is_multiple_of(num_heads),
            "MultiheadAttention({embed_dim} features, {num_heads} heads): the heads must divide the features"
        );
        let bound = (6.0 / (4 * embed_dim) as f64).sqrt();
        let weight = start(&[3 * embed_dim, embed_dim], bound, rng);
        let mut out_proj = Linear::new(embed_dim, embed_dim, rng);
        out_proj.bias = Some(Param::new(start(&[embed_dim], 0.0, rng)));
        MultiheadAttention {
            in_proj_weight: Weight::new(weight),
            in_proj_bias: Some(Param::new(start(&[3 * embed_dim], 0.0, rng))),
            out_proj,
            heads: num_heads,
        }
    }

    /// `x [batch, time, width]` attending to itself.
    ///
    /// # Panics
    /// When the shape does not fit.
    #[track_caller]
    pub fn attend_self(&self, x: &Var, options: &AttentionOptions) -> Var {
        let bias = self.in_proj_bias.as_ref().map(Param::var);
        let all = self.in_proj_weight.linear(x, bias.as_ref(), false);
        let [batch, time, width] = self.sizes(x);
        // Views of the one projection: nothing is copied.
        let parts = all.reshape(&[batch, time, 3, self.heads, width / self.heads]);
        let parts = parts.unbind(2);
        self.join(&parts[0], &parts[1], &parts[2], options)
    }

    /// `query [batch, time, width]` attending to `key` and `value`, both `[batch, keys, width]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[track_caller]
    pub fn attend(&self, query: &Var, key: &Var, value: &Var, options: &AttentionOptions) -> Var {
        let weights = self.in_proj_weight.var().chunk(3, 0);
        let biases = self.in_proj_bias.as_ref().map(|b| b.var().chunk(3, 0));
        let part = |i: usize, x: &Var| {
            let [batch, time, width] = self.sizes(x);
            let bias = biases.as_ref().map(|b| &b[i]);
            let y = x.linear(&weights[i], bias, false);
            y.reshape(&[batch, time, self.heads, width / self.heads])
        };
        self.join(&part(0, query), &part(1, key), &part(2, value), options)
    }

    /// The heads' results side by side, `[batch, time, heads, depth]` each, through the last layer.
    #[track_caller]
    fn join(&self, q: &Var, k: &Var, v: &Var, options: &AttentionOptions) -> Var {
        let [q, k, v] = [q, k, v].map(|x| x.transpose(1, 2));
        let y = q.scaled_dot_product_attention(&k, &v, options);
        self.out_proj.forward(&y.transpose(1, 2).flatten(2))
    }

    #[track_caller]
    fn sizes(&self, x: &Var) -> [usize; 3] {
        let width = self.in_proj_weight.shape()[1];
        match x.shape() {
            &[batch, time, last] if last == width => [batch, time, last],
            other => panic!("MultiheadAttention: wants [batch, time, {width}], got {other:?}"),
        }
    }
}

impl Module for MultiheadAttention {
    /// `x` attending to itself, without a mask.
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self.attend_self(x, &AttentionOptions::default())
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
