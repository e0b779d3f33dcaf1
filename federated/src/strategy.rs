//! How a server makes one model of many.

use crate::state::State;
use lepton_tensor::{Error, Result};

/// What a client sends back after a round.
#[derive(Clone, Debug)]
pub struct ClientUpdate {
    /// The client's id.
    pub client: u64,
    /// Rows it trained on; its weight in an average. The server learns this number.
    pub examples: u64,
    /// Its parameters and buffers.
    pub state: State,
}

/// Makes the next global model from the last one and the clients' updates.
///
/// The result must not depend on the order of the updates: clients answer when they can.
pub trait Strategy {
    /// The next global model.
    ///
    /// # Errors
    /// If there is no update, one does not fit the global model, or the result would not be finite;
    /// the sentence names the client.
    fn aggregate(&mut self, global: &State, updates: &[ClientUpdate]) -> Result<State>;
}

/// Federated averaging (McMahan et al. 2017): the mean of the clients' models, weighted by their
/// rows.
///
/// Sums are taken in `f64` in order of client id, so the bits do not depend on who answered
/// first. Tensors that are not floats (counters, class tables) stay as they are.
///
/// ```
/// use lepton_federated::{ClientUpdate, FedAvg, State, Strategy};
/// use lepton_tensor::Tensor;
/// let model = |w: f32| State::new(vec![("w".into(), Tensor::scalar(w))]);
/// let updates = [
///     ClientUpdate { client: 0, examples: 30, state: model(1.0)? },
///     ClientUpdate { client: 1, examples: 10, state: model(5.0)? },
/// ];
/// let next = FedAvg.aggregate(&model(0.0)?, &updates)?;
/// assert_eq!(next.get("w").unwrap().item()?, 2.0);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FedAvg;

impl Strategy for FedAvg {
    fn aggregate(&mut self, global: &State, updates: &[ClientUpdate]) -> Result<State> {
        let updates = in_order(global, updates)?;
        let weights = weights(&updates)?;
        let mean = global.with_floats(|i, tensor| {
            let mut mean = vec![0.0; tensor.numel()];
            for (update, weight) in updates.iter().zip(&weights) {
                let values = update.state.tensor(i).to_f64();
                mean.iter_mut()
                    .zip(values)
                    .for_each(|(m, x)| *m += weight * x);
            }
            Ok(mean)
        })?;
        // Finite models can have a mean that is not: the largest numbers overflow in the sum.
        global
            .check_like(&mean)
            .map_err(|e| e.at("aggregate: the mean of the clients' models"))?;
        Ok(mean)
    }
}

/// The most rows that a client may claim beside these claims: a thousand times their median. What
/// is above would be the whole average, and so would several such claims that vouch for one
/// another, as long as they are fewer than the others.
pub(crate) fn largest_claim(claims: impl Iterator<Item = u64>) -> u64 {
    let mut claims: Vec<u64> = claims.filter(|&n| n > 0).collect();
    claims.sort_unstable();
    let median = claims.get(claims.len().saturating_sub(1) / 2);
    median.map_or(u64::MAX, |m| m.saturating_mul(1000))
}

/// The updates by client id, each checked against the global model.
fn in_order<'a>(global: &State, updates: &'a [ClientUpdate]) -> Result<Vec<&'a ClientUpdate>> {
    let mut ordered: Vec<&ClientUpdate> = updates.iter().collect();
    ordered.sort_by_key(|u| u.client);
    if let Some(twice) = ordered.windows(2).find(|w| w[0].client == w[1].client) {
        return Err(Error::value(format!(
            "aggregate: client {} sent two updates in one round",
            twice[0].client
        )));
    }
    for update in &ordered {
        global
            .check_like(&update.state)
            .map_err(|e| e.at(format!("aggregate: client {}", update.client)))?;
    }
    Ok(ordered)
}

