//! The loop of federated learning: the model goes out, clients train, their models come back as
//! one.

use std::collections::VecDeque;

use crate::accountant::{Accountant, Mechanism, RdpAccountant};
use crate::state::State;
use crate::strategy::{ClientUpdate, Strategy};
use lepton_autograd::parallel;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result};

/// What a client is asked to do in a round.
pub struct Task<'a> {
    /// The round, from 0.
    pub round: u64,
    /// The model to start from.
    pub global: &'a State,
    /// The client's own random stream for this round: no other client or round has it, in whatever
    /// order they run.
    pub rng: Rng,
}

/// What a client has to say after a round.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Rows it trained on. The server learns this number; a private client says how many it *may*
    /// use.
    pub examples: u64,
    /// Its model.
    pub state: State,
}

/// Someone who holds rows and trains on them. What it remembers between rounds is its own affair;
/// what it draws comes from the task, so a run can be repeated.
pub trait Client: Sync {
    /// Trains on its own rows, starting from the global model.
    ///
    /// # Errors
    /// If it cannot; the round goes on without it.
    fn train(&self, task: Task<'_>) -> Result<Trained>;

    /// What one round releases about its rows: the mechanism and how often it runs. `None` promises
    /// nothing.
    fn release(&self) -> Option<(Mechanism, u64)> {
        None
    }
}

/// What a round came to.
#[derive(Debug)]
pub struct Round {
    /// The round, from 0.
    pub round: u64,
    /// Clients whose models went into the average.
    pub used: Vec<usize>,
    /// Clients that failed or sent what does not fit, and why.
    pub failed: Vec<(usize, Error)>,
    /// Rows behind the average.
    pub examples: u64,
}

/// Watches a federation; the default does nothing. `()` is the observer that does not care.
pub trait Observer {
    /// A round is over, `global` its result.
    fn round(&mut self, _round: &Round, _global: &State) {}
}

impl Observer for () {}

/// A server with its model, its strategy and the privacy ledger of each client.
///
/// ```
/// use lepton_federated::{Client, FedAvg, Federation, State, Task, Trained};
/// use lepton_tensor::{Result, Tensor};
///
/// /// A client whose best model is one number.
/// struct Pull(f32);
/// impl Client for Pull {
///     fn train(&self, task: Task<'_>) -> Result<Trained> {
///         let w = task.global.get("w").unwrap().item()? as f32;
///         let state = State::new(vec![("w".into(), Tensor::scalar(w + 0.5 * (self.0 - w)))])?;
///         Ok(Trained { examples: 10, state })
///     }
/// }
///
/// let start = State::new(vec![("w".into(), Tensor::scalar(0.0f32))])?;
/// let mut federation = Federation::new(start, FedAvg, 7);
/// federation.run(&[Pull(1.0), Pull(3.0)], 20, &mut ())?;
/// assert!((federation.global().get("w").unwrap().item()? - 2.0).abs() < 1e-4);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub struct Federation<S> {
    global: State,
    strategy: S,
    seed: u64,
    round: u64,
    least: usize,
    ledger: Vec<Ledger>,
    keep: usize,
    last: VecDeque<State>,
}

/// What a client has released so far.
#[derive(Clone, Default)]
struct Ledger {
    spent: RdpAccountant,
    unbounded: bool,
}

impl<S: Strategy> Federation<S> {
    /// A server that starts from `global`.
    pub fn new(global: State, strategy: S, seed: u64) -> Federation<S> {
        Federation {
            global,
            strategy,
            seed,
            round: 0,
            least: 1,
            ledger: Vec::new(),
            keep: 1,
            last: VecDeque::new(),
        }
    }

    /// The same, where a round with fewer than `least` usable models fails and leaves the global
    /// model as it was.
    pub fn at_least(mut self, least: usize) -> Federation<S> {
        self.least = least.max(1);
        self
    }

    /// The same, where [`averaged`](Federation::averaged) is the mean of the last `rounds` global
    /// models.
    pub fn averaging(mut self, rounds: usize) -> Federation<S> {
        self.keep = rounds.max(1);
        self
    }

    /// The mean of the global models of the last rounds (Polyak and Juditsky 1992), as many as
    /// [`averaging`](Federation::averaging) said. Noise that differs from round to round cancels
    /// in it, and it costs no privacy: it is made of what was released already.
    ///
    /// # Errors
    /// If a tensor cannot be averaged.
    pub fn averaged(&self) -> Result<State> {
        if self.last.is_empty() {
            return Ok(self.global.clone());
        }
        let n = self.last.len() as f64;
        self.global.with_floats(|i, tensor| {
            let mut mean = vec![0.0; tensor.numel()];
            for state in &self.last {
                let values = state.tensor(i).to_f64();
                mean.iter_mut().zip(values).for_each(|(m, x)| *m += x / n);
            }
            Ok(mean)
        })
    }

