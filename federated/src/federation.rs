//! The loop of federated learning: the model goes out, clients train, their models come back as
//! one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::ledger::Ledger;
use crate::noise::NoiseSeed;
use crate::round::{Client, Fault, Observer, Round, Task, Trained, guarded};
use crate::state::State;
use crate::strategy::{ClientUpdate, Strategy, largest_claim};
use lepton_autograd::parallel;
use lepton_tensor::{Error, Result};

/// A server with its model, its strategy and the privacy ledger of each client.
///
/// ```
/// use lepton_federated::{Client, FedAvg, Federation, State, Task, Trained};
/// use lepton_tensor::{Result, Tensor};
///
/// /// A client whose best model is one number.
/// struct Pull(u64, f32);
/// impl Client for Pull {
///     fn id(&self) -> u64 {
///         self.0
///     }
///     fn train(&self, task: Task<'_>) -> Result<Trained> {
///         let w = task.global.get("w").unwrap().item()? as f32;
///         let state = State::new(vec![("w".into(), Tensor::scalar(w + 0.5 * (self.1 - w)))])?;
///         Ok(Trained { examples: 10, state })
///     }
/// }
///
/// let start = State::new(vec![("w".into(), Tensor::scalar(0.0f32))])?;
/// let mut federation = Federation::new(start, FedAvg, 7);
/// federation.run(&[Pull(0, 1.0), Pull(1, 3.0)], 20, &mut ())?;
/// assert!((federation.global().get("w").unwrap().item()? - 2.0).abs() < 1e-4);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub struct Federation<S> {
    global: State,
    strategy: S,
    seed: NoiseSeed,
    ledger: Ledger,
    least: usize,
    keep: usize,
    last: VecDeque<State>,
}

impl<S: Strategy> Federation<S> {
    /// A server that starts from `global`, a model that has seen none of the clients' rows; one
    /// that has is [`resume`](Federation::resume)d with its ledger. A number is a published seed.
    pub fn new(global: State, strategy: S, seed: impl Into<NoiseSeed>) -> Federation<S> {
        Federation::resume(global, strategy, seed, Ledger::default())
    }

