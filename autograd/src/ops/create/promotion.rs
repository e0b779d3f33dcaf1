//! Which dtype comes out where two dtypes, or a tensor and a number, meet: PyTorch's promotion.
//!
//! There are three classes: bool, integers, floats. What meets becomes the higher class; within one
//! class the wider dtype. A variable without axes only brings its class, never its precision, and a
//! number in the code even less: a float number makes integers and bool f32, a whole number (an
//! `i64`) makes bool i64. Where a function puts numbers beside elements (a fill, a bound), the
//! elements keep their dtype when it holds these numbers exactly.

use lepton_tensor::{DType, Error, Result};

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;

fn class(d: DType) -> u8 {
    match d {
        DType::Bool => 0,
        d if d.is_float() => 2,
        _ => 1,
    }
}

/// The dtype that holds values of both, where both have axes: floats before integers before bool,
/// then the wider; i8 and u8 meet in i32, the next width up that exists here.
pub(crate) fn promote(a: DType, b: DType) -> DType {
    let rank = |d: DType| match d {
        DType::Bool => 0,
        DType::U8 | DType::I8 => 1,
        DType::I32 => 2,
        DType::I64 => 3,
        DType::F32 => 4,
        _ => 5,
    };
    match (a, b) {
        (DType::U8, DType::I8) | (DType::I8, DType::U8) => DType::I32,
        _ if rank(a) >= rank(b) => a,
        _ => b,
    }
}

/// The dtype in which two variables meet.
fn common(x: &Var, y: &Var) -> DType {
    let (a, b) = (x.dtype(), y.dtype());
    match (x.rank(), y.rank()) {
        (1.., 0) if class(a) >= class(b) => a,
        (0, 1..) if class(b) >= class(a) => b,
        _ => promote(a, b),
    }
}

/// Both sides as the dtype in which they meet.
pub(crate) fn match_dtypes(x: Var, y: Var) -> (Var, Var) {
    if x.dtype() == y.dtype() {
        return (x, y);
    }
    let to = common(&x, &y);
    (x.into_dtype(to), y.into_dtype(to))
}

/// The largest f64 that an i64 can be.
const BELOW_2_63: f64 = 9_223_372_036_854_774_784.0;

/// The smallest and the largest number of an integer dtype.
fn range(dtype: DType) -> Option<(f64, f64)> {
    match dtype {
        DType::I64 => Some((i64::MIN as f64, BELOW_2_63)),
        DType::I32 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
        DType::I8 => Some((f64::from(i8::MIN), f64::from(i8::MAX))),
        DType::U8 => Some((0.0, f64::from(u8::MAX))),
        DType::Bool => Some((0.0, 1.0)),
        _ => None,
    }
}

/// What every element of `dtype` is at least, or, for the `largest`, at most.
pub(crate) fn end(dtype: DType, largest: bool) -> f64 {
    let (low, high) = range(dtype).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    if largest { high } else { low }
}

/// True when an element of `dtype` can be `c`; a float rounds, and so holds every number.
pub(crate) fn holds(dtype: DType, c: f64) -> bool {
    range(dtype).is_none_or(|(low, high)| c.fract() == 0.0 && (low..=high).contains(&c))
}

/// Fails, in the name of `what`, unless an element of `dtype` can be `c`.
pub(crate) fn want_held(what: &str, dtype: DType, c: f64) -> Result<()> {
    if holds(dtype, c) {
        return Ok(());
    }
    Err(Error::value(format!(
        "{what}: {c} is not a value of {dtype}; cast to a float first: x.to_dtype(..)"
    )))
}

/// As [`want_held`] for bounds, of which one beyond the dtype's own end holds nothing back.
pub(crate) fn want_bounds(what: &str, dtype: DType, low: f64, high: f64) -> Result<()> {
    let Some((least, most)) = range(dtype) else {
        return Ok(());
    };
    want_held(what, dtype, if low <= least { least } else { low })?;
    want_held(what, dtype, if high >= most { most } else { high })
}

impl Var {
    /// This variable as floats: integers and bool become f32.
    #[inline]
    pub(crate) fn float(self) -> Var {
        if self.dtype().is_float() {
            self
        } else {
            self.into_dtype(DType::F32)
        }
    }

    /// This variable in its own dtype where that holds `numbers`, else as floats.
    pub(crate) fn beside(&self, numbers: &[f64]) -> Var {
        let fits = numbers.iter().all(|&c| holds(self.dtype(), c));
        if fits {
            self.clone()
        } else {
            self.clone().float()
        }
    }

    /// This variable in its own dtype where clamping to `[low, high]` stays inside it, else as
    /// floats.
    pub(crate) fn between(&self, low: f64, high: f64) -> Var {
        match want_bounds("clamp", self.dtype(), low, high) {
            Ok(()) => self.clone(),
            Err(_) => self.clone().float(),
        }
    }

    /// A constant like this variable's elements.
    #[track_caller]
    pub(crate) fn constant(&self, c: f64) -> Var {
        Var::full(&[], c, self.dtype(), self.device())
    }

    /// This variable and `c` to be compared by value: integers with the whole number that `whole`
    /// makes of a fraction, since there is no integer between the two.
    pub(crate) fn and_number(&self, c: f64, whole: fn(f64) -> f64) -> (Var, Var) {
        const FAR: f64 = (1u64 << 62) as f64;
        let x = match self.dtype() {
            d if d.is_float() => return (self.clone(), self.constant(c)),
            _ if c.abs() < FAR => self.to_dtype(DType::I64),
            _ => self.to_dtype(DType::F64),
        };
        let c = x.constant(if x.dtype().is_float() { c } else { whole(c) });
        (x, c)
    }

    /// An integer or bool variable and a whole number, both in the dtype in which they meet.
    ///
    /// # Panics
    /// When an element of that dtype cannot be `c`.
    #[track_caller]
    pub(crate) fn beside_whole(self, what: &str, c: i64) -> (Var, Var) {
        let x = match self.dtype() {
            DType::Bool => self.into_dtype(DType::I64),
            _ => self,
        };
        if x.dtype() != DType::I64 {
            want_held(what, x.dtype(), c as f64).or_panic();
        }
        // An f64 would round what is beyond 2^53.
        let c = match c.unsigned_abs() <= 1 << 53 {
            true => x.constant(c as f64),
            false => Var::scalar(c),
        };
        (x, c)
    }
}
