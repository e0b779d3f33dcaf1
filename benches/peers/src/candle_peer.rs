//! candle-core and candle-nn on the CPU, as their users write it.

use crate::harness::{Bench, Work, ids, values};
use crate::kernels::SHAPES;
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{D, DType, Device, Module, Result, Tensor, Var};
use candle_nn::{Optimizer, VarBuilder, VarMap};

const P: &str = "candle";

fn t(shape: &[usize], seed: u64) -> Result<Tensor> {
    let n = shape.iter().product();
    Tensor::from_vec(values(n, seed), shape, &Device::Cpu)
}

pub fn run(b: &Bench) -> Result<()> {
    gemm(b)?;
    elementwise(b)?;
    reduce(b)?;
    conv(b)?;
    train(b)?;
    quant(b)
}

fn gemm(b: &Bench) -> Result<()> {
    for s in SHAPES {
        if !b.wants(P, s.name) {
            continue;
        }
        let x = if s.ta {
            t(&[s.k, s.m], 1)?.t()?
        } else {
            t(&[s.m, s.k], 1)?
        };
        let y = if s.tb {
            t(&[s.n, s.k], 2)?.t()?
        } else {
            t(&[s.k, s.n], 2)?
        };
        b.run(P, s.name, Work::Flops(s.flops()), || x.matmul(&y).unwrap());
    }
    if b.wants(P, "gemm_f64_512") {
        let x = t(&[512, 512], 1)?.to_dtype(DType::F64)?;
        let y = t(&[512, 512], 2)?.to_dtype(DType::F64)?;
        b.run(P, "gemm_f64_512", Work::Flops(2.0 * 512f64.powi(3)), || {
            x.matmul(&y).unwrap()
        });
    }
    if b.wants(P, "batched_matmul") {
        let (x, y) = (t(&[32, 128, 64], 1)?, t(&[32, 64, 128], 2)?);
        let w = Work::Flops(32.0 * 2.0 * 128.0 * 128.0 * 64.0);
        b.run(P, "batched_matmul", w, || x.matmul(&y).unwrap());
    }
    Ok(())
}

fn elementwise(b: &Bench) -> Result<()> {
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
        if !ops.iter().any(|o| b.wants(P, &name(o))) {
            continue;
        }
        let (x, y, z) = (t(&[n], 1)?, t(&[n], 2)?, t(&[n], 3)?);
        let w = |k: f64| Work::Bytes(k * n as f64);
        b.run(P, &name("ew_add"), w(12.0), || (&x + &y).unwrap());
        b.run(P, &name("ew_chain"), w(16.0), || {
            (((&x * &y).unwrap() + &z).unwrap()).relu().unwrap()
        });
        b.run(P, &name("ew_exp"), w(8.0), || x.exp().unwrap());
        b.run(P, &name("ew_tanh"), w(8.0), || x.tanh().unwrap());
        b.run(P, &name("ew_gelu"), w(8.0), || x.gelu_erf().unwrap());
        b.run(P, &name("ew_gelu_tanh"), w(8.0), || x.gelu().unwrap());
    }
    Ok(())
}

