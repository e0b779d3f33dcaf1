//! Where a score may bend: the quantities whose sign an op looks at, seen as it runs.

use lepton_autograd::{AnyOp, Result, Tensor, Watch, watch};
use lepton_tensor::Error;
use lepton_tensor::ops::{self, Activation};
use std::sync::{Arc, Mutex};

/// Runs `f`, and gives for each row the quantities whose sign decides which piece of a piecewise
/// linear score the row is on, in the order in which the ops ran.
///
/// Rectifiers, absolute values, clamps and maxima of two values are seen. Other bends, such as those
/// of pooling, are left to who compares slopes.
pub(super) fn margins<R>(rows: usize, f: impl FnOnce() -> R) -> (R, Vec<Vec<f64>>) {
    let seen = Arc::new(Seen::default());
    let result = watch(Arc::clone(&seen) as Arc<dyn Watch>, f);
    let mut of = vec![Vec::new(); rows];
    let tensors = std::mem::take(&mut *seen.0.lock().expect("no watcher panics"));
    for (tensor, threshold) in tensors {
        // Ops may see many rows for one of the input, side by side; what else they see is no row.
        if rows == 0 || tensor.rank() == 0 || !tensor.shape()[0].is_multiple_of(rows) {
            continue;
        }
        let values = tensor.to_f64();
        let each = values.len() / rows;
        for (i, of) in of.iter_mut().enumerate() {
            of.extend(
                values[i * each..(i + 1) * each]
                    .iter()
                    .map(|v| v - threshold),
            );
        }
    }
    (result, of)
}

/// Tensors, each with the threshold that its elements are compared with.
#[derive(Default)]
struct Seen(Mutex<Vec<(Tensor, f64)>>);

impl Watch for Seen {
    fn op(&self, op: &dyn AnyOp, x: &[Tensor], _: &[Tensor]) -> Result<()> {
        let bound = |name: &str| op.attrs().get_float(name).ok().filter(|b| b.is_finite());
        let mut found: Vec<(Tensor, f64)> = Vec::new();
        match op.name() {
            "relu" | "leaky_relu" | "abs" => found.push((x[0].clone(), 0.0)),
            "linear" if op.attrs().get_flag("relu")? => {
                let sums = ops::linear(&x[0], &x[1], x.get(2), Activation::None);
                found.push((sums, 0.0));
            }
            "clamp" => {
                let bounds = ["low", "high"].into_iter().filter_map(bound);
                found.extend(bounds.map(|b| (x[0].clone(), b)));
            }
            "maximum" | "minimum" if x[0].shape() == x[1].shape() => {
                found.push((difference(&x[0], &x[1])?, 0.0));
            }
            _ => {}
        }
        self.0
            .lock()
            .map_err(|_| Error::value("attribution: a watcher has panicked"))?
            .extend(found);
        Ok(())
    }
}

/// `a - b`, without an op that would be seen itself.
fn difference(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let values = a.to_f64().into_iter().zip(b.to_f64()).map(|(a, b)| a - b);
    Tensor::from_vec(values.collect(), a.shape())
}
