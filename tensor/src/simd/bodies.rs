//! Bodies that folds share.

use super::{Lane, ZipBody};

/// `x + y`.
#[derive(Clone, Copy)]
pub(crate) struct SumBody;

impl ZipBody for SumBody {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x + y
    }
}

/// The larger; NaN where either is.
#[derive(Clone, Copy)]
pub(crate) struct MaxBody;

impl ZipBody for MaxBody {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x.max(y)
    }
}