fn reduce(b: &Bench) -> Result<()> {
    let cases = [
        "bcast_add",
        "sum_all",
        "sum_axis0",
        "sum_axis1",
        "softmax",
        "layer_norm",
    ];
    let full = |c: &str| format!("{c}_4096x1024");
    if cases.iter().any(|c| b.wants(P, &full(c))) {
        let (r, c) = (4096usize, 1024usize);
        let n = (r * c) as f64;
        let x = t(&[r, c], 1)?;
        let v = t(&[c], 2)?;
        let v2 = t(&[c], 3)?;
        b.run(P, &full("bcast_add"), Work::Bytes(8.0 * n), || {
            x.broadcast_add(&v).unwrap()
        });
        b.run(P, &full("sum_all"), Work::Bytes(4.0 * n), || {
            x.sum_all().unwrap()
        });
        b.run(P, &full("sum_axis0"), Work::Bytes(4.0 * n), || {
            x.sum(0).unwrap()
        });
        b.run(P, &full("sum_axis1"), Work::Bytes(4.0 * n), || {
            x.sum(1).unwrap()
        });
        b.run(P, &full("softmax"), Work::Bytes(8.0 * n), || {
            candle_nn::ops::softmax_last_dim(&x).unwrap()
        });
        b.run(
            "candle-train",
            &full("softmax"),
            Work::Bytes(8.0 * n),
            || candle_nn::ops::softmax(&x, D::Minus1).unwrap(),
        );
        b.run(P, &full("layer_norm"), Work::Bytes(8.0 * n), || {
            candle_nn::ops::layer_norm(&x, &v, &v2, 1e-5).unwrap()
        });
        b.run(
            "candle-train",
            &full("layer_norm"),
            Work::Bytes(8.0 * n),
            || candle_nn::ops::layer_norm_slow(&x, &v, &v2, 1e-5).unwrap(),
        );
    }
    if b.wants(P, "transpose_copy_4096") {
        let x = t(&[4096, 4096], 1)?;
        b.run(
            P,
            "transpose_copy_4096",
            Work::Bytes(8.0 * 4096.0 * 4096.0),
            || x.t().unwrap().contiguous().unwrap(),
        );
    }
    if b.wants(P, "gather_50kx256_8192") {
        let x = t(&[50_000, 256], 1)?;
        let i = Tensor::from_vec(ids(8192, 50_000, 7), 8192, &Device::Cpu)?;
        b.run(
            P,
            "gather_50kx256_8192",
            Work::Bytes(8.0 * 8192.0 * 256.0),
            || x.index_select(&i, 0).unwrap(),
        );
    }
    Ok(())
}

fn conv(b: &Bench) -> Result<()> {
    // name, n, c_in, hw, c_out, kernel, padding, groups
    let cases: [(&str, usize, usize, usize, usize, usize, usize, usize); 4] = [
        ("conv3x3_64", 16, 64, 56, 64, 3, 1, 1),
        ("conv_dw128", 16, 128, 56, 128, 3, 1, 128),
        ("conv5x5_1to32", 16, 1, 28, 32, 5, 0, 1),
        ("conv1x1_256to64", 16, 256, 28, 64, 1, 0, 1),
    ];
    for (name, n, ci, hw, co, k, p, g) in cases {
        if !b.wants(P, name) {
            continue;
        }
        let x = t(&[n, ci, hw, hw], 1)?;
        let w = t(&[co, ci / g, k, k], 2)?;
        let bias = t(&[1, co, 1, 1], 3)?;
        let o = hw + 2 * p - k + 1;
        let flops = 2.0 * (n * co * o * o * (ci / g) * k * k) as f64;
        b.run(P, name, Work::Flops(flops), || {
            x.conv2d(&w, p, 1, 1, g)
                .unwrap()
                .broadcast_add(&bias)
                .unwrap()
        });
    }
    if b.wants(P, "max_pool2d") {
        let x = t(&[16, 64, 56, 56], 1)?;
        b.run(
            P,
            "max_pool2d",
            Work::Bytes(5.0 * 16.0 * 64.0 * 56.0 * 56.0),
            || x.max_pool2d(2).unwrap(),
        );
    }
    Ok(())
}

fn adam(vars: Vec<Var>, decay: f64) -> Result<candle_nn::AdamW> {
    candle_nn::AdamW::new(
        vars,
        candle_nn::ParamsAdamW {
            lr: 1e-3,
            weight_decay: decay,
            ..Default::default()
        },
    )
}

struct Block {
    ln: [(Tensor, Tensor); 2],
    lin: Vec<candle_nn::Linear>,
}

impl Block {
    fn new(d: usize, vb: VarBuilder) -> Result<Self> {
        let mut lin = vec![];
        for (i, (a, c)) in [(d, 3 * d), (d, d), (d, 4 * d), (4 * d, d)]
            .into_iter()
            .enumerate()
        {
            lin.push(candle_nn::linear(a, c, vb.pp(format!("l{i}")))?);
        }
        let one = candle_nn::Init::Const(1.0);
        let zero = candle_nn::Init::Const(0.0);
        let ln = [
            (
                vb.get_with_hints(d, "g0", one)?,
                vb.get_with_hints(d, "b0", zero)?,
            ),
            (
                vb.get_with_hints(d, "g1", one)?,
                vb.get_with_hints(d, "b1", zero)?,
            ),
        ];
        Ok(Self { ln, lin })
    }

