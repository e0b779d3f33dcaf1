//! The models that the training cases train, written as a user writes them.

use lepton_autograd::{AttentionOptions, ConvOptions, MaxPoolOptions, Var};
use lepton_nn::{Conv2d, LayerNorm, Linear, Module, Rng, module};

/// LeCun's network for digits (LeCun et al. 1998) with rectifiers and max pooling.
#[derive(Clone, Debug)]
pub struct LeNet {
    /// Convolutions of 5x5, 1 to 6 channels with padding 2, then 6 to 16.
    pub convs: Vec<Conv2d>,
    /// Dense layers 400-120-84-10.
    pub dense: Vec<Linear>,
}

module!(LeNet { convs, dense });

impl LeNet {
    /// A network for images of 28x28.
    pub fn new(rng: &mut Rng) -> LeNet {
        let padded = ConvOptions {
            padding: [2, 2],
            ..ConvOptions::default()
        };
        let convs = vec![
            Conv2d::new(1, 6, 5, padded, rng),
            Conv2d::new(6, 16, 5, ConvOptions::default(), rng),
        ];
        let dense = [400, 120, 84, 10];
        let dense = dense.windows(2).map(|w| Linear::new(w[0], w[1], rng));
        LeNet {
            convs,
            dense: dense.collect(),
        }
    }
}

impl Module for LeNet {
    fn forward(&self, x: &Var) -> Var {
        let pooled = |x: Var, conv: &Conv2d| max_pool2(&conv.forward(&x).relu());
        let x = self.convs.iter().fold(x.clone(), pooled).flatten(1);
        let (last, hidden) = self.dense.split_last().expect("three layers");
        last.forward(&hidden.iter().fold(x, |x, l| l.forward_relu(&x)))
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

/// The largest of each 2x2 square.
pub fn max_pool2(x: &Var) -> Var {
    x.max_pool2d([2, 2], MaxPoolOptions::default())
}

/// A transformer block that normalises before each half (Xiong et al. 2020), without a mask.
#[derive(Clone, Debug)]
pub struct Block {
    /// Before the attention.
    pub norm1: LayerNorm,
    /// Queries, keys and values in one.
    pub qkv: Linear,
    /// After the attention.
    pub out: Linear,
    /// Before the perceptron.
    pub norm2: LayerNorm,
    /// To four times the width.
    pub up: Linear,
    /// And back.
    pub down: Linear,
    heads: usize,
}

module!(Block { norm1, qkv, out, norm2, up, down } plain { heads });

impl Block {
    /// A block of `width` features in `heads` heads.
    pub fn new(width: usize, heads: usize, rng: &mut Rng) -> Block {
        Block {
            norm1: LayerNorm::new(&[width]),
            qkv: Linear::new(width, 3 * width, rng),
            out: Linear::new(width, width, rng),
            norm2: LayerNorm::new(&[width]),
            up: Linear::new(width, 4 * width, rng),
            down: Linear::new(4 * width, width, rng),
            heads,
        }
    }

    fn attention(&self, x: &Var) -> Var {
        let [batch, time, width] = x.shape().try_into().expect("sequences");
        let depth = width / self.heads;
        let qkv = self.qkv.forward(x);
        // [batch, heads, time, depth] each, as views of the one projection.
        let qkv = qkv.reshape(&[batch, time, 3, self.heads, depth]).unbind(2);
        let [q, k, v] = [0, 1, 2].map(|i: usize| qkv[i].transpose(1, 2));
        let y = q.scaled_dot_product_attention(&k, &v, &AttentionOptions::default());
        let y = y.transpose(1, 2);
        self.out.forward(&y.reshape(&[batch, time, width]))
    }
}

impl Module for Block {
    fn forward(&self, x: &Var) -> Var {
        let x = x + self.attention(&self.norm1.forward(x));
        let wide = self.up.forward(&self.norm2.forward(&x)).gelu();
        self.down.forward(&wide) + x
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
