//! Element types: the run-time [`DType`] and the Rust types that carry them.

use std::fmt;

use crate::{Error, Result};

/// The type of a tensor's elements.
///
/// ```
/// use lepton_tensor::DType;
/// assert_eq!(DType::F32.size(), 4);
/// assert_eq!(DType::I64.to_string(), "i64");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit signed integer; indices and sums of integers.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 8-bit signed integer.
    I8,
    /// 8-bit unsigned integer.
    U8,
    /// Truth value, one byte.
    Bool,
}

impl DType {
    /// Every dtype, floats first.
    pub const ALL: [DType; 7] = [
        DType::F32,
        DType::F64,
        DType::I64,
        DType::I32,
        DType::I8,
        DType::U8,
        DType::Bool,
    ];

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 | DType::I32 => 4,
            DType::I8 | DType::U8 | DType::Bool => 1,
        }
    }

    /// True for f32 and f64, the types that carry gradients.
    ///
    /// ```
    /// use lepton_tensor::DType;
    /// assert!(DType::F64.is_float() && !DType::I64.is_float());
    /// ```
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// The short name: `f32`, `i64`, `bool`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::I8 => "i8",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }

    /// The dtype of that short name, or `None`.
    ///
    /// ```
    /// use lepton_tensor::DType;
    /// assert_eq!(DType::from_name("u8"), Some(DType::U8));
    /// assert_eq!(DType::from_name("float"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Fails, in the name of `what`, unless this is a float dtype.
    ///
    /// # Errors
    /// For integers and bool.
    ///
    /// ```
    /// use lepton_tensor::DType;
    /// let said = DType::I64.want_float("exp").unwrap_err().to_string();
    /// assert_eq!(said, "exp: wants f32 or f64, got i64; cast first: x.to_dtype(..)");
    /// ```
    pub fn want_float(self, what: &str) -> Result<()> {
        if self.is_float() {
            return Ok(());
        }
        Err(Error::dtype(format!(
            "{what}: wants f32 or f64, got {self}; cast first: x.to_dtype(..)"
        )))
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that a tensor can hold.
///
/// Sealed: storage relies on these being plain, without padding, and on nothing else having them.
pub trait Element:
    Copy + PartialEq + PartialOrd + Default + fmt::Debug + Send + Sync + sealed::Sealed + 'static
{
    /// The dtype that stands for this type.
    const DTYPE: DType;
    /// The value in f64 (i64 beyond 2^53 is rounded; `true` is 1).
    fn to_f64(self) -> f64;
    /// The nearest value of this type: floats round, integers truncate and saturate.
    fn from_f64(x: f64) -> Self;
    /// The value in i64: floats truncate and saturate.
    fn to_i64(self) -> i64;
    /// The value of an i64: integers wrap, floats round.
    fn from_i64(x: i64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

// One row per element type; a trait with seven nearly equal impls reads best as a table.
macro_rules! elements {
    ($($t:ty => $d:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            #[inline(always)] fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)] fn from_f64(x: f64) -> $t { x as $t }
            #[inline(always)] fn to_i64(self) -> i64 { self as i64 }
            #[inline(always)] fn from_i64(x: i64) -> $t { x as $t }
        }
    )*};
}
elements!(f32 => F32, f64 => F64, i64 => I64, i32 => I32, i8 => I8, u8 => U8);

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    #[inline(always)]
    fn from_f64(x: f64) -> bool {
        x != 0.0
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        i64::from(self)
    }
    #[inline(always)]
    fn from_i64(x: i64) -> bool {
        x != 0
    }
}

/// Runs an expression with a type name bound to the element type of a run-time dtype.
///
/// `match_dtype!(x.dtype(), T => f::<T>(x))` expands to a `match` with one arm per dtype, each
/// with `type T = f32;` (and so on) in front of the expression. A leading `float` has only the
/// arms f32 and f64 and panics on others, which the shape rule has refused before.
///
/// ```
/// use lepton_tensor::{DType, match_dtype};
/// let name = |dtype: DType| match_dtype!(dtype, T => std::any::type_name::<T>());
/// assert_eq!(name(DType::I64), "i64");
/// ```
#[macro_export]
macro_rules! match_dtype {
    (float $d:expr, $t:ident => $e:expr) => {
        match $d {
            $crate::DType::F32 => {
                type $t = f32;
                $e
            }
            $crate::DType::F64 => {
                type $t = f64;
                $e
            }
            other => unreachable!("the shape rule lets only floats through, not {other}"),
        }
    };
    ($d:expr, $t:ident => $e:expr) => {
        match $d {
            $crate::DType::F32 => {
                type $t = f32;
                $e
            }
            $crate::DType::F64 => {
                type $t = f64;
                $e
            }
            $crate::DType::I64 => {
                type $t = i64;
                $e
            }
            $crate::DType::I32 => {
                type $t = i32;
                $e
            }
            $crate::DType::I8 => {
                type $t = i8;
                $e
            }
            $crate::DType::U8 => {
                type $t = u8;
                $e
            }
            $crate::DType::Bool => {
                type $t = bool;
                $e
            }
            #[allow(
                unreachable_patterns,
                reason = "DType is non-exhaustive outside its crate"
            )]
            other => unreachable!("no element type for {other}"),
        }
    };
}
