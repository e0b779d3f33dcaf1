use std::sync::Mutex;

use super::*;
use crate::accountant::{Accountant, Mechanism, RdpAccountant};
use crate::strategy::FedAvg;
use lepton_tensor::Tensor;

fn model(w: f32) -> State {
    State::new(vec![("w".into(), Tensor::scalar(w))]).unwrap()
}

/// Adds a random number; fails, or sends nonsense, in some rounds.
struct Odd(usize);

impl Client for Odd {
    fn id(&self) -> u64 {
        self.0 as u64
    }

    fn train(&self, mut task: Task<'_>) -> Result<Trained> {
        let w = task.global.get("w").unwrap().item()? as f32;
        let state = match (self.0 + task.round as usize) % 6 {
            0 => return Err(Error::value("the power went out")),
            1 => model(f32::NAN),
            _ => model(w + task.rng.uniform() as f32),
        };
        Ok(Trained {
            examples: 1 + self.0 as u64,
            state,
        })
    }

    fn release(&self) -> Option<(Mechanism, u64)> {
        (self.0 != 3).then_some((
            Mechanism::SampledGaussian {
                q: 0.5,
                sigma: 2.0 + self.0 as f64,
            },
            2,
        ))
    }
}

#[derive(Default)]
struct Log(Vec<(Vec<u64>, Vec<u64>)>);

impl Observer for Log {
    fn round(&mut self, round: &Round, _: &State) {
        self.0.push((
            round.used.clone(),
            round.failed.iter().map(|f| f.0).collect(),
        ));
    }
}

#[test]
fn rounds_survive_a_third_of_the_clients() {
    let clients: Vec<Odd> = (0..6).map(Odd).collect();
    let (mut federation, mut log) = (Federation::new(model(0.0), FedAvg, 1), Log::default());
    federation.run(&clients, 6, &mut log).unwrap();
    assert_eq!(log.0[0], (vec![2, 3, 4, 5], vec![0, 1]));
    assert!(
        log.0
            .iter()
            .all(|(used, failed)| used.len() == 4 && failed.len() == 2)
    );
    let w = federation.global().get("w").unwrap().item().unwrap();
    assert!(w > 1.5 && w < 4.5, "six means of uniform numbers: {w}");
}