    // The differentiable layer_norm and softmax: candle's fused ones have no backward.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (b, s, d) = x.dims3()?;
        let h = 8;
        let norm = |x: &Tensor, i: usize| {
            candle_nn::ops::layer_norm_slow(x, &self.ln[i].0, &self.ln[i].1, 1e-5)
        };
        let qkv = self.lin[0].forward(&norm(x, 0)?)?;
        let qkv = qkv.reshape((b, s, 3, h, d / h))?.permute((2, 0, 3, 1, 4))?;
        let (q, k, v) = (
            qkv.get(0)?.contiguous()?,
            qkv.get(1)?,
            qkv.get(2)?.contiguous()?,
        );
        let kt = k.transpose(2, 3)?.contiguous()?;
        let att = (q.matmul(&kt)? * (1.0 / ((d / h) as f64).sqrt()))?;
        let att = candle_nn::ops::softmax(&att, D::Minus1)?;
        let y = att.matmul(&v)?.transpose(1, 2)?.reshape((b, s, d))?;
        let x = (x + self.lin[1].forward(&y)?)?;
        let m = self.lin[2].forward(&norm(&x, 1)?)?.gelu_erf()?;
        x + self.lin[3].forward(&m)?
    }
}

fn train(b: &Bench) -> Result<()> {
    let cpu = Device::Cpu;
    let mlp = |sizes: &[usize], vm: &VarMap| -> Result<candle_nn::Sequential> {
        let vb = VarBuilder::from_varmap(vm, DType::F32, &cpu);
        let mut s = candle_nn::seq();
        for (i, w) in sizes.windows(2).enumerate() {
            s = s.add(candle_nn::linear(w[0], w[1], vb.pp(format!("l{i}")))?);
            if i + 2 < sizes.len() {
                s = s.add(candle_nn::Activation::Relu);
            }
        }
        Ok(s)
    };
    if b.wants(P, "train_mlp_boston") {
        let vm = VarMap::new();
        let m = mlp(&[13, 64, 64, 1], &vm)?;
        let mut o = adam(vm.all_vars(), 0.0)?;
        let (x, y) = (t(&[404, 13], 1)?, t(&[404, 1], 2)?);
        b.run(P, "train_mlp_boston", Work::Per(1.0), || {
            let l = candle_nn::loss::mse(&m.forward(&x).unwrap(), &y).unwrap();
            o.backward_step(&l).unwrap()
        });
    }
    if b.wants(P, "train_mlp_mnist") {
        let vm = VarMap::new();
        let m = mlp(&[784, 256, 128, 10], &vm)?;
        let mut o = adam(vm.all_vars(), 0.0)?;
        let x = t(&[128, 784], 1)?;
        let y = Tensor::from_vec(ids(128, 10, 2), 128, &cpu)?;
        b.run(P, "train_mlp_mnist", Work::Per(1.0), || {
            let l = candle_nn::loss::cross_entropy(&m.forward(&x).unwrap(), &y).unwrap();
            o.backward_step(&l).unwrap()
        });
    }
    if b.wants(P, "train_lenet_mnist") {
        let vm = VarMap::new();
        let vb = VarBuilder::from_varmap(&vm, DType::F32, &cpu);
        let pad = candle_nn::Conv2dConfig {
            padding: 2,
            ..Default::default()
        };
        let c1 = candle_nn::conv2d(1, 6, 5, pad, vb.pp("c1"))?;
        let c2 = candle_nn::conv2d(6, 16, 5, Default::default(), vb.pp("c2"))?;
        let f1 = candle_nn::linear(400, 120, vb.pp("f1"))?;
        let f2 = candle_nn::linear(120, 84, vb.pp("f2"))?;
        let f3 = candle_nn::linear(84, 10, vb.pp("f3"))?;
        let fwd = |x: &Tensor| -> Result<Tensor> {
            let x = c1.forward(x)?.relu()?.max_pool2d(2)?;
            let x = c2.forward(&x)?.relu()?.max_pool2d(2)?.flatten_from(1)?;
            f3.forward(&f2.forward(&f1.forward(&x)?.relu()?)?.relu()?)
        };
        // candle-nn's SGD has no momentum, so this step does a little less than the others'.
        let mut o = candle_nn::SGD::new(vm.all_vars(), 0.01)?;
        let x = t(&[64, 1, 28, 28], 1)?;
        let y = Tensor::from_vec(ids(64, 10, 2), 64, &cpu)?;
        b.run(P, "train_lenet_mnist", Work::Per(1.0), || {
            let l = candle_nn::loss::cross_entropy(&fwd(&x).unwrap(), &y).unwrap();
            o.backward_step(&l).unwrap()
        });
    }
    if b.wants(P, "train_transformer") {
        let vm = VarMap::new();
        let m = Block::new(256, VarBuilder::from_varmap(&vm, DType::F32, &cpu))?;
        let mut o = adam(vm.all_vars(), 0.01)?;
        let (x, y) = (t(&[8, 128, 256], 1)?, t(&[8, 128, 256], 2)?);
        b.run(P, "train_transformer", Work::Per(1.0), || {
            let l = candle_nn::loss::mse(&m.forward(&x).unwrap(), &y).unwrap();
            o.backward_step(&l).unwrap()
        });
    }
    if b.wants(P, "train_smallop") {
        let x = Var::from_tensor(&t(&[1], 1)?)?;
        let w = Var::from_tensor(&t(&[1], 2)?)?;
        b.run(P, "train_smallop", Work::Per(1000.0), || {
            let mut y = x.as_tensor().clone();
            for _ in 0..500 {
                y = (&y * w.as_tensor()).unwrap();
                y = (&y + x.as_tensor()).unwrap();
            }
            y.backward().unwrap()
        });
    }
    for (name, sizes) in [
        ("infer_mlp_mnist_b1", [784, 256, 128, 10]),
        ("infer_mlp_6_64_8_4", [6, 64, 8, 4]),
    ] {
        if b.wants(P, name) {
            let vm = VarMap::new();
            let m = mlp(&sizes, &vm)?;
            let x = t(&[1, sizes[0]], 1)?;
            b.run(P, name, Work::Per(1.0), || m.forward(&x).unwrap());
        }
    }
    Ok(())
}

