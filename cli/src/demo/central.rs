//! The yardstick: what one model makes of all rows in one place.

use lepton::Result;
use lepton::autograd::DType;
use lepton::nn::{Adam, Mlp, Observer, Program, Rng, Trainer, cross_entropy};

use super::ward::Ward;

/// Inputs, hidden units, classes: the same model everywhere in the story.
pub(crate) const SIZES: [usize; 3] = [30, 16, 2];

/// Passes over the rows.
pub(crate) const EPOCHS: usize = 60;

/// The model trained on all training rows together, without any promise: it may look at the rows, so
/// its features are scaled by their statistics.
pub(crate) fn train(ward: &Ward, seed: u64, observer: &mut dyn Observer) -> Result<Mlp> {
    let mut model = Mlp::new(&SIZES, &mut Rng::new(seed).fork(1));
    let mut adam = Adam::new(0.003)?.decoupled(1.0);
    let trainer = Trainer {
        epochs: EPOCHS,
        batch: 32,
        seed,
    };
    trainer.fit(
        &mut model,
        &mut adam,
        (&ward.pooled()?, &ward.train.y),
        None,
        cross_entropy,
        observer,
    )?;
    Ok(model)
}

/// The program of a model of the story.
pub(crate) fn program(model: &Mlp) -> Result<Program> {
    Program::trace(model, &[1, SIZES[0]], DType::F32)
}

/// `30-16-2`.
pub(crate) fn shape() -> String {
    SIZES.map(|n| n.to_string()).join("-")
}
