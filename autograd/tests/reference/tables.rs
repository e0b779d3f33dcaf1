//! Tables of the index without tensors: one row is one case.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lepton_autograd::{DType, Device, Var, broadcast_shape};
use serde_json::Value;

use crate::call::named;
use crate::report::{Report, Stop, lacks, wrong};

/// Runs each table that the index has.
pub(crate) fn run(index: &Value, report: &mut Report) {
    let rows = |key: &str| {
        index
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let promotion = index.get("dtype_promotion_tensor_tensor");
    for (pair, want) in promotion.and_then(Value::as_object).into_iter().flatten() {
        report.case(&format!("dtype promotion {pair}"), || promote(pair, want));
    }
    for (i, row) in rows("shape_rules_a_b_broadcast_matmul").enumerate() {
        report.case(&format!("shape rule {i}"), || shapes(row));
    }
    for (i, row) in rows("reshape_rules_from_to_result").enumerate() {
        report.case(&format!("reshape rule {i}"), || reshape(row));
    }
}

fn promote(pair: &str, want: &Value) -> Result<(), Stop> {
    let (Some((a, b)), Some(want)) = (pair.split_once('+'), want.as_str()) else {
        return lacks("a row that is not 'a+b': 'dtype'");
    };
    let (a, b, want) = (named(a)?, named(b)?, named(want)?);
    let zero = |d: DType| Var::zeros(&[2], d, Device::Cpu);
    same("dtype", Some((zero(a) * zero(b)).dtype()), Some(want))
}

/// The shape a value states; null is a refusal.
fn shape(v: &Value) -> Result<Option<Vec<usize>>, Stop> {
    if v.is_null() {
        return Ok(None);
    }
    let all = v
        .as_array()
        .map(|a| a.iter().map(|d| d.as_u64().map(|d| d as usize)).collect());
    match all.flatten() {
        Some(s) => Ok(Some(s)),
        None => lacks(format!("the shape {v}")),
    }
}

fn row<const N: usize>(v: &Value) -> Result<&[Value; N], Stop> {
    match v.as_array().and_then(|a| a.as_slice().try_into().ok()) {
        Some(row) => Ok(row),
        None => lacks(format!("a row that is not {N} values: {v}")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    got: Option<T>,
    want: Option<T>,
) -> Result<(), Stop> {
    if got == want {
        return Ok(());
    }
    wrong(format!("{what} is {got:?}, want {want:?}"))
}

/// The result of something that panics where it refuses.
fn attempt<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).ok()
}

fn shapes(v: &Value) -> Result<(), Stop> {
    let [a, b, broadcast, matmul] = row::<4>(v)?;
    let (Some(a), Some(b)) = (shape(a)?, shape(b)?) else {
        return lacks("a row without shapes");
    };
    let (broadcast, matmul) = (shape(broadcast)?, shape(matmul)?);
    let rule = broadcast_shape("add", &a, &b).ok().map(|s| s.to_vec());
    same("broadcast", rule, broadcast.clone())?;
    let of = |s: &[usize]| Var::zeros(s, DType::F32, Device::Cpu);
    let sum = attempt(|| (of(&a) + of(&b)).shape().to_vec());
    same("sum", sum, broadcast)?;
    let product = attempt(|| of(&a).matmul(&of(&b)).shape().to_vec());
    same("matmul", product, matmul)
}

fn reshape(v: &Value) -> Result<(), Stop> {
    let [from, to, want] = row::<3>(v)?;
    let (Some(from), want) = (shape(from)?, shape(want)?) else {
        return lacks("a row without a shape");
    };
    let to = to
        .as_array()
        .map(|a| a.iter().map(|d| d.as_i64().map(|d| d as isize)).collect());
    let Some(to): Option<Vec<isize>> = to.flatten() else {
        return lacks("a row without a target");
    };
    let x = Var::zeros(&from, DType::F32, Device::Cpu);
    same(
        "shape",
        attempt(|| x.reshape_to(&to).shape().to_vec()),
        want,
    )
}