#[test]
fn one_seed_gives_one_run() {
    let clients: Vec<Odd> = (0..6).map(Odd).collect();
    let run = |seed| {
        let mut federation = Federation::new(model(0.0), FedAvg, seed);
        federation.run(&clients, 5, &mut ()).unwrap();
        federation
            .global()
            .get("w")
            .unwrap()
            .item()
            .unwrap()
            .to_bits()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_round_with_too_few_fails_and_changes_nothing() {
    let clients = [Odd(0), Odd(1)];
    let mut federation = Federation::new(model(5.0), FedAvg, 1).at_least(2);
    let error = federation.step(&clients, &mut ()).unwrap_err().to_string();
    assert!(
        error.starts_with("round 0: 0 usable models of 2 clients, at least 2"),
        "{error}"
    );
    assert!(error.contains("client 0: it could not train"), "{error}");
    assert!(
        !error.contains("power"),
        "a client's own words stay with it: {error}"
    );
    assert_eq!(federation.global().get("w").unwrap().item().unwrap(), 5.0);
    assert!(
        federation.epsilon(1e-5).unwrap()[&0] > 0.0,
        "what was begun is spent"
    );
}

#[test]
fn the_average_is_that_of_the_last_rounds() {
    let clients: Vec<Odd> = (0..6).map(Odd).collect();
    let w = |s: &State| s.get("w").unwrap().item().unwrap();
    let mut federation = Federation::new(model(1.0), FedAvg, 1).averaging(3);
    assert_eq!(w(&federation.averaged().unwrap()), 1.0);
    let mut seen = Vec::new();
    for _ in 0..5 {
        federation.step(&clients, &mut ()).unwrap();
        seen.push(w(federation.global()));
    }
    let mean = (seen[2] + seen[3] + seen[4]) / 3.0;
    assert!((w(&federation.averaged().unwrap()) - mean).abs() < 1e-6);
    assert_eq!(w(federation.global()), seen[4]);
}

#[test]
fn every_client_has_its_own_ledger() {
    let clients: Vec<Odd> = (0..6).map(Odd).collect();
    let mut federation = Federation::new(model(0.0), FedAvg, 1);
    federation.run(&clients, 4, &mut ()).unwrap();
    let epsilon = federation.epsilon(1e-5).unwrap();
    let mut alone = RdpAccountant::new();
    alone.step(0.5, 2.0, 8).unwrap();
    assert_eq!(epsilon[&0], alone.epsilon(1e-5).unwrap());
    assert!(epsilon[&5] < epsilon[&0]);
    assert_eq!(epsilon[&3], f64::INFINITY, "no promise, no bound");
}

/// A client that moves the model by its noise, and remembers what it drew.
struct Noisy {
    id: u64,
    examples: u64,
    drawn: Mutex<Vec<u64>>,
}

impl Noisy {
    fn new(id: u64, examples: u64) -> Noisy {
        Noisy {
            id,
            examples,
            drawn: Mutex::default(),
        }
    }
}

impl Client for Noisy {
    fn id(&self) -> u64 {
        self.id
    }

    fn train(&self, mut task: Task<'_>) -> Result<Trained> {
        let w = task.global.get("w").unwrap().item()? as f32;
        let noise = task.rng.normal();
        self.drawn.lock().unwrap().push(noise.to_bits());
        Ok(Trained {
            examples: self.examples,
            state: model(w + noise as f32),
        })
    }

    fn release(&self) -> Option<(Mechanism, u64)> {
        Some((
            Mechanism::SampledGaussian {
                q: 1.0,
                sigma: 10.0 + self.id as f64,
            },
            1,
        ))
    }
}

fn spent(sigma: f64, steps: u64) -> f64 {
    let mut alone = RdpAccountant::new();
    alone.step(1.0, sigma, steps).unwrap();
    alone.epsilon(1e-5).unwrap()
}

#[test]
fn a_client_pays_for_the_rounds_it_was_in_wherever_it_stands() {
    let (a, b) = (Noisy::new(3, 1), Noisy::new(8, 1));
    let mut federation = Federation::new(model(0.0), FedAvg, 1);
    let clients = [a, b];
    federation.step(&clients, &mut ()).unwrap();
    federation.run(&clients[1..], 9, &mut ()).unwrap();
    let epsilon = federation.epsilon(1e-5).unwrap();
    assert_eq!(epsilon[&3], spent(13.0, 1));
    assert_eq!(epsilon[&8], spent(18.0, 10));
}

#[test]
fn a_run_that_goes_on_keeps_its_ledger_and_draws_new_noise() {
    let clients = [Noisy::new(0, 1), Noisy::new(1, 1)];
    let mut first = Federation::new(model(0.0), FedAvg, 1);
    first.run(&clients, 3, &mut ()).unwrap();
    let ledger = Ledger::from_json(&first.ledger().to_json()).unwrap();
    let mut second = Federation::resume(first.global().clone(), FedAvg, 1, ledger);
    second.run(&clients, 3, &mut ()).unwrap();
    assert_eq!(second.rounds(), 6);
    assert_eq!(second.epsilon(1e-5).unwrap()[&0], spent(10.0, 6));
    // Even without the ledger another model meets other noise.
    let mut third = Federation::new(first.global().clone(), FedAvg, 1);
    third.run(&clients, 3, &mut ()).unwrap();
    let drawn = clients.each_ref().map(|c| c.drawn.lock().unwrap().clone());
    let all: BTreeSet<u64> = drawn.iter().flatten().copied().collect();
    assert_eq!(all.len(), 18, "no noise came twice");
    // And the run in one piece is the run in two.
    let mut whole = Federation::new(model(0.0), FedAvg, 1);
    whole.run(&clients, 6, &mut ()).unwrap();
    let w = |f: &Federation<FedAvg>| f.global().get("w").unwrap().item().unwrap();
    assert_eq!(w(&whole), w(&second));
}

#[test]
fn two_clients_of_one_id_are_refused_before_anything_is_spent() {
    let mut federation = Federation::new(model(0.0), FedAvg, 1);
    let clients = [Noisy::new(4, 1), Noisy::new(4, 1)];
    let error = federation.step(&clients, &mut ()).unwrap_err().to_string();
    assert!(error.contains("two clients have the id 4"), "{error}");
    assert!(federation.epsilon(1e-5).unwrap().is_empty());
}

/// A client with something to hide.
struct Leaky(u64);

impl Client for Leaky {
    fn id(&self) -> u64 {
        self.0
    }

    fn train(&self, task: Task<'_>) -> Result<Trained> {
        match self.0 {
            0 => panic!("the secret is 4711"),
            1 => Err(Error::value("the secret is 4711")),
            2 => Ok(Trained {
                examples: 1,
                state: State::new(vec![("secret 4711".into(), Tensor::scalar(1.0f32))])?,
            }),
            _ => Ok(Trained {
                examples: 1,
                state: task.global.clone(),
            }),
        }
    }

    fn release(&self) -> Option<(Mechanism, u64)> {
        assert_ne!(self.0, 5, "the secret is 4711");
        None
    }
}

struct Words(String);

impl Observer for Words {
    fn round(&mut self, round: &Round, _: &State) {
        let said: Vec<String> = round.failed.iter().map(|f| f.1.to_string()).collect();
        self.0 += &format!("{round:?} {said:?}");
    }
}

#[test]
fn a_fault_stops_nobody_else_and_says_nothing_of_its_own() {
    let clients = [Leaky(0), Leaky(1), Leaky(2), Leaky(3), Leaky(5)];
    let mut federation = Federation::new(model(1.0), FedAvg, 1);
    let mut words = Words(String::new());
    federation.run(&clients, 2, &mut words).unwrap();
    assert!(
        words.0.contains("(0, Panicked), (1, Failed), (2, Unfit)"),
        "{}",
        words.0
    );
    assert!(
        !words.0.contains("4711") && !words.0.contains("secret"),
        "{}",
        words.0
    );
    let faults = federation.ledger().faults();
    assert_eq!(
        [faults[&0], faults[&1], faults[&2], faults[&3]],
        [2, 2, 2, 0]
    );
    let error = federation
        .step(&clients[..3], &mut ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("client 0: it panicked") && !error.contains("4711"),
        "{error}"
    );
}

#[test]
fn no_client_claims_to_be_the_whole_average() {
    let claims = [10, 20, 30, u64::MAX, u64::MAX / 2];
    let clients: Vec<Noisy> = claims
        .iter()
        .enumerate()
        .map(|(i, &n)| Noisy::new(i as u64, n))
        .collect();
    let (mut federation, mut log) = (Federation::new(model(0.0), FedAvg, 1), Log::default());
    federation.step(&clients, &mut log).unwrap();
    assert_eq!(log.0[0], (vec![0, 1, 2], vec![3, 4]));
}

/// A client with a model as large as numbers get.
struct Huge(u64);

impl Client for Huge {
    fn id(&self) -> u64 {
        self.0
    }

    fn train(&self, _: Task<'_>) -> Result<Trained> {
        Ok(Trained {
            examples: 1 + self.0,
            state: State::new(vec![("w".into(), Tensor::scalar(f64::MAX))])?,
        })
    }
}

#[test]
fn an_average_that_overflows_is_an_error_or_finite() {
    let start = State::new(vec![("w".into(), Tensor::scalar(0.0f64))]).unwrap();
    for n in 1..40 {
        let clients: Vec<Huge> = (0..n).map(Huge).collect();
        let mut federation = Federation::new(start.clone(), FedAvg, 1);
        let done = federation.run(&clients, 2, &mut ());
        let w = federation.global().get("w").unwrap().item().unwrap();
        assert!(w.is_finite(), "{n} clients: {w}");
        assert!(done.is_ok() || done.unwrap_err().to_string().contains("not finite"));
        assert!(federation.averaging(3).averaged().is_ok());
    }
}
