//! When a result meets what a case stores.

use lepton_autograd::{DType, Tensor};

use crate::report::{Stop, wrong};

/// `|x - want| <= absolute + relative * |want|`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
}

const fn tolerance(relative: f64, absolute: f64) -> Tolerance {
    Tolerance { relative, absolute }
}

pub(crate) const F64: Tolerance = tolerance(1e-9, 1e-11);
pub(crate) const WIDE: Tolerance = tolerance(1e-7, 1e-9);
pub(crate) const F32: Tolerance = tolerance(1e-5, 1e-6);

/// Functions of which the index promises 1e-7 only: the gamma, erfc and Bessel families.
const WIDE_FUNCTIONS: [&str; 10] = [
    "lgamma",
    "digamma",
    "polygamma",
    "mvlgamma",
    "erfc",
    "erfcx",
    "i0",
    "i0e",
    "i1",
    "i1e",
];

/// The tolerance of values and first derivatives of `op` in `group`.
pub(crate) fn of(group: &str, op: &str, dtype: DType) -> Tolerance {
    match dtype {
        DType::F32 => F32,
        _ if group == "linalg" || WIDE_FUNCTIONS.contains(&op) => WIDE,
        _ => F64,
    }
}

/// Shape, dtype and every element; integers and bool exactly.
pub(crate) fn close(what: &str, got: &Tensor, want: &Tensor, tol: Tolerance) -> Result<(), Stop> {
    if got.shape() != want.shape() || got.dtype() != want.dtype() {
        return wrong(format!(
            "{what} is {} {:?}, want {} {:?}",
            got.dtype(),
            got.shape(),
            want.dtype(),
            want.shape()
        ));
    }
    if !want.dtype().is_float() {
        return exact(what, got, want);
    }
    let near = |a: f64, b: f64| {
        a == b
            || (a.is_nan() && b.is_nan())
            || (b.is_finite() && (a - b).abs() <= tol.absolute + tol.relative * b.abs())
    };
    elements(what, &got.to_f64(), &want.to_f64(), near)
}

fn exact(what: &str, got: &Tensor, want: &Tensor) -> Result<(), Stop> {
    let whole = |t: &Tensor| lepton_tensor::ops::cast(t, DType::I64).to_vec::<i64>();
    let (got, want) = (whole(got)?, whole(want)?);
    match got.iter().zip(&want).position(|(a, b)| a != b) {
        Some(i) => wrong(format!("{what}[{i}] is {}, want {}", got[i], want[i])),
        None => Ok(()),
    }
}

fn elements(
    what: &str,
    got: &[f64],
    want: &[f64],
    near: impl Fn(f64, f64) -> bool,
) -> Result<(), Stop> {
    match (0..want.len()).find(|&i| !near(got[i], want[i])) {
        Some(i) => wrong(format!("{what}[{i}] is {:e}, want {:e}", got[i], want[i])),
        None => Ok(()),
    }
}

/// The rule of the precision group: no further from the f64 answer than four times another
/// system's worst error plus two units in the last place of the type `dtype`.
pub(crate) fn precise(
    what: &str,
    got: &Tensor,
    want: &Tensor,
    dtype: DType,
    worst: f64,
) -> Result<(), Stop> {
    if got.shape() != want.shape() || got.dtype() != dtype {
        return wrong(format!(
            "{what} is {} {:?}, want {dtype} {:?}",
            got.dtype(),
            got.shape(),
            want.shape()
        ));
    }
    let near = |a: f64, b: f64| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 4.0 * worst + 2.0 * unit(b, dtype)
    };
    elements(what, &got.to_f64(), &want.to_f64(), near)
}

/// The distance of `x` to the next number of `dtype`.
fn unit(x: f64, dtype: DType) -> f64 {
    if dtype == DType::F32 {
        let x = (x as f32).abs();
        f64::from(f32::from_bits(x.to_bits() + 1)) - f64::from(x)
    } else {
        f64::from_bits(x.abs().to_bits() + 1) - x.abs()
    }
}
