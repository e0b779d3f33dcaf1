//! When two results are the same, to the bit or within a stated tolerance.

use lepton_tensor::{DType, Tensor, match_dtype};

use crate::engine::var::Var;

/// Nothing, or what is wrong.
pub(super) type Verdict = Result<(), String>;

/// The bits of each element, in row-major order.
fn bits(t: &Tensor) -> Vec<u64> {
    match t.dtype() {
        DType::F32 | DType::F64 => t.to_f64().into_iter().map(f64::to_bits).collect(),
        _ => match_dtype!(t.dtype(), T => {
            use lepton_tensor::dtype::Element;
            t.to_vec::<T>().expect("its own dtype").into_iter().map(|v| v.to_i64() as u64).collect()
        }),
    }
}

/// The same number of results, each of the same shape, dtype and bits; NaN is NaN.
pub(super) fn same_bits(what: &str, got: &[Tensor], want: &[Tensor]) -> Verdict {
    same_metas(what, got, want)?;
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let nan = |v: u64| g.dtype().is_float() && f64::from_bits(v).is_nan();
        let mut pairs = bits(g).into_iter().zip(bits(w)).enumerate();
        if let Some((at, _)) = pairs.find(|&(_, (a, b))| a != b && !(nan(a) && nan(b))) {
            return Err(format!(
                "{what}: result {i} differs in element {at}: {} against {}",
                g.to_f64()[at],
                w.to_f64()[at]
            ));
        }
    }
    Ok(())
}

/// As [`same_bits`], but floats may differ by `tolerance` times (1 + the largest finite magnitude of
/// the wanted result).
pub(super) fn close(what: &str, got: &[Tensor], want: &[Tensor], tolerance: f64) -> Verdict {
    same_metas(what, got, want)?;
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        if !g.dtype().is_float() {
            same_bits(what, std::slice::from_ref(g), std::slice::from_ref(w))?;
            continue;
        }
        let (g, w) = (g.to_f64(), w.to_f64());
        let finite = w.iter().filter(|v| v.is_finite());
        let slack = tolerance * (1.0 + finite.fold(0.0f64, |m, v| m.max(v.abs())));
        let near = |a: f64, b: f64| a == b || (a - b).abs() <= slack || (a.is_nan() && b.is_nan());
        if let Some(at) = (0..w.len()).find(|&k| !near(g[k], w[k])) {
            return Err(format!(
                "{what}: result {i} differs in element {at}: {:e} against {:e}, allowed {slack:e}",
                g[at], w[at]
            ));
        }
    }
    Ok(())
}

/// Two numbers within `tolerance` times (1 + the larger magnitude).
pub(super) fn close_numbers(what: &str, got: f64, want: f64, tolerance: f64) -> Verdict {
    let near = (got - want).abs() <= tolerance * (1.0 + got.abs().max(want.abs()));
    if near || (got.is_nan() && want.is_nan()) {
        return Ok(());
    }
    Err(format!("{what}: {got:e} against {want:e}"))
}

fn same_metas(what: &str, got: &[Tensor], want: &[Tensor]) -> Verdict {
    let metas = |all: &[Tensor]| {
        all.iter()
            .map(|t| format!("{} {:?}", t.dtype(), t.shape()))
            .collect::<Vec<_>>()
    };
    let (g, w) = (metas(got), metas(want));
    if g == w {
        return Ok(());
    }
    Err(format!("{what}: results are {g:?}, wanted {w:?}"))
}

/// The sum over all elements of all products.
pub(super) fn dot(a: &[Var], b: &[Var]) -> f64 {
    let one = |(a, b): (&Var, &Var)| -> f64 {
        let (a, b) = (a.tensor().to_f64(), b.tensor().to_f64());
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    };
    a.iter().zip(b).map(one).sum()
}

/// The tensors behind.
pub(super) fn tensors(x: Vec<Var>) -> Vec<Tensor> {
    x.into_iter().map(Var::into_tensor).collect()
}
