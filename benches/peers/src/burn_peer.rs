//! burn on its two pure-Rust CPU backends: flex and (deprecated) ndarray.

use crate::harness::{Bench, Work, ids, values};
use crate::kernels::SHAPES;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, MseLoss, Reduction};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, SgdConfig};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation, module};

fn t<const N: usize>(shape: [usize; N], seed: u64, d: &Device) -> Tensor<N> {
    let n = shape.iter().product();
    Tensor::from_data(TensorData::new(values(n, seed), shape), d)
}

fn labels(n: usize, top: u64, seed: u64, d: &Device) -> Tensor<1, Int> {
    let v: Vec<i64> = ids(n, top, seed).into_iter().map(i64::from).collect();
    Tensor::from_data(TensorData::new(v, [n]), d)
}

pub fn run(b: &Bench) {
    let devices = [
        ("burn-flex", Device::flex()),
        #[cfg(feature = "burn-ndarray")]
        #[allow(deprecated)]
        ("burn-ndarray", Device::ndarray()),
    ];
    for (p, d) in devices {
        gemm(b, p, &d);
        elementwise(b, p, &d);
        reduce(b, p, &d);
        conv(b, p, &d);
        train(b, p, &d);
    }
}

fn gemm(b: &Bench, p: &str, d: &Device) {
    for s in SHAPES {
        if !b.wants(p, s.name) {
            continue;
        }
        let x = if s.ta {
            t([s.k, s.m], 1, d).transpose()
        } else {
            t([s.m, s.k], 1, d)
        };
        let y = if s.tb {
            t([s.n, s.k], 2, d).transpose()
        } else {
            t([s.k, s.n], 2, d)
        };
        b.run(p, s.name, Work::Flops(s.flops()), || {
            x.clone().matmul(y.clone())
        });
    }
    if b.wants(p, "gemm_f64_512") {
        let x = t([512, 512], 1, d).cast(DType::F64);
        let y = t([512, 512], 2, d).cast(DType::F64);
        let w = Work::Flops(2.0 * 512f64.powi(3));
        b.run(p, "gemm_f64_512", w, || x.clone().matmul(y.clone()));
    }
    if b.wants(p, "batched_matmul") {
        let (x, y) = (t([32, 128, 64], 1, d), t([32, 64, 128], 2, d));
        let w = Work::Flops(32.0 * 2.0 * 128.0 * 128.0 * 64.0);
        b.run(p, "batched_matmul", w, || x.clone().matmul(y.clone()));
    }
}

fn elementwise(b: &Bench, p: &str, d: &Device) {
    for (tag, n) in [("1m", 1usize << 20), ("16m", 1 << 24)] {
        let name = |op: &str| format!("{op}_{tag}");
        let ops = [
            "ew_add",
            "ew_chain",
            "ew_exp",
            "ew_tanh",
            "ew_gelu",
            "ew_gelu_tanh",
        ];
        if !ops.iter().any(|o| b.wants(p, &name(o))) {
            continue;
        }
        let (x, y, z) = (t([n], 1, d), t([n], 2, d), t([n], 3, d));
        let w = |k: f64| Work::Bytes(k * n as f64);
        b.run(p, &name("ew_add"), w(12.0), || x.clone() + y.clone());
        b.run(p, &name("ew_chain"), w(16.0), || {
            activation::relu(x.clone() * y.clone() + z.clone())
        });
        b.run(p, &name("ew_exp"), w(8.0), || x.clone().exp());
        b.run(p, &name("ew_tanh"), w(8.0), || x.clone().tanh());
        b.run(p, &name("ew_gelu"), w(8.0), || activation::gelu(x.clone()));
        b.run(p, &name("ew_gelu_tanh"), w(8.0), || {
            activation::gelu_approximate(x.clone())
        });
    }
}

