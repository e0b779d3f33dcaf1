//! What a run has cost its clients, in a form that outlives it.

use std::collections::BTreeMap;
use std::path::Path;

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::accountant::{Accountant, Mechanism, RdpAccountant};

/// Rounds begun, and what each client has released and how often it has failed.
///
/// Accounts go by client id: a client that stays away is not charged, and one that comes back goes
/// on where it left. A ledger is saved beside the model, and the next
/// [`Federation`](crate::Federation) goes on from both.
///
/// ```
/// use lepton_federated::{FedAvg, Federation, Ledger, State};
/// use lepton_tensor::Tensor;
/// let model = State::new(vec![("w".into(), Tensor::scalar(0.0f32))])?;
/// let federation = Federation::new(model, FedAvg, 7);
/// let saved = federation.ledger().to_json();
/// let next = Federation::resume(federation.global().clone(), FedAvg, 7, Ledger::from_json(&saved)?);
/// assert_eq!(next.ledger(), federation.ledger());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    pub(crate) round: u64,
    accounts: BTreeMap<u64, Account>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Account {
    spent: RdpAccountant,
    unbounded: bool,
    faults: u64,
}

impl Account {
    fn charge(&mut self, release: Option<(Mechanism, u64)>) -> Result<()> {
        match release {
            Some((mechanism, n)) => self.spent.add(mechanism, n),
            None => {
                self.unbounded = true;
                Ok(())
            }
        }
    }

    fn epsilon(&self, delta: f64) -> Result<f64> {
        let bounded = self.spent.epsilon(delta)?;
        Ok(if self.unbounded {
            f64::INFINITY
        } else {
            bounded
        })
    }
}

impl Ledger {
    /// Rounds begun so far.
    pub fn rounds(&self) -> u64 {
        self.round
    }

    /// The epsilon at `delta` of each client's rows, by client id; infinite for a client that
    /// promised nothing in some round.
    ///
    /// # Errors
    /// If `delta` is not above 0 and below 1.
    pub fn epsilon(&self, delta: f64) -> Result<BTreeMap<u64, f64>> {
        let of = |(&id, account): (&u64, &Account)| Ok((id, account.epsilon(delta)?));
        self.accounts.iter().map(of).collect()
    }

    /// Rounds in which a client was called and gave nothing that could be used, by client id.
    pub fn faults(&self) -> BTreeMap<u64, u64> {
        let of = |(&id, account): (&u64, &Account)| (id, account.faults);
        self.accounts.iter().map(of).collect()
    }

    /// Charges one round to the clients that take part, to all of them or to none.
    pub(crate) fn charge(&mut self, releases: &[(u64, Option<(Mechanism, u64)>)]) -> Result<()> {
        let mut accounts = self.accounts.clone();
        for &(id, release) in releases {
            let account = accounts.entry(id).or_default();
            account
                .charge(release)
                .map_err(|e| e.at(format!("client {id}")))?;
        }
        self.accounts = accounts;
        Ok(())
    }

    pub(crate) fn count_fault(&mut self, id: u64) {
        let account = self.accounts.entry(id).or_default();
        account.faults = account.faults.saturating_add(1);
    }

    /// The ledger as JSON.
    ///
    /// # Panics
    /// Never: all that it holds can be written.
    pub fn to_json(&self) -> String {
        let page = |(&id, account): (&u64, &Account)| Page {
            id,
            faults: account.faults,
            unbounded: account.unbounded,
            releases: account.spent.releases().collect(),
        };
        let book = Book {
            format: FORMAT.to_owned(),
            rounds: self.round,
            clients: self.accounts.iter().map(page).collect(),
        };
        serde_json::to_string_pretty(&book).expect("numbers and names can be written as JSON")
    }

