//! Clients on threads: the same bits as one after the other, whatever a waiting worker steals.
//!
//! A worker that waits inside a kernel runs other clients' tasks on its own stack. If the recording
//! mode, the node count or anything else of its scope leaked into them, they would train wrongly or
//! not at all; here that would change their bits.

use lepton_autograd::{Var, is_recording, no_grad, parallel};
use lepton_tensor::random::Rng;
use lepton_tensor::{Tensor, ops};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

const CLIENTS: usize = 6;
const ROUNDS: usize = 200;

/// Inputs and outputs of the layer that a client trains.
#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    wide: usize,
}

const SMALL: Size = Size { rows: 3, wide: 4 };
/// Kernels on these fork: over 2^16 elements, over 2^21 multiplications.
const LARGE: Size = Size {
    rows: 256,
    wide: 260,
};

/// A layer `tanh(x w^T + b)`, trained by hand.
#[derive(Clone)]
struct Client {
    w: Tensor,
    b: Tensor,
    x: Tensor,
    target: Tensor,
}

fn normal(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |out: &mut [f32]| {
        out.iter_mut().for_each(|v| *v = 0.3 * rng.normal() as f32)
    })
}

impl Client {
    fn new(seed: u64, size: Size) -> Client {
        let mut rng = Rng::new(seed);
        let Size { rows, wide } = size;
        Client {
            w: normal(&mut rng, &[wide, wide]),
            b: normal(&mut rng, &[wide]),
            x: normal(&mut rng, &[rows, wide]),
            target: normal(&mut rng, &[rows, wide]),
        }
    }

    fn loss(&self, w: &Var, b: &Var) -> Var {
        let (x, target) = (Var::from(self.x.clone()), Var::from(self.target.clone()));
        (x.linear(w, Some(b), false).tanh() - target)
            .square()
            .mean(&[])
    }

    /// One step of gradient descent.
    fn train(&mut self) {
        assert!(is_recording(), "a task records as its caller does");
        let (w, b) = (Var::leaf(self.w.clone()), Var::leaf(self.b.clone()));
        let grads = self.loss(&w, &b).backward();
        let step = |leaf: &Var| {
            let g = grads.of(leaf).expect("the loss depends on it").clone();
            no_grad(|| leaf - Var::from(g) * 0.5).into_tensor()
        };
        (self.w, self.b) = (step(&w), step(&b));
    }

    /// The loss, without recording.
    fn evaluate(&self) -> f64 {
        no_grad(|| {
            let loss = self.loss(&Var::leaf(self.w.clone()), &Var::leaf(self.b.clone()));
            assert!(loss.is_constant() && !is_recording());
            loss.item().expect("one number")
        })
    }

    /// What a client does in round `round`: some train, some look.
    fn act(mut self, client: usize, round: usize) -> (Client, f64) {
        let found = if (client + round).is_multiple_of(2) {
            self.train();
            self.evaluate()
        } else {
            let before = self.evaluate();
            self.train();
            before
        };
        (self, found)
    }
}

/// How the clients of a round are run.
#[derive(Clone, Copy, Debug)]
enum Way {
    InOrder,
    Parallel,
    /// As tasks of the caller's own pool, which know nothing of scopes.
    Rayon,
}

/// All losses' and parameters' bits, in order.
fn story(rounds: usize, size: impl Fn(usize) -> Size, way: Way) -> Vec<u64> {
    let start = |size: Size| {
        let client = |c| Client::new(c as u64, size);
        (0..CLIENTS).map(client).collect::<Vec<_>>()
    };
    let (mut small, mut large) = (start(SMALL), start(LARGE));
    let mut bits = Vec::new();
    for round in 0..rounds {
        let clients = if size(round).wide == SMALL.wide {
            &mut small
        } else {
            &mut large
        };
        let task = |c: usize| clients[c].clone().act(c, round);
        let done: Vec<(Client, f64)> = match way {
            Way::InOrder => (0..CLIENTS).map(task).collect(),
            Way::Parallel => parallel(CLIENTS, task),
            Way::Rayon => (0..CLIENTS)
                .into_par_iter()
                .with_max_len(1)
                .map(task)
                .collect(),
        };
        bits.extend(done.iter().map(|d| d.1.to_bits()));
        *clients = done.into_iter().map(|d| d.0).collect();
    }
    let values = |c: &Client| [c.w.to_f64(), c.b.to_f64()].concat();
    let all = small.iter().chain(&large).flat_map(values);
    bits.extend(all.map(f64::to_bits));
    bits
}

fn on_threads(n: usize, f: impl FnOnce() -> Vec<u64> + Send) -> Vec<u64> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(n)
        .build()
        .expect("a pool");
    pool.install(f)
}

/// Every tenth round is on tensors so large that kernels fork inside the tasks.
fn mixed(round: usize) -> Size {
    if round % 10 == 9 { LARGE } else { SMALL }
}

#[test]
fn clients_in_parallel_have_the_bits_of_clients_in_order() {
    let want = on_threads(1, || story(ROUNDS, mixed, Way::InOrder));
    for way in [Way::Parallel, Way::Rayon] {
        for n in [1, 2, 7] {
            let got = on_threads(n, || story(ROUNDS, mixed, way));
            let same = got == want;
            assert!(
                same,
                "{way:?} on {n} threads: other bits than one client after the other"
            );
        }
    }
}

/// The mode inside a task is the caller's, at every depth of nesting, while kernels fork.
#[test]
fn a_stolen_task_sees_its_own_mode() {
    let big = Tensor::build(&[1 << 17], |out: &mut [f32]| out.fill(0.5));
    let work = |depth: usize| {
        let x = Var::leaf(big.clone());
        let y = x.tanh() * &x;
        assert_eq!(y.is_constant(), !is_recording(), "depth {depth}");
        ops::copy(y.tensor()).to_f64()[7]
    };
    let pool = ThreadPoolBuilder::new()
        .num_threads(7)
        .build()
        .expect("a pool");
    let found = pool.install(|| {
        parallel(12, |i| {
            let inner = || {
                parallel(3, |j| {
                    assert_eq!(is_recording(), i % 2 == 0);
                    work(j)
                })
            };
            let first = if i % 2 == 0 { inner() } else { no_grad(inner) };
            assert!(is_recording());
            first.into_iter().chain([work(9)]).collect::<Vec<f64>>()
        })
    });
    let all: Vec<f64> = found.concat();
    assert!(all.iter().all(|v| v.to_bits() == all[0].to_bits()));
}