fn quant(b: &Bench) -> Result<()> {
    for rows in [1usize, 32] {
        let names = ["f32", "q8_0", "q4_0"].map(|q| format!("qmm_{q}_{rows}x4096"));
        if !names.iter().any(|n| b.wants(P, n)) {
            continue;
        }
        let x = t(&[rows, 4096], 1)?;
        let w = t(&[4096, 4096], 2)?;
        let work = Work::Flops(2.0 * rows as f64 * 4096.0 * 4096.0);
        let wt = w.t()?;
        b.run(P, &names[0], work, || x.matmul(&wt).unwrap());
        for (name, q) in [(&names[1], GgmlDType::Q8_0), (&names[2], GgmlDType::Q4_0)] {
            let m = QMatMul::from_qtensor(QTensor::quantize(&w, q)?)?;
            b.run(P, name, work, || m.forward(&x).unwrap());
        }
    }
    if b.wants(P, "linear_f32_1024_b32") || b.wants(P, "linear_int8_1024_b32") {
        let x = t(&[32, 1024], 1)?;
        let w = t(&[1024, 1024], 2)?;
        let work = Work::Flops(2.0 * 32.0 * 1024.0 * 1024.0);
        let wt = w.t()?;
        b.run(P, "linear_f32_1024_b32", work, || x.matmul(&wt).unwrap());
        let m = QMatMul::from_qtensor(QTensor::quantize(&w, GgmlDType::Q8_0)?)?;
        b.run(P, "linear_int8_1024_b32", work, || m.forward(&x).unwrap());
    }
    Ok(())
}
