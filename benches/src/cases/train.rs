//! Training steps (forward, loss, backward, optimiser), the tape by itself, and inference.

use lepton_autograd::{Tensor, Var, no_grad};
use lepton_nn::{Adam, Mlp, Module, Optimizer, Rng, Sgd, cross_entropy, mse};

use crate::check;
use crate::inputs::{ids, tensor, values};
use crate::modules::{Block, LeNet};
use crate::{Case, Id, Work};

/// Steps after which the loss must have fallen.
const STEPS: usize = 20;

/// A task: a model, how it is trained, and on what.
struct Task<M, O> {
    model: M,
    optimizer: fn() -> O,
    x: Var,
    y: Var,
    loss: fn(&Var, &Var) -> Var,
}

impl<M: Module + Clone + 'static, O: Optimizer + 'static> Task<M, O> {
    /// One step of training, whose result is the loss before it, and its check.
    fn start(self) -> (impl FnMut() -> Var, impl FnOnce(&Var) -> Result<(), String>) {
        let Task { x, y, loss, .. } = &self;
        let (x, y, loss) = (x.clone(), y.clone(), *loss);
        let (model, optimizer) = (self.model.clone(), self.optimizer);
        let check = move |got: &Var| {
            check::training(&model, &x, &y, loss, got)?;
            let again = Task {
                model,
                optimizer,
                x,
                y,
                loss,
            };
            let mut step = again.step();
            let mut loss = || step().item().map_err(|e| e.to_string());
            let first = loss()?;
            (1..STEPS).try_for_each(|_| loss().map(drop))?;
            let last = loss()?;
            let falls = last < first;
            falls
                .then_some(())
                .ok_or(format!("the loss went from {first} to {last}"))
        };
        (self.step(), check)
    }

    fn step(self) -> impl FnMut() -> Var {
        let Task { x, y, loss, .. } = self;
        let (mut model, mut optimizer) = (self.model, (self.optimizer)());
        move || {
            let l = loss(&model.forward(&x), &y);
            let value = Var::from(l.tensor().clone());
            let mut grads = l.backward();
            let moved = optimizer.step(&mut model, &mut grads);
            moved.expect("the gradients are finite");
            value
        }
    }
}

fn adam() -> Adam {
    Adam::new(1e-3).expect("a rate that is a number")
}

fn momentum() -> Sgd {
    let sgd = Sgd::new(0.01).expect("a rate that is a number");
    sgd.momentum(0.9)
}

/// Forward, both gradients and the optimiser's state, of which `moments` are read and written;
/// `flops` are those of a forward pass, `input` those that would give the input's gradient.
fn step_work(flops: f64, input: f64, params: f64, moments: f64) -> Work {
    Work::step(3.0 * flops - input, 4.0 * params * (4.0 + 2.0 * moments))
}

/// The work of training a perceptron with Adam.
fn perceptron_work(sizes: &[usize], batch: usize) -> Work {
    let each = |w: &[usize]| (w[0] * w[1]) as f64;
    let weights: f64 = sizes.windows(2).map(each).sum();
    let biases: usize = sizes[1..].iter().sum();
    let batch = 2.0 * batch as f64;
    let params = weights + biases as f64;
    step_work(batch * weights, batch * each(sizes), params, 2.0)
}

/// The shape of a perceptron in identifiers: batch, then the sizes.
fn shape(sizes: &[usize], batch: usize) -> Vec<usize> {
    std::iter::once(batch)
        .chain(sizes.iter().copied())
        .collect()
}

/// The case of training a perceptron with classes.
pub(crate) fn perceptron(name: &str, sizes: &[usize], batch: usize) -> Case {
    let id = Id::new(
        "train_mlp",
        "f32",
        &shape(sizes, batch),
        "adam-cross_entropy",
    );
    let work = perceptron_work(sizes, batch);
    let sizes = sizes.to_vec();
    let start = move || {
        let (inputs, classes) = (sizes[0], sizes[sizes.len() - 1]);
        let task = Task {
            model: Mlp::new(&sizes, &mut Rng::new(0)),
            optimizer: adam,
            x: tensor(&[batch, inputs], 1),
            y: Var::new(&ids(batch, classes as u64, 2), &[batch]),
            loss: cross_entropy,
        };
        task.start()
    };
    Case::new(name, id, work, start)
}

fn boston() -> Case {
    let sizes = [13, 64, 64, 1];
    let start = move || {
        let task = Task {
            model: Mlp::new(&sizes, &mut Rng::new(0)),
            optimizer: adam,
            x: tensor(&[404, 13], 1),
            y: tensor(&[404, 1], 2),
            loss: mse,
        };
        task.start()
    };
    let id = Id::new("train_mlp", "f32", &shape(&sizes, 404), "adam-mse");
    Case::new("train_mlp_boston", id, perceptron_work(&sizes, 404), start)
}