    /// The model as it stands.
    pub fn global(&self) -> &State {
        &self.global
    }

    /// Rounds begun so far.
    pub fn rounds(&self) -> u64 {
        self.round
    }

    /// Runs `rounds` rounds with the same clients.
    ///
    /// # Errors
    /// As [`step`](Federation::step), at the first round that fails.
    pub fn run<C: Client>(
        &mut self,
        clients: &[C],
        rounds: u64,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        (0..rounds).try_for_each(|_| self.step(clients, observer))
    }

    /// Runs one round. Clients that fail, or whose model does not fit or is not finite, are left
    /// out and reported. Each client's release is charged before it trains: a client that fails
    /// half-way has spent it.
    ///
    /// # Errors
    /// If too few models are left, or a client's release cannot be accounted for; the global model
    /// then stays as it was.
    pub fn step<C: Client>(&mut self, clients: &[C], observer: &mut dyn Observer) -> Result<()> {
        let place = format!("round {}", self.round);
        self.charge(clients).map_err(|e| e.at(&place))?;
        let answers = self.train(clients);
        let mut report = Round {
            round: self.round,
            used: Vec::new(),
            failed: Vec::new(),
            examples: 0,
        };
        self.round += 1;
        let mut updates = Vec::new();
        for (client, answer) in answers.into_iter().enumerate() {
            match answer.and_then(|t| self.global.check_like(&t.state).map(|()| t)) {
                Ok(Trained { examples, state }) => {
                    report.used.push(client);
                    report.examples = report.examples.saturating_add(examples);
                    updates.push(ClientUpdate {
                        client,
                        examples,
                        state,
                    });
                }
                Err(why) => report.failed.push((client, why)),
            }
        }
        if updates.len() < self.least {
            return Err(too_few(&report, self.least).at(place));
        }
        self.global = self
            .strategy
            .aggregate(&self.global, &updates)
            .map_err(|e| e.at(place))?;
        self.last.push_back(self.global.clone());
        while self.last.len() > self.keep {
            self.last.pop_front();
        }
        observer.round(&report, &self.global);
        Ok(())
    }

    /// All clients at once, each with a stream of its own: the same bits as one after the other.
    fn train<C: Client>(&self, clients: &[C]) -> Vec<Result<Trained>> {
        let (base, round, global) = (Rng::new(self.seed), self.round, &self.global);
        parallel(clients.len(), |client| {
            let rng = base.fork(client as u64).fork(round);
            clients[client].train(Task { round, global, rng })
        })
    }

    fn charge<C: Client>(&mut self, clients: &[C]) -> Result<()> {
        if self.ledger.len() < clients.len() {
            self.ledger.resize_with(clients.len(), Ledger::default);
        }
        for (i, (client, ledger)) in clients.iter().zip(&mut self.ledger).enumerate() {
            match client.release() {
                Some((mechanism, n)) => {
                    ledger
                        .spent
                        .add(mechanism, n)
                        .map_err(|e| e.at(format!("client {i}")))?;
                }
                None => ledger.unbounded = true,
            }
        }
        Ok(())
    }

    /// The epsilon at `delta` of each client's rows after all rounds so far, by client number;
    /// infinite for a client that promises nothing. Each client's rows are its own, so these do not
    /// add up: the run as a whole protects a row by its own client's epsilon, against anyone who
    /// sees the clients' models.
    ///
    /// # Errors
    /// If `delta` is not above 0 and below 1.
    pub fn epsilon(&self, delta: f64) -> Result<Vec<f64>> {
        let of = |l: &Ledger| {
            l.spent
                .epsilon(delta)
                .map(|e| if l.unbounded { f64::INFINITY } else { e })
        };
        self.ledger.iter().map(of).collect()
    }
}

fn too_few(report: &Round, least: usize) -> Error {
    let first = report
        .failed
        .first()
        .map(|(client, why)| format!("; client {client}: {why}"))
        .unwrap_or_default();
    Error::value(format!(
        "{} usable models of {} clients, at least {least} needed{first}",
        report.used.len(),
        report.used.len() + report.failed.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::FedAvg;
    use lepton_tensor::Tensor;

    fn model(w: f32) -> State {
        State::new(vec![("w".into(), Tensor::scalar(w))]).unwrap()
    }

    /// Adds a random number; fails, or sends nonsense, in some rounds.
    struct Odd(usize);

    impl Client for Odd {
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
    struct Log(Vec<(Vec<usize>, Vec<usize>)>);

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
        assert!(error.contains("client 0: the power went out"), "{error}");
        assert_eq!(federation.global().get("w").unwrap().item().unwrap(), 5.0);
        assert!(
            federation.epsilon(1e-5).unwrap()[0] > 0.0,
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
        assert_eq!(epsilon[0], alone.epsilon(1e-5).unwrap());
        assert!(epsilon[5] < epsilon[0]);
        assert_eq!(epsilon[3], f64::INFINITY, "no promise, no bound");
    }
}
