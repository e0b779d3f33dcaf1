//! The same model, trained by five hospitals that share no row.

use lepton::Result;
use lepton::autograd::{Var, no_grad};
use lepton::federated::{
    DpSgd, FedAvg, Federation, Local, ModuleClient, Observer, Round, State, accountant, partition,
};
use lepton::nn::{Mlp, Module, Rng, cross_entropy};

use crate::progress::Steps;

use super::central::SIZES;
use super::privacy::{Noise, Privacy};
use super::ward::Ward;

/// How many hospitals.
pub(crate) const HOSPITALS: usize = 5;
/// Noisy steps in all, one a round.
pub(crate) const STEPS: u64 = 50;
/// The budget: at most this epsilon at this delta.
const EPSILON: f64 = 3.0;
const DELTA: f64 = 1e-5;
/// The length that every row's gradient is cut to, and the learning rate of a hospital's step. Both,
/// and the mean over the last rounds, were chosen by trying them on this table, which a real hospital
/// could not do for free: a look at private rows is a release too.
pub(crate) const CLIP: f64 = 0.25;
pub(crate) const RATE: f64 = 5.0;
/// Rounds whose mean is the result: averaging noisy models costs no privacy.
pub(crate) const LAST: usize = 10;

/// What came of the private training.
pub(crate) struct Private {
    pub(crate) model: Mlp,
    pub(crate) privacy: Privacy,
    /// The training rows of each hospital.
    pub(crate) hospitals: Vec<Vec<usize>>,
    /// Accuracy on the held-out rows after each round.
    pub(crate) curve: Vec<f64>,
}

/// Trains over all hospitals, one noisy step of each a round.
pub(crate) fn train(ward: &Ward, seed: u64, noise: Noise, steps: &mut Steps) -> Result<Private> {
    let parts = partition::dirichlet(&ward.train.labels, HOSPITALS, 1.0, 20, seed)?;
    let mut model = Mlp::new(&SIZES, &mut Rng::new(seed).fork(2));
    let noise_multiplier = accountant::noise_multiplier(EPSILON, DELTA, 1.0, STEPS)?;
    let local = Local::Private {
        steps: 1,
        dp: DpSgd::new(CLIP, noise_multiplier, 1.0)?,
    };
    let data = (&ward.train.x, &ward.train.y);
    let clients = ModuleClient::share_out(
        &model as &dyn Module,
        cross_entropy,
        data,
        &parts,
        RATE,
        local,
    )?;
    let mut federation =
        Federation::new(State::of(&model)?, FedAvg, noise.seed(seed)?).averaging(LAST);
    let mut watch = Watch {
        steps,
        ward,
        model: model.clone(),
        curve: Vec::new(),
    };
    federation.run(&clients, STEPS, &mut watch)?;
    let curve = watch.curve;
    federation.averaged()?.load_into(&mut model)?;
    let spent = federation.epsilon(DELTA)?.into_values();
    let epsilon = spent.max_by(f64::total_cmp).unwrap_or(f64::INFINITY);
    let smallest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let budget = (epsilon, DELTA);
    Ok(Private {
        model,
        privacy: Privacy::new(noise, budget, noise_multiplier, STEPS, smallest)?,
        hospitals: parts,
        curve,
    })
}

/// Follows the rounds: the caller's progress, and the accuracy on the held-out rows after each.
struct Watch<'a> {
    steps: &'a mut Steps,
    ward: &'a Ward,
    model: Mlp,
    curve: Vec<f64>,
}

impl Observer for Watch<'_> {
    fn round(&mut self, round: &Round, global: &State) {
        // A model that does not fit would be an error of the federation, which reports it itself.
        if global.load_into(&mut self.model).is_ok() {
            self.curve.push(accuracy(&self.model, self.ward));
        }
        let now = self.curve.last().copied().unwrap_or(0.0);
        self.steps.at(round.round as usize + 1, || {
            format!("held-out accuracy {now:.3}")
        });
    }
}

fn accuracy(model: &Mlp, ward: &Ward) -> f64 {
    let answers = no_grad(|| model.forward(&Var::from(ward.test.x.clone())).argmax(-1))
        .tensor()
        .to_f64();
    let right = answers
        .iter()
        .zip(&ward.test.labels)
        .filter(|(a, b)| **a == **b as f64)
        .count();
    right as f64 / ward.test.len() as f64
}