    /// A server that goes on from a trained model and the ledger of its training: rounds are
    /// counted on, what was spent stays spent, and no noise comes twice.
    pub fn resume(
        global: State,
        strategy: S,
        seed: impl Into<NoiseSeed>,
        ledger: Ledger,
    ) -> Federation<S> {
        Federation {
            global,
            strategy,
            seed: seed.into(),
            ledger,
            least: 1,
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
    /// If a tensor cannot be averaged, or its mean is not finite.
    pub fn averaged(&self) -> Result<State> {
        if self.last.is_empty() {
            return Ok(self.global.clone());
        }
        let n = self.last.len() as f64;
        let mean = self.global.with_floats(|i, tensor| {
            let mut mean = vec![0.0; tensor.numel()];
            for state in &self.last {
                let values = state.tensor(i).to_f64();
                mean.iter_mut().zip(values).for_each(|(m, x)| *m += x / n);
            }
            Ok(mean)
        })?;
        self.global
            .check_like(&mean)
            .map_err(|e| e.at("averaged"))?;
        Ok(mean)
    }

    /// The model as it stands.
    pub fn global(&self) -> &State {
        &self.global
    }

    /// Rounds begun so far, those of the runs before this one included.
    pub fn rounds(&self) -> u64 {
        self.ledger.rounds()
    }

    /// What each client has spent: save it beside the model.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The seed of the noise, to say what an epsilon is worth.
    pub fn seed(&self) -> &NoiseSeed {
        &self.seed
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

    /// Runs one round. Clients that fail or panic, whose model does not fit or is not finite, or
    /// who claim to be nearly all of the rows, are left out, counted and reported, without a word
    /// of their own. Each client's release is charged before it trains: a client that fails
    /// half-way has spent it.
    ///
    /// # Errors
    /// If two clients have one id, too few models are left, a client's release cannot be accounted
    /// for, or the result is not finite; the global model then stays as it was.
    pub fn step<C: Client>(&mut self, clients: &[C], observer: &mut dyn Observer) -> Result<()> {
        let round = self.ledger.rounds();
        let place = |e: Error| e.at(format!("round {round}"));
        let ids = ids(clients).map_err(place)?;
        let releases: Vec<_> = ids
            .iter()
            .zip(clients)
            // A client that cannot say what it releases promises nothing.
            .map(|(&id, c)| (id, guarded(|| Ok(c.release())).unwrap_or(None)))
            .collect();
        self.ledger.charge(&releases).map_err(place)?;
        let answers = self.train(&ids, clients);
        self.ledger.round = round.saturating_add(1);
        let (report, updates) = self.sort_out(round, &ids, answers);
        if updates.len() < self.least {
            return Err(place(too_few(&report, self.least)));
        }
        let next = self
            .strategy
            .aggregate(&self.global, &updates)
            .and_then(|next| self.global.check_like(&next).map(|()| next))
            .map_err(place)?;
        self.global = next;
        self.last.push_back(self.global.clone());
        while self.last.len() > self.keep {
            self.last.pop_front();
        }
        observer.round(&report, &self.global);
        Ok(())
    }

    /// All clients at once, each with a stream of its own: the same bits as one after the other.
    fn train<C: Client>(
        &self,
        ids: &[u64],
        clients: &[C],
    ) -> Vec<std::result::Result<Trained, Fault>> {
        // Only these are shared with the threads: a strategy need not be.
        let (round, global, seed) = (self.ledger.rounds(), &self.global, &self.seed);
        parallel(clients.len(), |i| {
            let rng = seed.stream(ids[i], round, global);
            let trained = guarded(|| clients[i].train(Task { round, global, rng }))?;
            match global.check_like(&trained.state) {
                Ok(()) => Ok(trained),
                Err(_) => Err(Fault::Unfit),
            }
        })
    }

    /// The answers that can be used, and a report on all; faults are counted.
    fn sort_out(
        &mut self,
        round: u64,
        ids: &[u64],
        answers: Vec<std::result::Result<Trained, Fault>>,
    ) -> (Round, Vec<ClientUpdate>) {
        let claims = answers.iter().flatten().map(|t| t.examples);
        let most = largest_claim(claims);
        let mut report = Round {
            round,
            used: Vec::new(),
            failed: Vec::new(),
            examples: 0,
        };
        let mut updates = Vec::new();
        for (&client, answer) in ids.iter().zip(answers) {
            match answer {
                Ok(Trained { examples, .. }) if examples > most => {
                    report.failed.push((client, Fault::Implausible));
                }
                Ok(Trained { examples, state }) => {
                    report.used.push(client);
                    report.examples = report.examples.saturating_add(examples);
                    updates.push(ClientUpdate {
                        client,
                        examples,
                        state,
                    });
                }
                Err(fault) => report.failed.push((client, fault)),
            }
        }
        for (client, _) in &report.failed {
            self.ledger.count_fault(*client);
        }
        (report, updates)
    }

    /// The epsilon at `delta` of single rows of each client after all rounds so far, by client id;
    /// infinite for a client that promises nothing. Each client's rows are its own, so these do not
    /// add up: the run as a whole protects a row by its own client's epsilon, against anyone who
    /// sees the clients' models and does not have the [seed](NoiseSeed).
    ///
    /// # Errors
    /// If `delta` is not above 0 and below 1.
    pub fn epsilon(&self, delta: f64) -> Result<BTreeMap<u64, f64>> {
        self.ledger.epsilon(delta)
    }
}

/// The ids of the clients, each its own.
fn ids<C: Client>(clients: &[C]) -> Result<Vec<u64>> {
    let mut seen = BTreeSet::new();
    let one = |client: &C| {
        let id = client.id();
        if seen.insert(id) {
            return Ok(id);
        }
        Err(Error::value(format!(
            "two clients have the id {id}; each needs its own, or one would be charged for the other"
        )))
    };
    clients.iter().map(one).collect()
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
mod tests;