fn reduce(b: &Bench, p: &str, d: &Device) {
    let cases = [
        "bcast_add",
        "sum_all",
        "sum_axis0",
        "sum_axis1",
        "softmax",
        "layer_norm",
    ];
    let full = |c: &str| format!("{c}_4096x1024");
    if cases.iter().any(|c| b.wants(p, &full(c))) {
        let (r, c) = (4096usize, 1024usize);
        let n = (r * c) as f64;
        let x = t([r, c], 1, d);
        let row = t([1, c], 2, d);
        let (g, h) = (t([c], 2, d), t([c], 3, d));
        b.run(p, &full("bcast_add"), Work::Bytes(8.0 * n), || {
            x.clone() + row.clone()
        });
        b.run(p, &full("sum_all"), Work::Bytes(4.0 * n), || {
            x.clone().sum()
        });
        b.run(p, &full("sum_axis0"), Work::Bytes(4.0 * n), || {
            x.clone().sum_dim(0)
        });
        b.run(p, &full("sum_axis1"), Work::Bytes(4.0 * n), || {
            x.clone().sum_dim(1)
        });
        b.run(p, &full("softmax"), Work::Bytes(8.0 * n), || {
            activation::softmax(x.clone(), 1)
        });
        b.run(p, &full("layer_norm"), Work::Bytes(8.0 * n), || {
            module::layer_norm(x.clone(), g.clone(), Some(h.clone()), 1e-5)
        });
    }
    if b.wants(p, "transpose_copy_4096") {
        let x = t([4096, 4096], 1, d);
        // reshape of a transposed tensor makes the contiguous copy.
        b.run(
            p,
            "transpose_copy_4096",
            Work::Bytes(8.0 * 4096.0 * 4096.0),
            || x.clone().transpose().reshape([4096 * 4096]),
        );
    }
    if b.wants(p, "gather_50kx256_8192") {
        let x = t([50_000, 256], 1, d);
        let i = labels(8192, 50_000, 7, d);
        b.run(
            p,
            "gather_50kx256_8192",
            Work::Bytes(8.0 * 8192.0 * 256.0),
            || x.clone().select(0, i.clone()),
        );
    }
}

fn conv(b: &Bench, p: &str, d: &Device) {
    let cases: [(&str, usize, usize, usize, usize, usize, usize, usize); 4] = [
        ("conv3x3_64", 16, 64, 56, 64, 3, 1, 1),
        ("conv_dw128", 16, 128, 56, 128, 3, 1, 128),
        ("conv5x5_1to32", 16, 1, 28, 32, 5, 0, 1),
        ("conv1x1_256to64", 16, 256, 28, 64, 1, 0, 1),
    ];
    for (name, n, ci, hw, co, k, pad, g) in cases {
        if !b.wants(p, name) {
            continue;
        }
        let x = t([n, ci, hw, hw], 1, d);
        let w = t([co, ci / g, k, k], 2, d);
        let bias = t([co], 3, d);
        let o = hw + 2 * pad - k + 1;
        let flops = 2.0 * (n * co * o * o * (ci / g) * k * k) as f64;
        b.run(p, name, Work::Flops(flops), || {
            let opt = ConvOptions::new([1, 1], [pad, pad], [1, 1], g);
            module::conv2d(x.clone(), w.clone(), Some(bias.clone()), opt)
        });
    }
    if b.wants(p, "max_pool2d") {
        let x = t([16, 64, 56, 56], 1, d);
        b.run(
            p,
            "max_pool2d",
            Work::Bytes(5.0 * 16.0 * 64.0 * 56.0 * 56.0),
            || module::max_pool2d(x.clone(), MaxPoolOptions::new([2, 2])),
        );
    }
}

#[derive(Module, Debug)]
struct Mlp {
    l: Vec<Linear>,
}

impl Mlp {
    fn new(sizes: &[usize], d: &Device) -> Self {
        Self {
            l: sizes
                .windows(2)
                .map(|w| LinearConfig::new(w[0], w[1]).init(d))
                .collect(),
        }
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        for (i, l) in self.l.iter().enumerate() {
            x = l.forward(x);
            if i + 1 < self.l.len() {
                x = activation::relu(x);
            }
        }
        x
    }
}

#[derive(Module, Debug)]
struct LeNet {
    c1: Conv2d,
    c2: Conv2d,
    fc: Mlp,
}

