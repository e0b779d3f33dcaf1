//! Clients on threads: the same bits as one after the other, whatever a waiting worker steals.
//!
//! A worker that waits inside a kernel runs other clients' tasks on its own stack. If the recording
//! mode, the node count or anything else of its scope leaked into them, they would train wrongly or
//! not at all; here that would change their bits.

use std::sync::{Barrier, Mutex, mpsc};

use lepton_autograd::{Var, is_recording, no_grad, parallel};
use lepton_tensor::random::Rng;
use lepton_tensor::{Tensor, threads};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

const CLIENTS: usize = 5;
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
    rows: 130,
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

fn on_threads<T: Send>(n: usize, f: impl FnOnce() -> T + Send) -> T {
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
            let same = on_threads(n, || story(ROUNDS, mixed, way)) == want;
            assert!(
                same,
                "{way:?} on {n} threads: other bits than one client after the other"
            );
        }
    }
}

/// A worker waits inside a loop under `no_grad`, and the other one, still busy, hands out a client:
/// the waiting worker must take it, and the client must train as if alone.
#[test]
fn a_stolen_client_trains_in_its_own_mode() {
    let alone = Client::new(1, SMALL).act(0, 0);
    let (stolen, by) = on_threads(2, || {
        let (caller, both) = (std::thread::current().id(), Barrier::new(2));
        let found = Mutex::new(None);
        rayon::scope(|s| {
            let (s, both, found) = (Mutex::new(Some(s)), &both, &found);
            no_grad(|| {
                threads::parallel_for(2, |_| {
                    both.wait();
                    if std::thread::current().id() == caller {
                        return;
                    }
                    let (send, done) = mpsc::channel();
                    let scope = s.lock().unwrap().take().expect("one other worker");
                    scope.spawn(move |_| {
                        let out = Client::new(1, SMALL).act(0, 0);
                        *found.lock().unwrap() = Some((out, std::thread::current().id()));
                        send.send(()).expect("the other worker waits");
                    });
                    done.recv().expect("the waiting worker takes the client");
                });
                assert!(!is_recording(), "its owner finds the mode as it was");
            });
        });
        let (out, by) = found.into_inner().unwrap().expect("the client ran");
        (out, by == caller)
    });
    assert!(by, "the caller took the client while it waited");
    assert_eq!(stolen.1.to_bits(), alone.1.to_bits());
    assert_eq!(stolen.0.w.to_f64(), alone.0.w.to_f64());
}

/// Tasks see the mode of whoever called `parallel`, at every depth, while kernels fork.
#[test]
fn tasks_inherit_the_mode_of_their_caller() {
    let big = Tensor::build(&[1 << 17], |out: &mut [f32]| out.fill(0.5));
    let work = || {
        let x = Var::leaf(big.clone());
        let y = x.tanh() * &x;
        assert_eq!(y.is_constant(), !is_recording());
        y.tensor().to_f64()[7].to_bits()
    };
    let found = on_threads(7, || {
        parallel(12, |i| {
            let task = |_| {
                assert_eq!(is_recording(), i % 2 == 0);
                work()
            };
            let inner = || parallel(3, task);
            let first = if i % 2 == 0 { inner() } else { no_grad(inner) };
            assert!(is_recording());
            [first, vec![work()]].concat()
        })
    });
    let all = found.concat();
    assert!(all.iter().all(|&v| v == all[0]));
}
