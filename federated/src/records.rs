//! A client's records, checked before they are trained on. What is said of them names a row, never a
//! value.

use std::collections::BTreeMap;

use lepton_autograd::{Var, no_grad};
use lepton_nn::Module;
use lepton_tensor::{Error, Result, Tensor, ops};

use crate::round::guarded;

/// Rows that are tried at once.
const BATCH: usize = 256;

/// Fails unless numbers are finite, classes in range, and `loss` takes every row.
pub(crate) fn check(
    module: &dyn Module,
    loss: &dyn Fn(&Var, &Var) -> Var,
    x: &Tensor,
    y: &Tensor,
) -> Result<()> {
    check_finite("features", x)?;
    check_finite("target", y)?;
    check_classes(module, x, y)?;
    let rows: Vec<usize> = (0..x.shape()[0]).collect();
    for batch in rows.chunks(BATCH) {
        if accepts(module, loss, x, y, batch) {
            continue;
        }
        let bad = batch
            .iter()
            .find(|&&row| !accepts(module, loss, x, y, &[row]));
        let place = bad.map_or("these rows together".to_owned(), |row| format!("row {row}"));
        return Err(Error::value(format!(
            "client: module or loss fail on {place}; features and targets must be of the kind that both were made for"
        )));
    }
    Ok(())
}

fn check_finite(what: &str, t: &Tensor) -> Result<()> {
    if !t.dtype().is_float() {
        return Ok(());
    }
    let values = t.to_f64();
    let Some(at) = values.iter().position(|v| !v.is_finite()) else {
        return Ok(());
    };
    let row = at / (values.len() / t.shape()[0]);
    Err(Error::value(format!(
        "client: the {what} of row {row} hold a number that is not finite; leave the row out or fill it"
    )))
}

/// Whole-number targets that have the shape of the module's output without its last axis are
/// classes along it.
fn check_classes(module: &dyn Module, x: &Tensor, y: &Tensor) -> Result<()> {
    if y.dtype().is_float() {
        return Ok(());
    }
    let one = ops::take_rows(x, &[0])?;
    let out = guarded(|| {
        let out = quietly(|| module.forward(&Var::from(one)));
        Ok(out.shape().to_vec())
    });
    let Ok(Some((&classes, outer))) = out.as_ref().map(|shape| shape.split_last()) else {
        return Ok(());
    };
    if classes < 2 || outer.len() != y.rank() || outer[1..] != y.shape()[1..] {
        return Ok(());
    }
    let values = y.to_f64();
    let fits = |c: &f64| (0.0..classes as f64).contains(c);
    let Some(at) = values.iter().position(|c| !fits(c)) else {
        return Ok(());
    };
    let row = at / (values.len() / y.shape()[0]);
    Err(Error::index(format!(
        "client: the target of row {row} is no class of the module, which has {classes}, counted from 0"
    )))
}

/// Whether module and loss go through these rows.
fn accepts(
    module: &dyn Module,
    loss: &dyn Fn(&Var, &Var) -> Var,
    x: &Tensor,
    y: &Tensor,
    rows: &[usize],
) -> bool {
    guarded(|| {
        let (x, y) = (
            Var::from(ops::take_rows(x, rows)?),
            Var::from(ops::take_rows(y, rows)?),
        );
        quietly(|| loss(&module.forward(&x), &y));
        Ok(())
    })
    .is_ok()
}

/// Runs `f` in eval mode and unrecorded.
fn quietly<R>(f: impl FnOnce() -> R) -> R {
    no_grad(|| lepton_nn::eval(f))
}

/// Fails if a row stands in two places of a partition.
pub(crate) fn check_parts(parts: &[Vec<usize>]) -> Result<()> {
    let mut owner = BTreeMap::new();
    for (client, rows) in parts.iter().enumerate() {
        for &row in rows {
            if let Some(other) = owner.insert(row, client) {
                return Err(Error::value(format!(
                    "client {client}: row {row} is shared out to client {other} already; each row has one owner, and is there once"
                )));
            }
        }
    }
    Ok(())
}