impl LeNet {
    fn new(d: &Device) -> Self {
        Self {
            c1: Conv2dConfig::new([1, 6], [5, 5])
                .with_padding(PaddingConfig2d::Explicit(2, 2, 2, 2))
                .init(d),
            c2: Conv2dConfig::new([6, 16], [5, 5]).init(d),
            fc: Mlp::new(&[400, 120, 84, 10], d),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let pool = |x| module::max_pool2d(x, MaxPoolOptions::new([2, 2]));
        let x = pool(activation::relu(self.c1.forward(x)));
        let x = pool(activation::relu(self.c2.forward(x)));
        self.fc.forward(x.flatten(1, 3))
    }
}

#[derive(Module, Debug)]
struct Block {
    n1: LayerNorm,
    n2: LayerNorm,
    qkv: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
}

impl Block {
    fn new(w: usize, d: &Device) -> Self {
        Self {
            n1: LayerNormConfig::new(w).init(d),
            n2: LayerNormConfig::new(w).init(d),
            qkv: LinearConfig::new(w, 3 * w).init(d),
            out: LinearConfig::new(w, w).init(d),
            up: LinearConfig::new(w, 4 * w).init(d),
            down: LinearConfig::new(4 * w, w).init(d),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [b, s, w] = x.dims();
        let (h, e) = (8, w / 8);
        let y = self.qkv.forward(self.n1.forward(x.clone()));
        let head = |i: usize| {
            y.clone()
                .narrow(2, i * w, w)
                .reshape([b, s, h, e])
                .swap_dims(1, 2)
        };
        let att = head(0)
            .matmul(head(1).swap_dims(2, 3))
            .mul_scalar(1.0 / (e as f64).sqrt());
        let y = activation::softmax(att, 3)
            .matmul(head(2))
            .swap_dims(1, 2)
            .reshape([b, s, w]);
        let x = x + self.out.forward(y);
        let m = self.down.forward(activation::gelu(
            self.up.forward(self.n2.forward(x.clone())),
        ));
        x + m
    }
}

fn train(b: &Bench, p: &str, plain: &Device) {
    let d = &plain.clone().autodiff();
    if b.wants(p, "train_mlp_boston") {
        let mut m = Some(Mlp::new(&[13, 64, 64, 1], d));
        let mut o = AdamConfig::new().init();
        let (x, y) = (t([404, 13], 1, d), t([404, 1], 2, d));
        b.run(p, "train_mlp_boston", Work::Per(1.0), || {
            let n = m.take().unwrap();
            let l = MseLoss::new().forward(n.forward(x.clone()), y.clone(), Reduction::Mean);
            let g = GradientsParams::from_grads(l.backward(), &n);
            m = Some(o.step(1e-3, n, g));
        });
    }
    if b.wants(p, "train_mlp_mnist") {
        let mut m = Some(Mlp::new(&[784, 256, 128, 10], d));
        let mut o = AdamConfig::new().init();
        let (x, y) = (t([128, 784], 1, d), labels(128, 10, 2, d));
        let loss = CrossEntropyLoss::new(None, d);
        b.run(p, "train_mlp_mnist", Work::Per(1.0), || {
            let n = m.take().unwrap();
            let l = loss.forward(n.forward(x.clone()), y.clone());
            let g = GradientsParams::from_grads(l.backward(), &n);
            m = Some(o.step(1e-3, n, g));
        });
    }
    if b.wants(p, "train_lenet_mnist") {
        let mut m = Some(LeNet::new(d));
        let mut o = SgdConfig::new()
            .with_momentum(Some(MomentumConfig::new()))
            .init();
        let (x, y) = (t([64, 1, 28, 28], 1, d), labels(64, 10, 2, d));
        let loss = CrossEntropyLoss::new(None, d);
        b.run(p, "train_lenet_mnist", Work::Per(1.0), || {
            let n = m.take().unwrap();
            let l = loss.forward(n.forward(x.clone()), y.clone());
            let g = GradientsParams::from_grads(l.backward(), &n);
            m = Some(o.step(1e-2, n, g));
        });
    }
    if b.wants(p, "train_transformer") {
        let mut m = Some(Block::new(256, d));
        let mut o = AdamWConfig::new().with_weight_decay(0.01).init();
        let (x, y) = (t([8, 128, 256], 1, d), t([8, 128, 256], 2, d));
        b.run(p, "train_transformer", Work::Per(1.0), || {
            let n = m.take().unwrap();
            let l = MseLoss::new().forward(n.forward(x.clone()), y.clone(), Reduction::Mean);
            let g = GradientsParams::from_grads(l.backward(), &n);
            m = Some(o.step(1e-3, n, g));
        });
    }
    if b.wants(p, "train_smallop") {
        let x = t([1], 1, d).require_grad();
        let w = t([1], 2, d).require_grad();
        b.run(p, "train_smallop", Work::Per(1000.0), || {
            let mut y = x.clone();
            for _ in 0..500 {
                y = y * w.clone();
                y = y + x.clone();
            }
            y.backward()
        });
    }
    for (name, sizes) in [
        ("infer_mlp_mnist_b1", [784, 256, 128, 10]),
        ("infer_mlp_6_64_8_4", [6, 64, 8, 4]),
    ] {
        if b.wants(p, name) {
            let m = Mlp::new(&sizes, plain);
            let x = t([1, sizes[0]], 1, plain);
            b.run(p, name, Work::Per(1.0), || m.forward(x.clone()));
        }
    }
}
