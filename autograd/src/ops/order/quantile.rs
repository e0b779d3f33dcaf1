//! Order statistics: which element, found by sorting; the value, and its gradient, by `gather`.

use lepton_tensor::ops::{self, Extreme};
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor, layout};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, distinct};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Op, Outs};
use crate::engine::var::Var;
use crate::ops::shape::rearrange::index_of;

crate::catalogue! {
    pub(crate)
    ops: CumArg
}

/// The index of the extreme so far along `axis`; the last of equals, NaN stays.
#[derive(Clone, Debug)]
pub struct CumArg {
    /// The axis.
    pub axis: usize,
    /// The smallest instead of the largest.
    pub min: bool,
}

impl Op for CumArg {
    const NAME: &'static str = "cumarg";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        layout::axis("cumarg", self.axis as isize, x[0].rank())?;
        Ok(smallvec![x[0].with_dtype(DType::I64)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let extreme = if self.min { Extreme::Min } else { Extreme::Max };
        Ok(smallvec![ops::arg_scan(extreme, &x[0], self.axis)])
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![None]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let op = CumArg {
            axis: self.axis + 1,
            min: self.min,
        };
        crate::apply(op, smallvec![x[0].clone()])
    }

    crate::fields!(axis, min);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = distinct(rng, &[3, 4]);
        let v = x.to_f64();
        let best = |i: usize| {
            let row = i / 4 * 4;
            let far = |&a: &usize, &b: &usize| v[a].total_cmp(&v[b]);
            ((row..=i).max_by(far).unwrap_or(i) - row) as i64
        };
        let want = Tensor::from_vec((0..12).map(best).collect(), &[3, 4]).expect("as many");
        let op = CumArg {
            axis: 1,
            min: false,
        };
        vec![Case::new(op, vec![x]).want(vec![want])]
    }
}

/// Fails, in the name of `what`, unless `q` is one number in `[0, 1]` (where there is one to read).
fn want_share(what: &str, q: &Var) -> Result<()> {
    if q.numel() != 1 {
        return Err(Error::shape(format!(
            "{what}: q has shape {:?}, must be one number",
            q.shape()
        )));
    }
    match q.item() {
        Ok(q) if !(0.0..=1.0).contains(&q) => {
            Err(Error::value(format!("{what}: q is {q}, must be in [0, 1]")))
        }
        _ => Ok(()),
    }
}

impl Var {
    /// Values at `index` along `axis`, of which the index has size 1, without that axis.
    #[track_caller]
    fn pick(&self, index: Var, axis: isize) -> (Var, Var) {
        let values = self.gather(axis, &index);
        (values.squeeze(axis), index.squeeze(axis))
    }

    /// The largest along `axis`, which vanishes, and its index; all gradient goes to that one.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// let (values, index) = x.max_dim(1);
    /// assert_eq!(values.to_vec::<f32>()?, [3.0, 6.0]);
    /// assert_eq!(index.to_vec::<i64>()?, [2, 2]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    #[track_caller]
    pub fn max_dim(&self, axis: isize) -> (Var, Var) {
        self.filled_axis("max_dim", axis);
        self.pick(self.argmax(axis).unsqueeze(axis), axis)
    }

    /// The smallest along `axis`, which vanishes, and its index; all gradient goes to that one.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// let (values, index) = x.min_dim(1);
    /// assert_eq!(values.to_vec::<f32>()?, [1.0, 4.0]);
    /// assert_eq!(index.to_vec::<i64>()?, [0, 0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    #[track_caller]
    pub fn min_dim(&self, axis: isize) -> (Var, Var) {
        self.filled_axis("min_dim", axis);
        self.pick(self.argmin(axis).unsqueeze(axis), axis)
    }

    #[track_caller]
    fn cumulative(&self, axis: isize, min: bool) -> (Var, Var) {
        let at = self.axis(if min { "cummin" } else { "cummax" }, axis);
        let index = crate::engine::apply::one(CumArg { axis: at, min }, smallvec![self.clone()]);
        (self.gather(axis, &index), index)
    }

