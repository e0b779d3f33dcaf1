use lepton_autograd::DType;
use lepton_nn::{Buffer, Dropout, Linear, Mlp, Params, Relu, Sequential, cross_entropy};
use lepton_tensor::random::Rng;
use proptest::prelude::*;

use super::*;
use crate::federation::Federation;
use crate::strategy::FedAvg;

/// Points in the plane, labelled by the side of a line.
fn rows(n: usize, seed: u64) -> (Tensor, Tensor) {
    let rng = &mut Rng::new(seed);
    let x: Vec<f32> = (0..2 * n).map(|_| rng.normal() as f32).collect();
    let y: Vec<i64> = x.chunks(2).map(|p| i64::from(p[0] + p[1] > 0.0)).collect();
    (
        Tensor::from_vec(x, &[n, 2]).unwrap(),
        Tensor::from_vec(y, &[n]).unwrap(),
    )
}

fn private(steps: u64, clip: f64, sigma: f64, q: f64) -> Local {
    Local::Private {
        steps,
        dp: DpSgd::new(clip, sigma, q).unwrap(),
    }
}

fn clients(net: &dyn Module, n: usize, rate: f64, local: Local) -> Vec<ModuleClient> {
    let one = |i: usize| {
        let (x, y) = rows(20 + 7 * i, i as u64);
        ModuleClient::new(i as u64, net, cross_entropy, x, y, rate, local).unwrap()
    };
    (0..n).map(one).collect()
}

fn bits(state: &State) -> Vec<u64> {
    let values = |t: &Tensor| t.to_f64().into_iter().map(f64::to_bits).collect::<Vec<_>>();
    state.iter().flat_map(|t| values(t.1)).collect()
}

/// The global model after some rounds.
fn trained_by(net: &dyn Module, clients: &[ModuleClient], rounds: u64) -> State {
    let mut federation = Federation::new(State::of(net).unwrap(), FedAvg, 3);
    federation.run(clients, rounds, &mut ()).unwrap();
    federation.global().clone()
}

fn accuracy(net: &mut dyn Module, state: &State) -> f64 {
    state.load_into(net).unwrap();
    let (x, y) = rows(400, 99);
    let said = net.forward(&Var::from(x)).argmax(-1).tensor().to_f64();
    let right = said.iter().zip(y.to_f64()).filter(|(a, b)| **a == *b);
    right.count() as f64 / 400.0
}

