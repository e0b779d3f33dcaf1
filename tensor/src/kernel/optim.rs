//! The updates of optimisers: one pass over a parameter, its gradient and its moments.

use crate::dtype::Element;
use crate::simd::{self, Float, Kernel, Lane, Level, Num, Simd, Vector};
use crate::threads::{self, GRAIN};

/// The numbers of one Adam step, bias corrections applied by the caller.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// The decay of the mean of gradients.
    pub beta1: f64,
    /// The decay of the mean of squared gradients.
    pub beta2: f64,
    /// Learning rate over `1 - beta1^t`.
    pub learning_rate: f64,
    /// `1 / sqrt(1 - beta2^t)`.
    pub scale: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Added to the gradient, times the parameter.
    pub l2: f64,
    /// The factor of the parameter before the step: `1 - lr * decay` for decoupled decay, else 1.
    pub keep: f64,
}

/// The numbers of one step of gradient descent.
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// The factor by which the velocity decays.
    pub momentum: f64,
    /// The factor of the gradient that is added to the velocity: 1 less the dampening.
    pub gradient_scale: f64,
    /// Added to the gradient, times the parameter.
    pub l2: f64,
    /// Whether the step is Nesterov's.
    pub nesterov: bool,
}

/// Updates the parameter `p` and the moments `m`, `v` by the gradient `g`, in parallel.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn adam_update<T: Float + Element>(
    level: Level,
    p: &mut [T],
    g: &[T],
    [m, v]: [&mut [T]; 2],
    step: AdamStep,
) {
    let n = g.len();
    assert!(p.len() == n && m.len() == n && v.len() == n, "one shape");
    let update = |p: &mut [T], g: &[T], m: &mut [T], v: &mut [T]| {
        level.dispatch(Adam { p, g, m, v, step });
    };
    if n <= GRAIN {
        return update(p, g, m, v);
    }
    let pieces = p.chunks_mut(GRAIN).zip(g.chunks(GRAIN));
    let moments = m.chunks_mut(GRAIN).zip(v.chunks_mut(GRAIN));
    let mut pieces: Vec<_> = pieces.zip(moments).collect();
    threads::parallel_chunks(&mut pieces, 1, |_, piece| {
        let ((p, g), (m, v)) = &mut piece[0];
        update(p, g, m, v);
    });
}

/// Updates the parameter `p` and the velocity `v`, if there is one, by the gradient `g`.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn sgd_update<T: Float + Element>(
    level: Level,
    p: &mut [T],
    g: &[T],
    v: Option<&mut [T]>,
    step: SgdStep,
) {
    let fits = v.as_ref().is_none_or(|v| v.len() == g.len());
    assert!(p.len() == g.len() && fits, "one shape");
    level.dispatch(Sgd { p, g, v, step });
}

/// The slices of one Adam step.
struct Adam<'a, T> {
    /// The parameter.
    p: &'a mut [T],
    /// The gradient.
    g: &'a [T],
    /// The mean of gradients.
    m: &'a mut [T],
    /// The mean of squared gradients.
    v: &'a mut [T],
    /// The step's numbers.
    step: AdamStep,
}

impl<T: Float + Element> Kernel for Adam<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = <T::Vec<S> as Vector>::LANES;
        let whole = self.p.len() / lanes * lanes;
        for i in (0..whole).step_by(lanes) {
            let (p, g) = (
                <T::Vec<S>>::load(&self.p[i..]),
                <T::Vec<S>>::load(&self.g[i..]),
            );
            let (m, v) = (
                <T::Vec<S>>::load(&self.m[i..]),
                <T::Vec<S>>::load(&self.v[i..]),
            );
            let [p, m, v] = adam(&self.step, p, g, m, v);
            p.store(&mut self.p[i..]);
            m.store(&mut self.m[i..]);
            v.store(&mut self.v[i..]);
        }
        // The tail runs as a padded vector, so that an element's bits do not depend on its place.
        if whole < self.p.len() {
            let n = self.p.len() - whole;
            let [mut p, mut g, mut m, mut v] = [[T::default(); simd::MAX_LANES]; 4];
            p[..n].copy_from_slice(&self.p[whole..]);
            g[..n].copy_from_slice(&self.g[whole..]);
            m[..n].copy_from_slice(&self.m[whole..]);
            v[..n].copy_from_slice(&self.v[whole..]);
            let (x, y) = (<T::Vec<S>>::load(&p), <T::Vec<S>>::load(&g));
            let [a, b, c] = adam(
                &self.step,
                x,
                y,
                <T::Vec<S>>::load(&m),
                <T::Vec<S>>::load(&v),
            );
            a.store(&mut p);
            b.store(&mut m);
            c.store(&mut v);
            self.p[whole..].copy_from_slice(&p[..n]);
            self.m[whole..].copy_from_slice(&m[..n]);
            self.v[whole..].copy_from_slice(&v[..n]);
        }
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1; decoupled decay as Loshchilov and Hutter 2019).
#[inline(always)]
fn adam<L: Lane>(s: &AdamStep, p: L, g: L, m: L, v: L) -> [L; 3] {
    let c = L::splat;
    let g = g + p * c(s.l2);
    let m = m + (g - m) * c(1.0 - s.beta1);
    let v = v * c(s.beta2) + g * g * c(1.0 - s.beta2);
    let p = p * c(s.keep) - c(s.learning_rate) * m / (v.sqrt() * c(s.scale) + c(s.eps));
    [p, m, v]
}

/// The slices of one step of gradient descent.
struct Sgd<'a, T> {
    /// The parameter.
    p: &'a mut [T],
    /// The gradient.
    g: &'a [T],
    /// The velocity, where there is momentum.
    v: Option<&'a mut [T]>,
    /// The step's numbers.
    step: SgdStep,
}

impl<T: Float + Element> Kernel for Sgd<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let s = self.step;
        let c = <T as Num>::splat;
        let Sgd { p, g, v, .. } = self;
        let Some(v) = v else {
            for i in 0..p.len() {
                p[i] = p[i] - (g[i] + p[i] * c(s.l2)) * c(s.learning_rate);
            }
            return;
        };
        for i in 0..p.len() {
            let grad = g[i] + p[i] * c(s.l2);
            v[i] = v[i] * c(s.momentum) + grad * c(s.gradient_scale);
            let direction = if s.nesterov {
                grad + v[i] * c(s.momentum)
            } else {
                v[i]
            };
            p[i] = p[i] - direction * c(s.learning_rate);
        }
    }
}