    /// The largest so far along `axis`, and its index (the last of equals).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (values, index) = Var::new(&[1.0f32, 3.0, 2.0], &[3]).cummax(0);
    /// assert_eq!(values.to_vec::<f32>()?, [1.0, 3.0, 3.0]);
    /// assert_eq!(index.to_vec::<i64>()?, [0, 1, 1]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn cummax(&self, axis: isize) -> (Var, Var) {
        self.cumulative(axis, false)
    }

    /// The smallest so far along `axis`, and its index (the last of equals).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (values, index) = Var::new(&[3.0f32, 1.0, 2.0], &[3]).cummin(0);
    /// assert_eq!(values.to_vec::<f32>()?, [3.0, 1.0, 1.0]);
    /// assert_eq!(index.to_vec::<i64>()?, [0, 1, 1]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn cummin(&self, axis: isize) -> (Var, Var) {
        self.cumulative(axis, true)
    }

    /// The `k`-th smallest (from 1) along `axis`, which vanishes, and its index.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (value, index) = Var::new(&[5.0f32, 1.0, 3.0], &[3]).kthvalue(2, 0);
    /// assert_eq!((value.item()?, index.item()?), (3.0, 2.0));
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or holds fewer than `k`.
    #[track_caller]
    pub fn kthvalue(&self, k: usize, axis: isize) -> (Var, Var) {
        let at = self.axis("kthvalue", axis);
        assert!(
            (1..=self.shape()[at]).contains(&k),
            "kthvalue: k = {k} is not within axis {at} of {:?}",
            self.shape()
        );
        let order = self.detach().sort(axis, false).1;
        self.pick(order.slice(at, k - 1, 1, 1), axis)
    }

    /// The median (of two middle ones the lower) along `axis`, which vanishes, and its index; NaN
    /// when there is one, unless they are skipped.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (value, index) = Var::new(&[5.0f32, 1.0, 3.0, 4.0], &[4]).median(0, false);
    /// assert_eq!((value.item()?, index.item()?), (3.0, 2.0));
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    #[track_caller]
    pub fn median(&self, axis: isize, skip_nan: bool) -> (Var, Var) {
        let at = self.filled_axis("median", axis);
        let n = self.shape()[at] as i64;
        let order = self.detach().sort(axis, false).1;
        let bad = self.isnan().sum(&[axis]).unsqueeze(axis);
        let last = bad.zeros_like() + (n - 1);
        // NaN is sorted last: skipped ones shorten the axis, others are the answer.
        let place = if skip_nan {
            let good = last - bad;
            (good.to_dtype(DType::F64) / 2.0)
                .trunc()
                .to_dtype(DType::I64)
        } else {
            let middle = bad.zeros_like() + (n - 1).div_euclid(2);
            Var::where_(&bad.gt(&bad.zeros_like()), &(last - bad + 1), &middle)
        };
        let place = place.maximum(&place.zeros_like());
        self.pick(order.gather(axis, &place), axis)
    }

    /// The most frequent value along `axis` (of several the smallest), which vanishes, and the
    /// index of its last occurrence.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (value, _) = Var::new(&[2.0f32, 1.0, 2.0], &[3]).mode(0);
    /// assert_eq!(value.item()?, 2.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    #[track_caller]
    pub fn mode(&self, axis: isize) -> (Var, Var) {
        let at = self.filled_axis("mode", axis);
        let n = self.shape()[at];
        let (sorted, order) = self.detach().sort(axis, false);
        let place = order.ones_like().cumsum(axis) - 1;
        // Equals stand in runs: the place that is furthest behind the start of its run ends the longest one.
        let part = |x: &Var, start: usize, n: usize| x.slice(at, start, n, 1);
        let fresh = part(&sorted, 1, n - 1).ne(&part(&sorted, 0, n - 1));
        let starts = Var::where_(
            &fresh,
            &part(&place, 1, n - 1),
            &part(&place, 0, n - 1).zeros_like(),
        );
        let starts = Var::cat(&[part(&place, 0, 1), starts], axis).cummax(axis).0;
        let last = (place - starts).argmax(axis).unsqueeze(axis);
        self.pick(order.gather(axis, &last), axis)
    }

    /// The `q`-quantile along `axis`, which vanishes, between neighbours as `interpolation` says;
    /// NaN when there is one, unless they are skipped. `q` is a variable without axes: the result
    /// depends on it, too.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// use lepton_autograd::Interpolation;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[4]);
    /// let q = Var::new(&[0.5f32], &[1]);
    /// assert_eq!(x.quantile(&q, 0, false, Interpolation::Linear).to_vec::<f32>()?, [2.5]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty, or `q` is not one number in `[0, 1]`.
    #[track_caller]
    pub fn quantile(&self, q: &Var, axis: isize, skip_nan: bool, between: Interpolation) -> Var {
        let at = self.filled_axis("quantile", axis);
        want_share("quantile", q).or_panic();
        let x = self.clone().float();
        let sorted = x.sort(axis, false).0;
        let bad = x.isnan().sum(&[axis]).unsqueeze(axis);
        let top = self.shape()[at] as f64 - 1.0;
        let skipped = bad.to_dtype(x.dtype()) * if skip_nan { -1.0 } else { 0.0 };
        let last = skipped + top;
        let rank = last.maximum(&last.zeros_like()) * q.reshape(&[]);
        let rank = match between {
            Interpolation::Lower => rank.floor(),
            Interpolation::Higher => rank.ceil(),
            Interpolation::Nearest => rank.round(),
            Interpolation::Linear | Interpolation::Midpoint => rank,
        };
        let at_rank = |r: &Var| {
            let r = r.detach().to_dtype(DType::I64);
            sorted.gather(axis, &r).squeeze(axis)
        };
        let (low, high) = (at_rank(&rank.floor()), at_rank(&rank.ceil()));
        let weight = match between {
            Interpolation::Midpoint => rank.zeros_like() + 0.5,
            _ => rank.frac(),
        };
        let y = low.lerp(&high, &weight.squeeze(axis));
        if skip_nan {
            return y;
        }
        let bad = bad.squeeze(axis);
        y.masked_fill(&bad.gt(&bad.zeros_like()), f64::NAN)
    }

    /// The indices that sort along `axis`; stable.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[3.0f32, 1.0, 2.0], &[3]).argsort(0, false).to_vec::<i64>()?, [1, 2, 0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Var {
        self.axis("argsort", axis);
        self.detach().sort(axis, descending).1
    }

    /// Which of `bins` equal parts of `[low, high]` each element falls into, counted.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let counts = Var::new(&[0.0f32, 0.25, 0.5, 1.0], &[4]).histogram(2, 0.0, 1.0);
    /// assert_eq!(counts.shape(), [2]);
    /// assert_eq!(counts.sum(&[]).item()?, 4.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `bins` is 0, or the range is not finite or falls.
    #[track_caller]
    pub fn histogram(&self, bins: usize, low: f64, high: f64) -> Var {
        assert!(
            bins > 0 && low <= high && (high - low).is_finite(),
            "histogram: {bins} bins from {low} to {high}; give one bin or more, of a finite range"
        );
        let x = self.detach().reshape(&[self.numel()]);
        // f64 tells integers apart that f32 does not.
        let x = match x.dtype().is_float() {
            true => x,
            false => x.to_dtype(DType::F64),
        };
        let width = (high - low) / bins as f64;
        let bin = ((&x - low) / width).floor().clamp(0.0, bins as f64 - 1.0);
        let inside = x.ge(&x.constant(low)).logical_and(&x.le(&x.constant(high)));
        let bin = bin.masked_fill(&x.isnan(), 0.0).to_dtype(DType::I64);
        let counts = Var::zeros(&[bins], self.dtype(), x.device());
        counts.scatter_add(0, &bin, &inside.to_dtype(self.dtype()))
    }

    /// `0, 1, .. n - 1` as i64.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::range(3).to_vec::<i64>()?, [0, 1, 2]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn range(n: usize) -> Var {
        index_of(&[n], |i| i as i64)
    }
}

/// What a quantile between two elements is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The point on the line between them.
    Linear,
    /// The lower.
    Lower,
    /// The higher.
    Higher,
    /// The nearer, at a tie the one of even rank.
    Nearest,
    /// The mean of both.
    Midpoint,
}