#[test]
fn plain_and_private_clients_learn() {
    let mut net = Mlp::new(&[2, 8, 2], &mut Rng::new(1));
    let plain = Local::Plain {
        epochs: 1,
        batch: 8,
    };
    for (local, rate, floor) in [(plain, 0.3, 0.95), (private(1, 1.0, 2.0, 0.7), 1.0, 0.85)] {
        let state = trained_by(&net.clone(), &clients(&net, 4, rate, local), 30);
        let accuracy = accuracy(&mut net.clone(), &state);
        assert!(accuracy > floor, "{local:?}: {accuracy}");
    }
    // The template is nobody's model: it is as it was.
    let untrained = State::of(&net).unwrap();
    assert!(accuracy(&mut net, &untrained) < 0.9);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let net = Sequential::new()
        .add(Linear::new(2, 6, &mut Rng::new(1)))
        .add(Relu)
        .add(Dropout::new(0.2))
        .add(Linear::new(6, 2, &mut Rng::new(2)));
    let plain = Local::Plain {
        epochs: 2,
        batch: 5,
    };
    for local in [plain, private(3, 0.5, 1.0, 0.5)] {
        let all = clients(&net, 5, 0.2, local);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| bits(&trained_by(&net, &all, 6)))
        };
        let one = run(1);
        assert!(
            [2, 7].into_iter().all(|threads| run(threads) == one),
            "{local:?}"
        );
        // One after the other, without a federation's threads.
        let mut global = State::of(&net).unwrap();
        for round in 0..6 {
            let task = |client: usize| Task {
                round,
                global: &global,
                rng: crate::NoiseSeed::published(3).stream(client as u64, round, &global),
            };
            let update = |client: usize| crate::ClientUpdate {
                client: client as u64,
                examples: all[client].rows() as u64,
                state: all[client].train(task(client)).unwrap().state,
            };
            let updates: Vec<_> = (0..5).map(update).collect();
            global = crate::Strategy::aggregate(&mut FedAvg, &global, &updates).unwrap();
        }
        assert_eq!(bits(&global), one, "{local:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Clipping that never bites and no noise leave plain full-batch steps.
    #[test]
    fn a_private_step_without_noise_and_clipping_is_a_plain_one(seed: u64, steps in 1..4usize) {
        let net = Mlp::new(&[2, 4, 2], &mut Rng::new(seed));
        let run = |local| bits_apart(&net, &clients(&net, 2, 0.1, local));
        let plain = run(Local::Plain { epochs: steps, batch: 1000 });
        let dp = run(private(steps as u64, 1e6, 0.0, 1.0));
        for (a, b) in plain.iter().zip(&dp) {
            prop_assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    /// Noise aside, the step of a client moves by at most rate x clip / rows when a row changes
    /// its label: the sensitivity that the noise is measured by, twice for one row out, one in.
    #[test]
    fn one_row_moves_a_step_by_its_share_at_most(seed: u64, row in 0..20usize, clip in 0.01..1.0f64) {
        let net = Mlp::new(&[2, 4, 2], &mut Rng::new(seed));
        let (x, y) = rows(20, seed);
        let mut other = y.to_vec::<i64>().unwrap();
        other[row] = 1 - other[row];
        let other = Tensor::from_vec(other, &[20]).unwrap();
        let run = |y: Tensor| {
            let local = private(1, clip, 0.0, 1.0);
            bits_apart(&net, &[ModuleClient::new(0, &net, cross_entropy, x.clone(), y, 1.0, local).unwrap()])
        };
        let (a, b) = (run(y), run(other));
        let moved = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        prop_assert!(moved <= 2.0 * clip / 20.0 + 1e-5, "{moved} {clip}");
    }
}

/// The parameters after one round.
fn bits_apart(net: &Mlp, clients: &[ModuleClient]) -> Vec<f64> {
    let state = trained_by(net, clients, 1);
    state.iter().flat_map(|t| t.1.to_f64()).collect()
}

#[test]
fn each_step_is_charged_and_only_noise_promises() {
    let net = Mlp::new(&[2, 4, 2], &mut Rng::new(1));
    let client = |local| clients(&net, 1, 0.1, local).remove(0);
    let (mechanism, n) = client(private(3, 1.0, 4.0, 0.5)).release().unwrap();
    assert_eq!(
        (mechanism, n),
        (Mechanism::SampledGaussian { q: 0.5, sigma: 4.0 }, 3)
    );
    assert!(client(private(3, 1.0, 0.0, 0.5)).release().is_none());
    let plain = Local::Plain {
        epochs: 1,
        batch: 8,
    };
    assert!(client(plain).release().is_none());
}

#[test]
fn a_batch_of_nobody_is_noise_alone() {
    let net = Mlp::new(&[2, 4, 2], &mut Rng::new(1));
    // The chance that one of 20 rows is drawn is below 1e-7.
    let state = trained_by(&net, &clients(&net, 1, 0.1, private(1, 1.0, 1e-9, 1e-9)), 1);
    assert!(
        state
            .iter()
            .all(|t| t.1.to_f64().iter().all(|x| x.is_finite()))
    );
    assert_ne!(bits(&state), bits(&State::of(&net).unwrap()));
}

/// A module with a buffer, and with one layer that is not trained.
#[derive(Debug, Clone)]
struct Half {
    mean: Buffer,
    first: Linear,
    last: Linear,
}

lepton_nn::module!(Half { mean, first, last });

impl Module for Half {
    fn forward(&self, x: &Var) -> Var {
        let x = x - Var::from(self.mean.0.clone());
        self.last.forward(&self.first.forward(&x))
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

#[test]
fn buffers_and_frozen_layers_come_back_as_they_went() {
    let rng = &mut Rng::new(1);
    let mut net = Half {
        mean: Buffer(Tensor::from_vec(vec![0.5f32, -0.5], &[2]).unwrap()),
        first: Linear::new(2, 3, rng),
        last: Linear::new(3, 2, rng),
    };
    net.first.freeze(true);
    let (start, end) = (
        State::of(&net).unwrap(),
        trained_by(&net, &clients(&net, 1, 0.5, private(2, 1.0, 1.0, 1.0)), 3),
    );
    for ((name, a), (_, b)) in start.iter().zip(end.iter()) {
        assert_eq!(
            a.to_f64() == b.to_f64(),
            !name.starts_with("last"),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_a_client_is_one_sentence() {
    let net = Mlp::new(&[2, 4, 2], &mut Rng::new(1));
    let (x, y) = rows(20, 1);
    let none = x.slice(0, 0, 0, 1).unwrap();
    let bad_dp = DpSgd {
        clip: -1.0,
        noise_multiplier: 1.0,
        sampling_rate: 1.0,
    };
    let new = |net: &dyn Module, x: &Tensor, y: &Tensor, rate, local| {
        let made = ModuleClient::new(0, net, cross_entropy, x.clone(), y.clone(), rate, local);
        made.unwrap_err().to_string()
    };
    let plain = |epochs, batch| Local::Plain { epochs, batch };
    let mut frozen = net.clone();
    frozen.freeze(true);
    for (error, word) in [
        (
            new(&net, &none, &y, 0.1, plain(1, 1)),
            "[0, 2] and targets [20] must",
        ),
        (
            new(&net, &Tensor::scalar(0.0f32), &y, 0.1, plain(1, 1)),
            "inputs []",
        ),
        (new(&net, &x, &y, f64::NAN, plain(1, 1)), "learning rate"),
        (new(&net, &x, &y, 0.1, plain(0, 1)), "`epochs` is 0"),
        (new(&net, &x, &y, 0.1, plain(1, 0)), "`batch` is 0"),
        (
            new(&net, &x, &y, 0.1, private(0, 1.0, 1.0, 1.0)),
            "`steps` is 0",
        ),
        (
            new(
                &net,
                &x,
                &y,
                0.1,
                Local::Private {
                    steps: 1,
                    dp: bad_dp,
                },
            ),
            "clipping norm is -1",
        ),
        (new(&frozen, &x, &y, 0.1, plain(1, 1)), "are all frozen?"),
    ] {
        assert!(error.contains(word), "{error}");
    }
    let parts = [vec![0, 1], vec![20]];
    let error = ModuleClient::share_out(&net, cross_entropy, (&x, &y), &parts, 0.1, plain(1, 1));
    assert!(error.unwrap_err().to_string().starts_with("client 1: "));
    // A model that does not fit is the client's error, not the end of the round.
    let task = Task {
        round: 0,
        global: &State::default(),
        rng: Rng::new(0),
    };
    let client = clients(&net, 1, 0.1, plain(1, 1)).remove(0);
    assert!(
        client
            .train(task)
            .unwrap_err()
            .to_string()
            .contains("missing")
    );
    let shown = format!("{client:?}");
    assert!(
        shown.contains("rows: 20") && !shown.contains("Tensor"),
        "{shown}"
    );
}

#[test]
fn the_module_keeps_its_dtype() {
    let net = Mlp::new(&[2, 4, 2], &mut Rng::new(1));
    let state = trained_by(&net, &clients(&net, 1, 0.1, private(1, 1.0, 1.0, 1.0)), 1);
    assert!(state.iter().all(|t| t.1.dtype() == DType::F32));
}

#[test]
fn a_record_that_cannot_be_trained_on_is_found_when_the_client_is_made() {
    let net = Mlp::new(&[2, 4, 2], &mut Rng::new(1));
    let (x, y) = rows(20, 1);
    let plain = Local::Plain {
        epochs: 1,
        batch: 8,
    };
    let with = |row: usize, feature: f32, class: i64| {
        let (mut x, mut y) = (x.to_vec::<f32>().unwrap(), y.to_vec::<i64>().unwrap());
        (x[2 * row + 1], y[row]) = (feature, class);
        let x = Tensor::from_vec(x, &[20, 2]).unwrap();
        let y = Tensor::from_vec(y, &[20]).unwrap();
        ModuleClient::new(0, &net, cross_entropy, x, y, 0.1, plain)
    };
    assert!(with(3, 0.5, 1).is_ok());
    for (made, word) in [
        (
            with(12, 0.5, 7),
            "target of row 12 is no class of the module, which has 2",
        ),
        (with(12, 0.5, -1), "target of row 12"),
        (
            with(5, f32::NAN, 1),
            "features of row 5 hold a number that is not finite",
        ),
        (with(5, f32::INFINITY, 1), "features of row 5"),
    ] {
        let error = made.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(
            !error.contains('7') && !error.contains("inf") && !error.contains("NaN"),
            "{error}"
        );
    }
    // What only the loss knows is tried out, and its own words are kept back.
    let picky = |x: &Var, y: &Var| {
        assert!(y.to_vec::<i64>().unwrap()[0] == 0, "the secret is 4711");
        cross_entropy(x, y)
    };
    let targets = Tensor::from_vec(vec![1i64; 20], &[20]).unwrap();
    let error = ModuleClient::new(0, &net, picky, x, targets, 0.1, plain)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("fail on row 0") && !error.contains("4711"),
        "{error}"
    );
}

#[test]
fn a_row_has_one_owner_and_is_there_once() {
    let net = Mlp::new(&[2, 4, 2], &mut Rng::new(1));
    let (x, y) = rows(20, 1);
    let share = |parts: &[Vec<usize>]| {
        let local = private(1, 1.0, 1.0, 1.0);
        ModuleClient::share_out(&net, cross_entropy, (&x, &y), parts, 0.1, local)
    };
    assert_eq!(share(&[vec![0, 1], vec![2]]).unwrap()[1].id(), 1);
    for parts in [vec![vec![0, 1, 0]], vec![vec![0, 1], vec![2, 1]]] {
        let error = share(&parts).unwrap_err().to_string();
        assert!(error.contains("already; each row has one owner"), "{error}");
    }
}
