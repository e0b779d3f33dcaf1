//! A round: what a client is asked and answers, and what can go wrong.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::accountant::Mechanism;
use crate::state::State;
use lepton_tensor::Result;
use lepton_tensor::random::Rng;

/// What a client is asked to do in a round.
pub struct Task<'a> {
    /// The round, from 0.
    pub round: u64,
    /// The model to start from.
    pub global: &'a State,
    /// The client's own random stream for this round: no other client or round has it, in whatever
    /// order they run. Whoever made it can make it again: see [`NoiseSeed`](crate::NoiseSeed).
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
    /// Who this is: a number of its own for as long as it holds its rows, over rounds, runs and
    /// processes. Its privacy account and its random streams go by it.
    fn id(&self) -> u64;

    /// Trains on its own rows, starting from the global model.
    ///
    /// # Errors
    /// If it cannot; the round goes on without it. Nobody is shown the error, which may speak of
    /// private values: it becomes [`Fault::Failed`], and a panic [`Fault::Panicked`].
    fn train(&self, task: Task<'_>) -> Result<Trained>;

    /// What one round releases about its rows: the mechanism and how often it runs. `None` promises
    /// nothing.
    fn release(&self) -> Option<(Mechanism, u64)> {
        None
    }
}

/// Why a client was left out of a round: all that others learn of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It answered with an error.
    Failed,
    /// It panicked. The panic's own message went to the panic hook of the process that ran it.
    Panicked,
    /// Its model does not fit the global one, or holds numbers that are not finite.
    Unfit,
    /// It claims far more rows than the others, and would be the whole average.
    Implausible,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Failed => "it could not train",
            Fault::Panicked => "it panicked",
            Fault::Unfit => "its model does not fit or is not finite",
            Fault::Implausible => "it claims over a thousand times as many rows as the others",
        })
    }
}

/// Runs a client's code. Neither a panic nor an error passes, nor a word of either.
pub(crate) fn guarded<T>(f: impl FnOnce() -> Result<T>) -> std::result::Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(Fault::Failed),
        Err(message) => {
            // Dropping a message of the client's own type would run the client's code again.
            std::mem::forget(message);
            Err(Fault::Panicked)
        }
    }
}

/// What a round came to.
#[derive(Debug)]
pub struct Round {
    /// The round, from 0.
    pub round: u64,
    /// Ids of the clients whose models went into the average.
    pub used: Vec<u64>,
    /// Ids of the clients that were left out, and why.
    pub failed: Vec<(u64, Fault)>,
    /// Rows behind the average.
    pub examples: u64,
}

/// Watches a federation; the default does nothing. `()` is the observer that does not care.
pub trait Observer {
    /// A round is over, `global` its result.
    fn round(&mut self, _round: &Round, _global: &State) {}
}

impl Observer for () {}