fn lenet() -> Case {
    let start = || {
        let task = Task {
            model: LeNet::new(&mut Rng::new(0)),
            optimizer: momentum,
            x: tensor(&[64, 1, 28, 28], 1),
            y: Var::new(&ids(64, 10, 2), &[64]),
            loss: cross_entropy,
        };
        task.start()
    };
    let dense = (400 * 120 + 120 * 84 + 84 * 10) as f64;
    let convs = [(6 * 28 * 28 * 25) as f64, (16 * 10 * 10 * 150) as f64];
    let forward = 128.0 * (convs[0] + convs[1] + dense);
    let work = step_work(forward, 128.0 * convs[0], 61_706.0, 1.0);
    let id = Id::new("train_lenet", "f32", &[64, 1, 28, 28], "sgd-cross_entropy");
    Case::new("train_lenet_mnist", id, work, start)
}

fn transformer() -> Case {
    let shape = [8, 128, 256];
    let start = move || {
        let task = Task {
            model: Block::new(256, 8, &mut Rng::new(0)),
            optimizer: || adam().decoupled(0.01),
            x: tensor(&shape, 1),
            y: tensor(&shape, 2),
            loss: mse,
        };
        task.start()
    };
    let [tokens, time, width] = [1024.0, 128.0, 256.0];
    let weights = 12.0 * width * width;
    let forward = 2.0 * tokens * (weights + 2.0 * time * width);
    // The input's gradient is missing, but what leads up to it runs through every layer.
    let work = step_work(forward, 2.0 * tokens * 3.0 * width * width, weights, 2.0);
    let id = Id::new("train_transformer", "f32", &shape, "adamw-mse");
    Case::new("train_transformer", id, work, start)
}

/// A chain of `v * w; v + a` on one element, forward and backward; its result is both gradients.
fn small_ops() -> Case {
    const LINKS: usize = 500;
    let leaf = |x| Var::leaf(Tensor::from_vec(vec![x], &[1]).expect("one element"));
    let start = move || {
        let [x, y] = [values(1, 1)[0], values(1, 2)[0]];
        let (a, w) = (leaf(x), leaf(y));
        let run = move || {
            let mut v = a.clone();
            for _ in 0..LINKS {
                v = v * &w;
                v = v + &a;
            }
            let grads = v.backward();
            let of = |leaf: &Var| Var::from(grads.of(leaf).expect("it took part").clone());
            Var::cat(&[of(&a), of(&w)], 0)
        };
        // The chain is a (1 + w + .. + w^n).
        let check = move |got: &Var| {
            let (a, w) = (f64::from(x), f64::from(y));
            let power = |i: usize| w.powi(i as i32);
            let in_a = (0..=LINKS).map(power).sum();
            let in_w = (1..=LINKS).map(|i| i as f64 * power(i - 1)).sum::<f64>();
            check::close(got, [in_a, a * in_w], 1e-4)
        };
        (run, check)
    };
    let ops = 2.0 * LINKS as f64;
    let id = Id::new("tape_backward", "f32", &[2 * LINKS], "scalars");
    Case::new("train_smallop", id, Work::units(ops, 0.0, 0.0), start)
}

/// The case of one row through a perceptron, without gradients.
pub(crate) fn infer(name: &str, sizes: &[usize]) -> Case {
    let weights: usize = sizes.windows(2).map(|w| w[0] * w[1]).sum();
    let id = Id::new("infer_mlp", "f32", &shape(sizes, 1), "no_grad");
    let sizes = sizes.to_vec();
    let start = move || {
        let x = tensor(&[1, sizes[0]], 1);
        let net = Mlp::new(&sizes, &mut Rng::new(0));
        let (row, kept) = (x.tensor().to_f64(), net.clone());
        let check = move |y: &Var| check::close(y, check::perceptron(&kept, &row), 1e-5);
        (move || no_grad(|| net.forward(&x)), check)
    };
    let work = Work::step(2.0 * weights as f64, 4.0 * weights as f64);
    Case::new(name, id, work, start)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        boston(),
        perceptron("train_mlp_mnist", &[784, 256, 128, 10], 128),
        lenet(),
        transformer(),
        small_ops(),
        infer("infer_mlp_mnist_b1", &[784, 256, 128, 10]),
        infer("infer_mlp_6_64_8_4", &[6, 64, 8, 4]),
    ]
}
