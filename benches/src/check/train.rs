//! Models: inference by plain loops, and steps of training by what must hold of loss and gradients.

use lepton_autograd::{DType, ParamMap, Tensor, Var, no_grad, with_params};
use lepton_nn::{Module, Params};

use super::near;
use crate::inputs::values;

/// The output of a perceptron with rectifiers for one row: weights `[out, in]` and biases in turn.
pub fn perceptron(net: &impl Params, row: &[f64]) -> Vec<f64> {
    let params = net.params();
    let layers: Vec<_> = params.chunks(2).collect();
    let mut x = row.to_vec();
    for (i, layer) in layers.iter().enumerate() {
        let [weight, bias] = [&layer[0], &layer[1]].map(|(_, p)| p.tensor().to_f64());
        let dot = |w: &[f64]| w.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
        let sums = weight.chunks(x.len()).zip(bias).map(|(w, b)| dot(w) + b);
        let last = i + 1 == layers.len();
        x = sums.map(|v| if last { v } else { v.max(0.0) }).collect();
    }
    x
}

/// `got` is the loss of `model` on `x` and `y`, and the gradients are its slope.
///
/// The loss is computed again in f64. Along a random direction, the gradients in f32 agree with the
/// central difference of the loss in f64.
///
/// # Errors
/// When they are not.
pub fn training(
    model: &impl Module,
    x: &Var,
    y: &Var,
    loss: fn(&Var, &Var) -> Var,
    got: &Var,
) -> Result<(), String> {
    let double = |v: &Var| match v.dtype() {
        DType::F32 => v.to_dtype(DType::F64),
        _ => v.clone(),
    };
    let (x64, y64) = (double(x), double(y));
    let at = |step: f64| {
        let map = moved(model, step);
        let value = no_grad(|| with_params(&map, || loss(&model.forward(&x64), &y64)));
        value.item().map_err(|e| e.to_string())
    };
    let got = got.item().map_err(|e| e.to_string())?;
    near(got, at(0.0)?, 1e-4, || "the loss".into())?;
    let grads = loss(&model.forward(x), y).backward();
    let mut slope = 0.0;
    for (i, (path, p)) in model.params().into_iter().enumerate() {
        let grad = grads.get(p.id()).ok_or(format!("no gradient for {path}"))?;
        let along = direction(p.tensor(), i);
        slope += grad
            .to_f64()
            .iter()
            .zip(&along)
            .map(|(g, d)| g * d)
            .sum::<f64>();
    }
    let numeric = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
    near(slope, numeric, 2e-3, || "the slope of the loss".into())
}

/// Half the width of the difference; a kink of a rectifier seldom lies within.
const STEP: f64 = 1e-6;

/// The `i`-th parameter's part of the direction.
fn direction(p: &Tensor, i: usize) -> Vec<f64> {
    let v = values(p.numel(), 1000 + i as u64);
    v.into_iter().map(f64::from).collect()
}

/// The parameters in f64, moved by `step` along the direction.
fn moved(model: &impl Module, step: f64) -> ParamMap {
    let one = |(i, (_, p)): (usize, (String, &lepton_autograd::Param))| {
        let along = direction(p.tensor(), i);
        let data = p.tensor().to_f64();
        let data: Vec<f64> = data.iter().zip(along).map(|(x, d)| x + step * d).collect();
        (p.id(), Var::new(&data, p.tensor().shape()))
    };
    model.params().into_iter().enumerate().map(one).collect()
}
