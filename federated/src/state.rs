//! A model as it travels: parameters and buffers by name.

use lepton_nn::{Item, Params, Path};
use lepton_tensor::{DType, Error, Result, Tensor};

/// Named tensors in a fixed order: what the server sends out and clients send back.
#[derive(Clone, Debug, Default)]
pub struct State(Vec<(String, Tensor)>);

impl State {
    /// A state of these tensors, in this order.
    ///
    /// # Errors
    /// If a name occurs twice.
    pub fn new(tensors: Vec<(String, Tensor)>) -> Result<State> {
        let mut names: Vec<&str> = tensors.iter().map(|t| t.0.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
            return Err(Error::value(format!(
                "state: the name {:?} occurs twice",
                twice[0]
            )));
        }
        Ok(State(tensors))
    }

    /// The parameters and buffers of a module, in its order.
    ///
    /// ```
    /// use lepton_federated::State;
    /// use lepton_nn::{Linear, Rng};
    /// let mut layer = Linear::new(2, 1, &mut Rng::new(0));
    /// let state = State::of(&layer)?;
    /// assert_eq!(state.iter().map(|t| t.0).collect::<Vec<_>>(), ["weight", "bias"]);
    /// state.load_into(&mut layer)?;
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If a path occurs twice.
    pub fn of(module: &dyn Params) -> Result<State> {
        let mut tensors = Vec::new();
        module.visit(&Path::ROOT, &mut |path, item| {
            let tensor = match item {
                Item::Param(p) => p.tensor().clone(),
                Item::Buffer(b) => b.clone(),
            };
            tensors.push((path.to_string(), tensor));
        });
        State::new(tensors)
    }

    /// Sets every parameter and buffer of a module from this state, all or none.
    ///
    /// # Errors
    /// If a path is missing or left over, or a shape or dtype differs.
    pub fn load_into(&self, module: &mut dyn Params) -> Result<()> {
        module.load_state(&self.0.iter().cloned().collect())
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter().find(|t| t.0 == name).map(|t| t.1)
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of elements of all tensors together.
    pub fn numel(&self) -> usize {
        self.0.iter().map(|t| t.1.numel()).sum()
    }

    /// Fails unless `other` has the same names, shapes and dtypes in the same order, and only
    /// finite numbers: what comes from a client is not trusted.
    ///
    /// # Errors
    /// In a sentence that names the first tensor that differs.
    pub fn check_like(&self, other: &State) -> Result<()> {
        if self.len() != other.len() {
            return Err(Error::shape(format!(
                "{} tensors came, {} were expected",
                other.len(),
                self.len()
            )));
        }
        for ((name, mine), (its_name, its)) in self.iter().zip(other.iter()) {
            if name != its_name {
                return Err(Error::value(format!(
                    "the tensor {its_name:?} came where {name:?} was expected"
                )));
            }
            if mine.meta() != its.meta() {
                return Err(Error::shape(format!(
                    "{name}: {} {:?} came, {} {:?} was expected",
                    its.dtype(),
                    its.shape(),
                    mine.dtype(),
                    mine.shape()
                )));
            }
            if its.dtype().is_float() && !its.to_f64().iter().all(|x| x.is_finite()) {
                return Err(Error::value(format!(
                    "{name}: a number that is not finite came; lower the learning rate"
                )));
            }
        }
        Ok(())
    }

    /// A state like this one whose float tensors have the elements that `values` gives, tensor by
    /// tensor; others are kept.
    pub(crate) fn with_floats(
        &self,
        mut values: impl FnMut(usize, &Tensor) -> Result<Vec<f64>>,
    ) -> Result<State> {
        let tensors = self.0.iter().enumerate().map(|(i, (name, old))| {
            let new = if old.dtype().is_float() {
                from_f64(&values(i, old)?, old)?
            } else {
                old.clone()
            };
            Ok((name.clone(), new))
        });
        Ok(State(tensors.collect::<Result<_>>()?))
    }

    /// A number that tells states apart (FNV-1a over names and elements); no protection against one
    /// who makes them meet.
    pub(crate) fn digest(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut mix =
            |word: u64| hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        for (name, tensor) in self.iter() {
            name.bytes().for_each(|b| mix(b.into()));
            tensor.to_f64().iter().for_each(|x| mix(x.to_bits()));
        }
        hash
    }

    pub(crate) fn tensor(&self, index: usize) -> &Tensor {
        &self.0[index].1
    }
}

/// A float tensor of `like`'s dtype and shape with these elements.
pub(crate) fn from_f64(values: &[f64], like: &Tensor) -> Result<Tensor> {
    match like.dtype() {
        DType::F64 => Tensor::from_slice(values, like.shape()),
        DType::F32 => {
            let rounded: Vec<f32> = values.iter().map(|&x| x as f32).collect();
            Tensor::from_vec(rounded, like.shape())
        }
        other => Err(Error::dtype(format!(
            "state: wants f32 or f64, got {other}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str, values: &[f32]) -> State {
        State::new(vec![(
            name.into(),
            Tensor::from_slice(values, &[values.len()]).unwrap(),
        )])
        .unwrap()
    }

    #[test]
    fn what_differs_is_named() {
        let mine = state("w", &[1.0, 2.0]);
        assert!(mine.check_like(&state("w", &[3.0, 4.0])).is_ok());
        for (other, word) in [
            (State::default(), "0 tensors came, 1 were expected"),
            (state("v", &[1.0, 2.0]), "\"v\" came where \"w\""),
            (state("w", &[1.0]), "w: f32 [1] came, f32 [2] was expected"),
            (
                state("w", &[1.0, f32::NAN]),
                "w: a number that is not finite",
            ),
        ] {
            let error = mine.check_like(&other).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let twice = vec![
            ("w".to_string(), Tensor::scalar(1.0f32)),
            ("w".to_string(), Tensor::scalar(2.0f32)),
        ];
        assert!(State::new(twice).unwrap_err().to_string().contains("twice"));
    }
}
