//! Learning a prepared table: the network, its loss and its optimiser.

use lepton::autograd::{DType, Tensor, Var};
use lepton::nn::{Adam, Epoch, History, Mlp, Program, Rng, TabularModel, Trainer};
use lepton::nn::{cross_entropy, mse};
use lepton::tabular::{CellFormat, Prepared, Task, split};
use lepton::tensor::ops;
use lepton::{Error, Result};

use crate::progress::{Progress, Steps};

/// The most parameters that a network may have here: 1 GB of them, and thrice that for Adam.
const MOST_PARAMETERS: usize = 1 << 28;

/// Decay of the weights, apart from the gradient: small tables are learnt by heart without it.
const DECAY: f64 = 0.01;

/// The share of the training rows that choose the number of epochs, and how many rows make it worth
/// asking them.
const ASKED: f64 = 0.2;
const ENOUGH_TO_ASK: usize = 20;

/// How often training passes over its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Epochs {
    /// So often.
    Exactly(usize),
    /// At most so often: some training rows are set aside, the epoch in which their loss was least is
    /// found, and all training rows are then learnt from for that long.
    AtMost(usize),
}

/// How a network is trained.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Units of the hidden layers.
    pub(crate) hidden: Vec<usize>,
    /// Passes over the rows.
    pub(crate) epochs: Epochs,
    /// Rows a step.
    pub(crate) batch: usize,
    /// The learning rate of Adam.
    pub(crate) rate: f64,
    /// The seed of the first weights and of the order of rows.
    pub(crate) seed: u64,
}

/// What came of it.
pub(crate) struct Learnt {
    pub(crate) net: Mlp,
    pub(crate) history: History,
}

/// Inputs and targets.
type Rows = (Tensor, Tensor);

impl Recipe {
    /// The sizes of the network from features to outputs.
    ///
    /// # Errors
    /// When it would not fit a machine.
    pub(crate) fn sizes(&self, data: &Prepared) -> Result<Vec<usize>> {
        let ends = (data.features.width(), data.target.outputs());
        let sizes = [&[ends.0], &self.hidden[..], &[ends.1]].concat();
        let layer = |w: &[usize]| w[0].saturating_add(1).saturating_mul(w[1]);
        let parameters = sizes.windows(2).map(layer).fold(0, usize::saturating_add);
        if parameters > MOST_PARAMETERS {
            return Err(Error::value(format!(
                "a network {} has {parameters} parameters, more than the {MOST_PARAMETERS} that are \
                 trained here; give `--hidden` smaller sizes",
                shape(&sizes)
            )));
        }
        Ok(sizes)
    }

    /// Trains a network on the training rows; the held-out rows are only looked at.
    ///
    /// # Errors
    /// When the network is too large, or a loss is not finite.
    pub(crate) fn learn(&self, data: &Prepared, progress: Progress) -> Result<Learnt> {
        let (rows, held_out) = (data.train.tensors()?, data.test.tensors()?);
        let epochs = match self.epochs {
            Epochs::AtMost(most) if data.train.x.rows >= ENOUGH_TO_ASK => {
                let mut steps = progress.start("choosing the epochs", most);
                self.enough(data, &rows, most, &mut steps)?
            }
            Epochs::AtMost(n) | Epochs::Exactly(n) => n,
        };
        self.train(
            data,
            &rows,
            &held_out,
            epochs,
            &mut progress.start("epoch", epochs),
        )
    }

    /// The epoch after which rows that are not learnt from had their least loss.
    fn enough(&self, data: &Prepared, rows: &Rows, most: usize, o: &mut Steps) -> Result<usize> {
        let mut rng = Rng::new(self.seed).fork(2);
        let parts = split::train_test(data.train.x.rows, ASKED, &mut rng)?;
        let (learnt, asked) = (pick(rows, &parts.train)?, pick(rows, &parts.test)?);
        let history = self.train(data, &learnt, &asked, most, o)?.history;
        let loss = |e: &Epoch| e.validation.unwrap_or(f64::INFINITY);
        let best = history
            .epochs
            .iter()
            .min_by(|a, b| loss(a).total_cmp(&loss(b)));
        Ok(best.map_or(most, |e| e.epoch))
    }

    fn train(
        &self,
        data: &Prepared,
        (x, y): &Rows,
        (held_x, held_y): &Rows,
        epochs: usize,
        observer: &mut Steps,
    ) -> Result<Learnt> {
        let mut net = Mlp::new(&self.sizes(data)?, &mut Rng::new(self.seed).fork(1));
        let mut adam = Adam::new(self.rate)?.decoupled(DECAY);
        let trainer = Trainer {
            epochs,
            batch: self.batch,
            seed: self.seed,
        };
        let loss = loss(data.target.task());
        let held_out = Some((held_x, held_y));
        let history = trainer.fit(&mut net, &mut adam, (x, y), held_out, loss, observer)?;
        Ok(Learnt { net, history })
    }
}

fn pick((x, y): &Rows, rows: &[usize]) -> Result<Rows> {
    Ok((ops::take_rows(x, rows)?, ops::take_rows(y, rows)?))
}

impl Learnt {
    /// The network as a model that needs none of this code, for tables written like `cells`.
    ///
    /// # Errors
    /// When the network cannot be traced.
    pub(crate) fn model(&self, data: &Prepared, cells: &CellFormat) -> Result<TabularModel> {
        let width = data.features.width();
        Ok(TabularModel {
            program: Program::trace(&self.net, &[1, width], DType::F32)?.prepare(&[])?,
            features: data.features.clone(),
            target: data.target.clone(),
            cells: cells.clone(),
        })
    }
}

fn loss(task: Task) -> fn(&Var, &Var) -> Var {
    match task {
        Task::Classification => cross_entropy,
        Task::Regression => mse,
    }
}

/// `13-64-64-3`.
pub(crate) fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join("-")
}
