//! Where values belong in rows that are in order.

use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor, ops};
use smallvec::smallvec;

use crate::engine::case::{Case, distinct, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Op, Outs};
use crate::engine::var::Var;
use crate::ops::create::promotion::match_dtypes;
use crate::ops::shape::reshape::broadcast_shape;

crate::catalogue! {
    pub(crate)
    ops: SearchSorted
}

/// Where values `[.., more..]` belong in rising rows `[.., n]`, by bisection; NaN is the largest.
#[derive(Clone, Debug)]
pub struct SearchSorted {
    /// Behind equals instead of before them.
    pub right: bool,
}

impl Op for SearchSorted {
    const NAME: &'static str = "searchsorted";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let (rows, values) = (x[0], x[1]);
        let lead = rows.rank().checked_sub(1).map(|last| &rows.shape[..last]);
        if !lead.is_some_and(|lead| values.shape.starts_with(lead)) || rows.dtype != values.dtype {
            return Err(Error::shape(format!(
                "searchsorted: wants sorted rows [.., n] and values [.., m] of their dtype, got {} {:?} and {} {:?}",
                rows.dtype, rows.shape, values.dtype, values.shape
            )));
        }
        Ok(smallvec![values.with_dtype(DType::I64)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::search_sorted(&x[0], &x[1], self.right)])
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![None, None]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(self.clone(), all_batched(x, batched, n))
    }

    crate::fields!(right);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut rows = distinct(rng, &[2, 5]).to_f64();
        rows.chunks_mut(5).for_each(|r| r.sort_by(f64::total_cmp));
        let mut values = floats(rng, &[2, 3], -3.0, 3.0).to_f64();
        values[0] = rows[1];
        let case = |right: bool| {
            let before = |i: usize| {
                let below = |x: &&f64| **x < values[i] || (right && **x == values[i]);
                rows[i / 3 * 5..][..5].iter().filter(below).count() as i64
            };
            let want = Tensor::from_vec((0..6).map(before).collect(), &[2, 3]);
            let of = |v: &[f64], n| Tensor::from_slice(v, &[2, n]).expect("as many");
            Case::new(SearchSorted { right }, vec![of(&rows, 5), of(&values, 3)])
                .want(vec![want.expect("as many")])
        };
        vec![case(false), case(true)]
    }
}

impl Var {
    /// How many elements of the rising `self` are below each of `values` (not above, when `right`):
    /// where they would be inserted. Rows pair up when there are several; NaN is the largest, as in
    /// [`Var::sort`].
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (row, x) = (Var::new(&[1.0f64, 2.0, 4.0], &[3]), Var::new(&[2.0f64, 9.0], &[2]));
    /// assert_eq!(row.searchsorted(&x, false).to_vec::<i64>().unwrap(), [1, 3]);
    /// ```
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[track_caller]
    pub fn searchsorted(&self, values: &Var, right: bool) -> Var {
        let (rows, values) = match_dtypes(self.clone(), values.clone());
        let (rows, values) = pair_rows(rows, values);
        crate::engine::apply::one(SearchSorted { right }, smallvec![rows, values])
    }
}

/// Rows and values with the same leading axes, where these broadcast.
fn pair_rows(rows: Var, values: Var) -> (Var, Var) {
    if rows.rank() < 2 || values.rank() == 0 {
        return (rows, values);
    }
    let ends = [rows.rank() - 1, values.rank() - 1];
    let lead = broadcast_shape(
        "searchsorted",
        &rows.shape()[..ends[0]],
        &values.shape()[..ends[1]],
    );
    let Ok(lead) = lead else {
        return (rows, values);
    };
    let wide = |x: &Var, end: usize| x.expand(&[&lead[..], &x.shape()[end..]].concat());
    (wide(&rows, ends[0]), wide(&values, ends[1]))
}
