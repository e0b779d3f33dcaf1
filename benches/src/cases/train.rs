//! Training steps (forward, loss, backward, optimiser), the tape by itself, and inference.

use lepton_autograd::{Tensor, Var, no_grad};
use lepton_nn::{Adam, Mlp, Module, Optimizer, Rng, Sgd, cross_entropy, mse};

use crate::inputs::{ids, tensor, values};
use crate::modules::{Block, LeNet};
use crate::{Case, Work};

/// One step of training; its result is the loss before the step.
fn step<M: Module + 'static>(
    mut model: M,
    mut optimizer: impl Optimizer + 'static,
    x: Var,
    y: Var,
    loss: fn(&Var, &Var) -> Var,
) -> impl FnMut() -> Var {
    move || {
        let l = loss(&model.forward(&x), &y);
        let value = Var::from(l.tensor().clone());
        let mut grads = l.backward();
        let moved = optimizer.step(&mut model, &mut grads);
        moved.expect("the gradients are finite");
        value
    }
}

fn adam() -> Adam {
    Adam::new(1e-3).expect("a rate that is a number")
}

/// The case of training a perceptron with classes.
pub(crate) fn perceptron(name: &str, sizes: &[usize], batch: usize) -> Case {
    let sizes = sizes.to_vec();
    let start = move || {
        let (inputs, classes) = (sizes[0], sizes[sizes.len() - 1]);
        let x = tensor(&[batch, inputs], 1);
        let y = Var::new(&ids(batch, classes as u64, 2), &[batch]);
        step(
            Mlp::new(&sizes, &mut Rng::new(0)),
            adam(),
            x,
            y,
            cross_entropy,
        )
    };
    Case::new(name, Work::Units(1.0), start)
}

fn boston() -> Case {
    let start = || {
        let (x, y) = (tensor(&[404, 13], 1), tensor(&[404, 1], 2));
        let net = Mlp::new(&[13, 64, 64, 1], &mut Rng::new(0));
        step(net, adam(), x, y, mse)
    };
    Case::new("train_mlp_boston", Work::Units(1.0), start)
}

fn lenet() -> Case {
    let start = || {
        let x = tensor(&[64, 1, 28, 28], 1);
        let y = Var::new(&ids(64, 10, 2), &[64]);
        let sgd = Sgd::new(0.01).expect("a rate that is a number");
        let net = LeNet::new(&mut Rng::new(0));
        step(net, sgd.momentum(0.9), x, y, cross_entropy)
    };
    Case::new("train_lenet_mnist", Work::Units(1.0), start)
}

fn transformer() -> Case {
    let start = || {
        let (x, y) = (tensor(&[8, 128, 256], 1), tensor(&[8, 128, 256], 2));
        let block = Block::new(256, 8, &mut Rng::new(0));
        step(block, adam().decoupled(0.01), x, y, mse)
    };
    Case::new("train_transformer", Work::Units(1.0), start)
}

/// A chain of `v * w; v + a` on one element, forward and backward; its result is both gradients.
fn small_ops() -> Case {
    let links = 500;
    let leaf = |seed| Var::leaf(Tensor::from_vec(values(1, seed), &[1]).expect("one element"));
    let start = move || {
        let (a, w) = (leaf(1), leaf(2));
        move || {
            let mut v = a.clone();
            for _ in 0..links {
                v = v * &w;
                v = v + &a;
            }
            let grads = v.backward();
            let of = |leaf: &Var| Var::from(grads.of(leaf).expect("it took part").clone());
            Var::cat(&[of(&a), of(&w)], 0)
        }
    };
    Case::new("train_smallop", Work::Units(2.0 * links as f64), start)
}

/// The case of one row through a perceptron, without gradients.
pub(crate) fn infer(name: &str, sizes: &[usize]) -> Case {
    let sizes = sizes.to_vec();
    let start = move || {
        let x = tensor(&[1, sizes[0]], 1);
        let net = Mlp::new(&sizes, &mut Rng::new(0));
        move || no_grad(|| net.forward(&x))
    };
    Case::new(name, Work::Units(1.0), start)
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
