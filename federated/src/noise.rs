//! Who may know the seed of the noise.

use std::fmt;

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result};

use crate::state::State;

/// The seed of all that is random in a run, and whether others may know it.
///
/// Every client's noise comes from it. Whoever holds the seed can draw the same noise and subtract
/// it: an epsilon holds against those who do not. A published seed makes a run that anyone can
/// repeat, and its epsilon is what the same run with secret noise would promise. Never use one seed
/// for two runs over data that differ: the difference of their models would hold no noise.
///
/// ```
/// use lepton_federated::NoiseSeed;
/// let published: NoiseSeed = 7.into();
/// let secret = NoiseSeed::secret()?;
/// assert!(!published.is_secret() && secret.is_secret());
/// assert_eq!(format!("{published:?} {secret:?}"), "Published(7) Secret");
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct NoiseSeed {
    seed: u64,
    secret: bool,
}

impl NoiseSeed {
    /// A seed that may be printed and published: for simulations.
    pub fn published(seed: u64) -> NoiseSeed {
        NoiseSeed {
            seed,
            secret: false,
        }
    }

    /// A seed of 64 bits drawn from the operating system, which is never shown or stored.
    ///
    /// The noise itself is still the simulation's: see [`DpSgd`](crate::DpSgd).
    ///
    /// # Errors
    /// If the operating system gives no random bits.
    pub fn secret() -> Result<NoiseSeed> {
        let seed = getrandom::u64().map_err(|e| {
            Error::unsupported(format!(
                "NoiseSeed: the operating system gave no random bits ({e}); use a published seed for a simulation"
            ))
        })?;
        Ok(NoiseSeed { seed, secret: true })
    }

    /// Whether nobody is shown this seed.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// What an epsilon of a run with this seed is worth, as a sentence to print beside it.
    pub fn promise(&self) -> &'static str {
        if self.secret {
            "The seed of the noise was drawn from the operating system and is not kept: epsilon holds against all who do \
             not know it, up to the noise being drawn in floating point and by a generator that is not cryptographic."
        } else {
            "The seed of the noise is published, so that the run can be repeated: epsilon is what the same run with secret \
             noise would promise, and does not hold against anyone who has the seed and can subtract the noise."
        }
    }

    /// The stream of one client in one round that starts from `global`: from one seed no two
    /// clients, rounds or models have the same, so that a run which goes on from a trained model
    /// does not repeat its noise.
    pub(crate) fn stream(&self, client: u64, round: u64, global: &State) -> Rng {
        Rng::new(self.seed)
            .fork(client)
            .fork(round)
            .fork(global.digest())
    }
}

impl From<u64> for NoiseSeed {
    /// A published seed.
    fn from(seed: u64) -> NoiseSeed {
        NoiseSeed::published(seed)
    }
}

impl fmt::Debug for NoiseSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret {
            f.write_str("Secret")
        } else {
            write!(f, "Published({})", self.seed)
        }
    }
}