/// Each update's share of all rows; they sum to one.
fn weights(updates: &[&ClientUpdate]) -> Result<Vec<f64>> {
    let total: f64 = updates.iter().map(|u| u.examples as f64).sum();
    if total == 0.0 {
        return Err(Error::value(format!(
            "aggregate: {} updates with no rows behind them; at least one client must have trained",
            updates.len()
        )));
    }
    let most = largest_claim(updates.iter().map(|u| u.examples));
    if let Some(update) = updates.iter().find(|u| u.examples > most) {
        return Err(Error::value(format!(
            "aggregate: client {} claims {} rows, must be at most {most}, a thousand times the median claim; leave it out",
            update.client, update.examples
        )));
    }
    Ok(updates.iter().map(|u| u.examples as f64 / total).collect())
}

#[cfg(test)]
mod tests {
    use super::{ClientUpdate, FedAvg, State, Strategy as _, weights};
    use lepton_tensor::Tensor;
    use proptest::prelude::*;
    use proptest::strategy::Strategy;

    fn model(values: &[f32]) -> State {
        let half = values.len() / 2;
        let part =
            |name: &str, x: &[f32]| (name.to_string(), Tensor::from_slice(x, &[x.len()]).unwrap());
        State::new(vec![part("a", &values[..half]), part("b", &values[half..])]).unwrap()
    }

    fn values(state: &State) -> Vec<f32> {
        state
            .iter()
            .flat_map(|t| t.1.to_vec::<f32>().unwrap())
            .collect()
    }

    fn clients() -> impl Strategy<Value = Vec<ClientUpdate>> {
        prop::collection::vec((1u64..1000, prop::collection::vec(-10.0..10.0f32, 6)), 1..7)
            .prop_map(|all| {
                let update = |(client, (examples, w)): (usize, (u64, Vec<f32>))| ClientUpdate {
                    client: client as u64,
                    examples,
                    state: model(&w),
                };
                all.into_iter().enumerate().map(update).collect()
            })
    }

    proptest! {
        #[test]
        fn weights_sum_to_one(updates in clients()) {
            let all: Vec<&ClientUpdate> = updates.iter().collect();
            let sum: f64 = weights(&all).unwrap().iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-14);
        }

        #[test]
        fn the_order_of_answers_leaves_the_same_bits(updates in clients(), seed: u64) {
            let global = model(&[0.0; 6]);
            let mut shuffled = updates.clone();
            lepton_tensor::random::Rng::new(seed).shuffle(&mut shuffled);
            let bits = |u: &[ClientUpdate]| {
                let mean = values(&FedAvg.aggregate(&global, u).unwrap());
                mean.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            prop_assert_eq!(bits(&updates), bits(&shuffled));
        }

        #[test]
        fn the_mean_lies_between_and_one_client_is_its_own_mean(updates in clients()) {
            let global = model(&[0.0; 6]);
            let mean = values(&FedAvg.aggregate(&global, &updates).unwrap());
            for (i, m) in mean.iter().enumerate() {
                let of = || updates.iter().map(|u| values(&u.state)[i]);
                let (low, high) = (of().fold(f32::INFINITY, f32::min), of().fold(f32::NEG_INFINITY, f32::max));
                prop_assert!((low - 1e-6..=high + 1e-6).contains(m));
            }
            let alone = values(&FedAvg.aggregate(&global, &updates[..1]).unwrap());
            prop_assert_eq!(alone, values(&updates[0].state));
        }
    }

    #[test]
    fn updates_that_cannot_be_averaged_name_the_client() {
        let global = model(&[0.0; 6]);
        let update = |client, examples, state| ClientUpdate {
            client,
            examples,
            state,
        };
        let good = update(0, 5, model(&[1.0; 6]));
        for (updates, word) in [
            (vec![], "0 updates"),
            (vec![update(0, 0, model(&[1.0; 6]))], "no rows"),
            (vec![good.clone(), good.clone()], "client 0 sent two"),
            (
                vec![good.clone(), update(3, 1, model(&[1.0; 4]))],
                "client 3: a: f32 [2] came",
            ),
            (
                vec![good.clone(), update(1, u64::MAX, model(&[1.0; 6]))],
                "client 1 claims 18446744073709551615 rows",
            ),
            (
                vec![good, update(4, 1, model(&[f32::INFINITY; 6]))],
                "client 4: a: a number that is not finite",
            ),
        ] {
            let error = FedAvg.aggregate(&global, &updates).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
