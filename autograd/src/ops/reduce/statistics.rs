//! Covariances, differences, integrals and slopes of sampled functions.

use lepton_tensor::DType;

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;
use crate::ops::reduce::sum::stretch;
use crate::ops::shape::reshape::broadcast_shape;

impl Var {
    /// Where the elements are neither infinite nor NaN.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, f32::NAN, f32::INFINITY], &[3]).isfinite().to_vec::<bool>()?, [true, false, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn isfinite(&self) -> Var {
        if !self.dtype().is_float() {
            return self.eq(self);
        }
        self.abs().lt(&self.constant(f64::INFINITY))
    }

    /// Where `|self - other| <= absolute + relative |other|`, broadcasting; equal infinities are
    /// close, and so is NaN to NaN when `equal_nan`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[100.0f32, 100.0], &[2]);
    /// assert_eq!(x.isclose(&Var::new(&[105.0f32, 120.0], &[2]), 0.1, 0.0, false).to_vec::<bool>()?, [true, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn isclose(&self, other: &Var, relative: f64, absolute: f64, equal_nan: bool) -> Var {
        broadcast_shape("isclose", self.shape(), other.shape()).or_panic();
        // In f64 integers neither wrap nor lose a fraction of the tolerance.
        let wide = |v: &Var| match v.dtype().is_float() {
            true => v.clone(),
            false => v.to_dtype(DType::F64),
        };
        let (x, y) = (wide(self), wide(other));
        let gap = (&x - &y).abs();
        let near = gap.le(&(y.abs() * relative + absolute));
        let close = near
            .logical_and(&gap.isfinite())
            .logical_or(&self.eq(other));
        if !equal_nan {
            return close;
        }
        close.logical_or(&self.isnan().logical_and(&other.isnan()))
    }

    /// The distances from the mean over `axes`. The mean is rounded: that of the distances corrects it.
    pub(crate) fn centred(&self, axes: &[isize]) -> Var {
        let over = self.axes("centred", axes);
        let wide = |mean: Var| stretch(&mean, self.shape(), &over);
        let near = self - wide(self.detach().mean(axes));
        let missed = wide(near.mean(axes));
        near - missed
    }

    /// How many elements `axes` hold, less `correction`.
    #[track_caller]
    fn freedom(&self, what: &str, axes: &[isize], correction: f64) -> f64 {
        let over = self.axes(what, axes);
        let n: usize = over.iter().map(|&a| self.shape()[a]).product();
        (n as f64 - correction).max(0.0)
    }

    /// The variance over `axes` (all when empty) with `correction` taken off the count.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1e6f32, 1e6 + 1.0, 1e6, 1e6 + 1.0], &[4]);
    /// assert_eq!(x.var(&[], 0.0).item().unwrap(), 0.25);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn var(&self, axes: &[isize], correction: f64) -> Var {
        let freedom = self.freedom("var", axes, correction);
        let x = self.clone().float();
        x.centred(axes).square().sum(axes) / freedom
    }

    /// The standard deviation over `axes` (all when empty) with `correction` taken off the count;
    /// its gradient is 0 where it is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).std(&[], 1.0).item()?, 1.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn std(&self, axes: &[isize], correction: f64) -> Var {
        let freedom = self.freedom("std", axes, correction);
        if freedom == 0.0 {
            return self.var(axes, correction).sqrt_flat();
        }
        let x = self.clone().float();
        x.centred(axes).norm(2.0, axes) / freedom.sqrt()
    }

    /// The covariances of the rows of `[variables, observations]`, a number when there is one, `correction` taken
    /// off the count; observations may be repeated `counts` times and weighted.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 3.0, 2.0, 1.0], &[2, 3]);
    /// assert_eq!(x.cov(None, None, 1.0).to_vec::<f32>()?, [1.0, -1.0, -1.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are more than two axes or the weights do not fit.
    #[track_caller]
    pub fn cov(&self, counts: Option<&Var>, weights: Option<&Var>, correction: f64) -> Var {
        assert!(
            self.rank() <= 2,
            "cov: wants [variables, observations], got {:?}",
            self.shape()
        );
        if let Some(a) = weights {
            assert!(
                a.dtype() == self.dtype(),
                "cov: the weights are {}, the data {}; cast one first",
                a.dtype(),
                self.dtype()
            );
        }
        let rows = if self.rank() == 2 { self.shape()[0] } else { 1 };
        for w in counts.into_iter().chain(weights) {
            assert!(
                w.rank() <= 1 && w.numel() == self.numel() / rows.max(1),
                "cov: {:?} counts or weights for the observations of {:?}; give one each",
                w.shape(),
                self.shape()
            );
        }
        let x = self
            .clone()
            .float()
            .reshape(&[rows, self.numel() / rows.max(1)]);
        let counts = counts.map(|f| f.to_dtype(x.dtype()));
        let w = match (&counts, weights) {
            (Some(f), Some(a)) => f * a,
            (Some(f), None) => f.clone(),
            (None, Some(a)) => a.clone(),
            (None, None) => Var::ones(&x.shape()[1..], x.dtype(), x.device()),
        };
        let total = w.sum(&[]);
        // The mean is rounded: that of the distances corrects it, and has its gradient.
        let mean = |x: &Var| ((x * &w).sum(&[1]) / &total).unsqueeze(1);
        let near = &x - mean(&x).detach();
        let centred = &near - mean(&near);
        let norm = match weights {
            Some(a) if correction != 0.0 => &total - (&w * a).sum(&[]) / &total * correction,
            _ => &total - correction,
        };
        let norm = norm.maximum(&norm.zeros_like());
        let y = (&centred * &w).matmul(&centred.t()) / norm;
        // One variable has a variance, a number.
        if rows == 1 { y.reshape(&[]) } else { y }
    }

    /// A covariance matrix scaled to correlations, held within -1 and 1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 3.0, 2.0, 1.0], &[2, 3]);
    /// let c = x.cov(None, None, 1.0);
    /// assert_eq!(c.correlation().to_vec::<f32>()?, [1.0, -1.0, -1.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When it is neither a square matrix nor a number.
    #[track_caller]
    pub fn correlation(&self) -> Var {
        assert!(
            matches!(*self.shape(), [] | [_, _]) && self.shape().first() == self.shape().last(),
            "correlation: wants a square matrix of covariances or one variance, got {:?}",
            self.shape()
        );
        if self.rank() == 0 {
            return self / self.clone();
        }
        let deviation = self.diagonal(0, 0, 1).sqrt();
        (self / deviation.unsqueeze(0) / deviation.unsqueeze(1)).clamp(-1.0, 1.0)
    }

    /// Slices along `axis` whose `p`-norm exceeds `most`, scaled down to it.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[3.0f32, 4.0, 0.0, 1.0], &[2, 2]);
    /// let y = x.renorm(2.0, 0, 1.0);
    /// assert!(y.select(0, 0).norm(2.0, &[]).item()? <= 1.0);
    /// assert_eq!(y.select(0, 1).to_vec::<f32>()?, [0.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn renorm(&self, p: f64, axis: isize, most: f64) -> Var {
        let keep = self.axis("renorm", axis) as isize;
        assert!(
            self.rank() >= 2 && self.dtype().is_float(),
            "renorm: wants slices of floats, got {} {:?}",
            self.dtype(),
            self.shape()
        );
        let axes: Vec<isize> = (0..self.rank() as isize).filter(|&a| a != keep).collect();
        let size = self.norm(p, &axes).keep_axes(self, &axes);
        let top = Var::full(&[], most, self.dtype(), self.device());
        // The small term keeps the quotient below `most` after rounding.
        let scale = Var::where_(&size.gt(&top), &(&top / (&size + 1e-7)), &size.ones_like());
        self * scale
    }

    /// Differences of neighbours along `axis`, `n` times over; of truth values, where they differ.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 4.0, 9.0], &[3]).diff(1, 0).to_vec::<f32>()?, [3.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn diff(&self, n: usize, axis: isize) -> Var {
        let at = self.axis("diff", axis);
        let truth = self.dtype() == DType::Bool;
        (0..n).fold(self.clone(), |x, _| {
            let rest = x.shape()[at].saturating_sub(1);
            let skip = x.shape()[at] - rest;
            let (later, earlier) = (
                x.slice(at, skip.min(rest), rest, 1),
                x.slice(at, 0, rest, 1),
            );
            match truth {
                true => later.ne(&earlier),
                false => later - earlier,
            }
        })
    }

    /// The areas of the trapezoids between neighbours along `axis`, over points `x` (along that
    /// axis, or of the full shape), or `dx` apart.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let areas = Var::new(&[1.0f32, 2.0, 3.0], &[3]).trapezoids(None, 1.0, 0);
    /// assert_eq!(areas.to_vec::<f32>()?, [1.5, 2.5]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or the points do not fit.
    #[track_caller]
    pub fn trapezoids(&self, x: Option<&Var>, dx: f64, axis: isize) -> Var {
        let at = self.axis("trapezoids", axis);
        let n = self.shape()[at].saturating_sub(1);
        let y = self.clone().float();
        let middle = (y.slice(at, y.shape()[at] - n, n, 1) + y.slice(at, 0, n, 1)) * 0.5;
        let Some(x) = x.map(|x| x.clone().float()) else {
            return middle * dx;
        };
        assert!(
            x.shape() == self.shape() || *x.shape() == self.shape()[at..=at],
            "trapezoids: points of {:?} do not fit axis {axis} of {:?}; give one for each element of the axis, or of the whole",
            x.shape(),
            self.shape()
        );
        let width = if x.rank() == 1 {
            let tail = vec![1; self.rank() - at - 1];
            let line = x.diff(1, 0);
            line.reshape(&[line.shape(), &tail].concat())
        } else {
            x.diff(1, at as isize - self.rank() as isize)
        };
        middle * width
    }

    /// The slope along `axis` of a function sampled `h` apart, or at the points `h`: second-order
    /// differences inside, of order `edge` (1 or 2) at the ends.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[0.0f32, 1.0, 4.0, 9.0], &[4]);
    /// let h = Var::new(&[1.0f32], &[1]).reshape(&[]);
    /// // In the middle (y[i + 1] - y[i - 1]) / 2.
    /// assert_eq!(x.gradient(&h, 0, 1).to_vec::<f32>()?, [1.0, 2.0, 4.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or has fewer than `edge + 1` elements.
    #[track_caller]
    pub fn gradient(&self, h: &Var, axis: isize, edge: usize) -> Var {
        let at = self.axis("gradient", axis);
        let n = self.shape()[at];
        assert!(
            h.rank() == 0 || *h.shape() == [n],
            "gradient: points of {:?} do not fit axis {axis} of {:?}; give a step, or one point for each element",
            h.shape(),
            self.shape()
        );
        assert!(
            edge == 1 || edge == 2,
            "gradient: the order of the edges is {edge}, must be 1 or 2"
        );
        assert!(
            n > edge,
            "gradient: axis {at} of {:?} has too few elements for edges of order {edge}",
            self.shape()
        );
        let y = self.clone().float();
        let h = h.to_dtype(y.dtype());
        let steps = if h.rank() == 0 {
            h.expand(&[n - 1])
        } else {
            h.diff(1, 0)
        };
        let tail = vec![1; self.rank() - at - 1];
        let steps = steps.reshape(&[&[n - 1], &tail[..]].concat());
        let quotients = y.diff(1, at as isize) / &steps;
        let (q, d) = (
            |i: usize, len: usize| quotients.slice(at, i, len, 1),
            |i: usize, len: usize| steps.slice(0, i, len, 1),
        );
        // Inside: neighbours' difference quotients weighted by the other's step.
        let inner = n.saturating_sub(2);
        let middle = if inner > 0 {
            let (left, right) = (d(0, inner), d(1, inner));
            (q(0, inner) * &right + q(1, inner) * &left) / (left + right)
        } else {
            q(0, 0)
        };
        let (first, last) = if edge == 1 {
            (q(0, 1), q(n - 2, 1))
        } else {
            let end = |a: usize, b: usize| {
                let bend = (q(b, 1) - q(a, 1)) / (d(a, 1) + d(b, 1));
                q(a, 1) - bend * d(a, 1)
            };
            (end(0, 1), end(n - 2, n - 3))
        };
        Var::cat(&[first, middle, last], at as isize)
    }
}