    /// The ledger that [`to_json`](Ledger::to_json) wrote.
    ///
    /// # Errors
    /// If the text is no ledger, names a client twice, or holds a release that cannot be.
    pub fn from_json(text: &str) -> Result<Ledger> {
        let book: Book = serde_json::from_str(text)
            .map_err(|e| Error::format(format!("ledger: the text is no ledger: {e}")))?;
        if book.format != FORMAT {
            return Err(Error::format(format!(
                "ledger: the format is {:?}, must be {FORMAT:?}",
                book.format
            )));
        }
        let mut accounts = BTreeMap::new();
        for page in book.clients {
            let id = page.id;
            let mut account = Account {
                unbounded: page.unbounded,
                faults: page.faults,
                ..Account::default()
            };
            for release in page.releases {
                account
                    .charge(Some(release))
                    .map_err(|e| e.at(format!("ledger: client {id}")))?;
            }
            if accounts.insert(id, account).is_some() {
                return Err(Error::format(format!(
                    "ledger: client {id} stands in it twice"
                )));
            }
        }
        Ok(Ledger {
            round: book.rounds,
            accounts,
        })
    }

    /// Writes the ledger to a file, over what is there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.to_json()).map_err(|e| Error::io(path.display(), &e))
    }

    /// Reads the ledger that [`save`](Ledger::save) wrote.
    ///
    /// # Errors
    /// If the file cannot be read, and as [`from_json`](Ledger::from_json).
    pub fn load(path: impl AsRef<Path>) -> Result<Ledger> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path.display(), &e))?;
        Ledger::from_json(&text).map_err(|e| e.at(path.display()))
    }
}

const FORMAT: &str = "lepton ledger 1";

/// A ledger as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    format: String,
    rounds: u64,
    clients: Vec<Page>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    id: u64,
    faults: u64,
    unbounded: bool,
    releases: Vec<(Mechanism, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        let gaussian = |sigma| Some((Mechanism::SampledGaussian { q: 0.1, sigma }, 3));
        ledger
            .charge(&[(7, gaussian(1.0 / 3.0)), (u64::MAX, None)])
            .unwrap();
        ledger.charge(&[(7, gaussian(2.0))]).unwrap();
        ledger.count_fault(7);
        ledger.round = 2;
        ledger
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let back = Ledger::from_json(&ledger().to_json()).unwrap();
        assert_eq!(back, ledger());
        assert_eq!(back.epsilon(1e-5).unwrap(), ledger().epsilon(1e-5).unwrap());
        assert_eq!(back.epsilon(1e-5).unwrap()[&u64::MAX], f64::INFINITY);
        let path = std::env::temp_dir().join(format!("lepton-ledger-{}.json", std::process::id()));
        ledger().save(&path).unwrap();
        assert_eq!(Ledger::load(&path).unwrap(), ledger());
        std::fs::remove_file(&path).unwrap();
        assert!(Ledger::load(&path).is_err());
    }

    #[test]
    fn a_text_that_is_no_ledger_is_one_sentence() {
        let good = ledger().to_json();
        for (text, word) in [
            ("", "no ledger"),
            ("{}", "no ledger"),
            (&good.replace("ledger 1", "ledger 9"), "ledger 9"),
            (
                &good.replace("0.1", "1.5"),
                "client 7: privacy accounting: the sampling rate",
            ),
            (
                &good.replace("18446744073709551615", "7"),
                "client 7 stands in it twice",
            ),
            (&good.replace("\"faults\"", "\"flaws\""), "no ledger"),
        ] {
            let error = Ledger::from_json(text).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_round_is_charged_to_all_or_to_none() {
        let mut ledger = ledger();
        let before = ledger.clone();
        let good = Some((Mechanism::SampledGaussian { q: 0.1, sigma: 1.0 }, 1));
        let bad = Some((Mechanism::SampledGaussian { q: 0.1, sigma: 0.0 }, 1));
        let error = ledger
            .charge(&[(7, good), (8, bad)])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("client 8: "), "{error}");
        assert_eq!(ledger, before);
    }
}
