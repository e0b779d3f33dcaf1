//! House prices around Boston in 1970, by a network 13-64-64-1.
//!
//! `cargo run --release --example boston` trains on four fifths of `data/boston.csv` (506 tracts,
//! Harrison and Rubinfeld 1978), prints the loss as it falls and the error on the fifth that was held
//! out, and draws `boston.svg`. Then it does the same without one column:
//!
//! **Column `b` should trouble you.** It is `1000 (Bk - 0.63)^2`, where `Bk` is the share of Black
//! residents of a tract: whoever predicts with it lets race set the price of a home, by a formula that
//! already holds its authors' assumption of how. It has come with this data set into countless
//! tutorials, one column among thirteen. Leaving it out is not the end of it: `lstat` and `crim` tell
//! much of the same history. Look at the last line that is printed, and ask what `b` was for.

use std::error::Error;

use lepton::explain::picture::{Lines, Series, lines};
use lepton::prelude::*;
use lepton::tabular::{Scale, metrics};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/boston.csv");

fn main() -> Result<()> {
    let table = read_csv(DATA, &ReadOptions::default())?;
    let (history, errors) = learn(&table, &mut Curve)?;
    println!("test MSE {:.2} ($1000 squared)", errors.mse);
    println!(
        "test MAE {:.2} ($1000), {:.4} with prices scaled to 0..1",
        errors.mae, errors.scaled_mae
    );
    draw(&history)?;
    println!("boston.svg shows the loss");
    let (_, errors) = learn(&table.without(&["b"])?, &mut ())?;
    println!("without column b: test MAE {:.2} ($1000)", errors.mae);
    Ok(())
}

/// Prints every tenth epoch.
struct Curve;

impl Observer for Curve {
    fn epoch(&mut self, e: &Epoch) {
        if e.epoch == 1 || e.epoch.is_multiple_of(10) {
            let bar = "#".repeat((e.loss.min(1.0) * 50.0).round() as usize);
            println!("epoch {:>3}  loss {:.4}  {bar}", e.epoch, e.loss);
        }
    }
}

/// Trains on four fifths of the rows and judges by the others.
fn learn(table: &Table, observer: &mut dyn Observer) -> Result<(History, Errors)> {
    let plan = Plan {
        target: "medv",
        task: Some(Task::Regression),
        scaling: Method::Standard, // means and deviations of the training rows alone
        test: 0.2,
    };
    let data = Prepared::new(table, &plan, &mut Rng::new(SEED))?;
    let mut net = Mlp::new(&[data.features.width(), 64, 64, 1], &mut Rng::new(SEED));
    let trainer = Trainer {
        epochs: 100,
        batch: 32,
        seed: SEED,
    };
    let (x, y) = data.train.tensors()?;
    let mut adam = Adam::new(1e-3)?;
    let history = trainer.fit(&mut net, &mut adam, (&x, &y), None, mse, observer)?;

    let (x, y) = data.test.tensors()?;
    let outputs = no_grad(|| net.forward(&x.into()));
    let scale = data.target.scale().ok_or("a regression has a scale")?;
    let dollars = |y: &Tensor| -> Result<Vec<f64>> {
        let scaled = y.to_vec::<f32>()?;
        Ok(scaled.iter().map(|&y| scale.invert(y.into())).collect())
    };
    let errors = Errors::of(&dollars(outputs.tensor())?, &dollars(&y)?)?;
    Ok((history, errors))
}

const SEED: u64 = 42;

/// How far predictions are off, in $1000.
struct Errors {
    mse: f64,
    mae: f64,
    /// The same as `mae`, had prices been scaled from 0 for the least to 1 for the greatest.
    scaled_mae: f64,
}

impl Errors {
    fn of(predicted: &[f64], truth: &[f64]) -> Result<Errors> {
        let mae = metrics::mae(predicted, truth)?;
        Ok(Errors {
            mse: metrics::mse(predicted, truth)?,
            mae,
            scaled_mae: mae / Scale::min_max(truth).width,
        })
    }
}

fn draw(history: &History) -> Result<()> {
    let point = |e: &Epoch| (e.epoch as f64, e.loss);
    let points: Vec<(f64, f64)> = history.epochs.iter().map(point).collect();
    let svg = lines(&Lines {
        title: "Learning house prices",
        x: "epoch",
        y: "mean squared error of the scaled price",
        series: &[Series {
            name: "training rows",
            points: &points,
        }],
    })?;
    Ok(std::fs::write("boston.svg", svg)?)
}
