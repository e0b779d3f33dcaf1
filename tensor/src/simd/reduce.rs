//! Sums, maxima and dot products of contiguous slices.
//!
//! Blocks of 1,024 elements go through four vectors of partial results; the blocks are combined in
//! a binary tree. So an error grows with the logarithm of the length, and the order depends on the
//! length alone.

use super::{Float, Kernel, Lane, Level, MaxBody, Simd, SumBody, Vector, ZipBody, fold_lanes};

const BLOCK: usize = 1024;
const UNROLL: usize = 4;

/// `f` folded over `x`, for an associative `f` with the neutral element `neutral`.
///
/// ```
/// use lepton_tensor::simd::{level, reduce_slice, Lane, ZipBody};
/// #[derive(Clone, Copy)]
/// struct Product;
/// impl ZipBody for Product {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T, y: T) -> T {
///         x * y
///     }
/// }
/// assert_eq!(reduce_slice(level(), &Product, 1.0, &[1.0f64, 2.0, 3.0, 4.0]), 24.0);
/// ```
pub fn reduce_slice<T: Float, F: ZipBody>(level: Level, f: &F, neutral: T, x: &[T]) -> T {
    level.dispatch(Reduce { f: *f, neutral, x })
}

/// The sum of `x`; 0 when empty.
///
/// ```
/// use lepton_tensor::simd::{level, sum_slice};
/// assert_eq!(sum_slice(level(), &[0.25f32; 1_000_003]), 250_000.75);
/// ```
pub fn sum_slice<T: Float>(level: Level, x: &[T]) -> T {
    reduce_slice(level, &SumBody, T::splat(0.0), x)
}

/// The largest of `x`: NaN where any is NaN, -inf when empty.
///
/// ```
/// use lepton_tensor::simd::{level, max_slice};
/// assert_eq!(max_slice(level(), &[1.0f32, 7.0, -2.0]), 7.0);
/// assert!(max_slice(level(), &[1.0, f64::NAN]).is_nan());
/// ```
pub fn max_slice<T: Float>(level: Level, x: &[T]) -> T {
    reduce_slice(level, &MaxBody, T::splat(f64::NEG_INFINITY), x)
}

/// The sum of `x[i] * y[i]`.
///
/// ```
/// use lepton_tensor::simd::{dot, level};
/// assert_eq!(dot(level(), &[1.0f64, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
/// ```
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub fn dot<T: Float>(level: Level, x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len(), "dot: lengths differ");
    level.dispatch(Dot { x, y })
}

/// A fold over one slice.
struct Reduce<'a, T, F> {
    f: F,
    neutral: T,
    x: &'a [T],
}

impl<T: Float, F: ZipBody> Kernel for Reduce<'_, T, F> {
    type Out = T;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> T {
        let mut tree = Tree::new(self.f, self.neutral);
        let mut start = 0;
        while start < self.x.len() {
            let block = &self.x[start..self.x.len().min(start + BLOCK)];
            let mut part = Partial::<T, S>::new(self.neutral);
            part.feed(block, block, self.neutral, |a, x, _| self.f.f(a, x));
            tree.push(part.finish(self.f));
            start += BLOCK;
        }
        tree.finish()
    }
}

/// A dot product of two slices.
struct Dot<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Float> Kernel for Dot<'_, T> {
    type Out = T;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> T {
        let zero = T::splat(0.0);
        let mut tree = Tree::new(SumBody, zero);
        let mut start = 0;
        while start < self.x.len() {
            let end = self.x.len().min(start + BLOCK);
            let mut part = Partial::<T, S>::new(zero);
            let (x, y) = (&self.x[start..end], &self.y[start..end]);
            part.feed(x, y, zero, |a, x, y| x.mul_add(y, a));
            tree.push(part.finish(SumBody));
            start += BLOCK;
        }
        tree.finish()
    }
}

/// Four vectors of partial results.
pub(crate) struct Partial<T: Float, S: Simd>([T::Vec<S>; UNROLL]);

impl<T: Float, S: Simd> Partial<T, S> {
    /// Partial results of nothing.
    #[inline(always)]
    pub(crate) fn new(neutral: T) -> Self {
        Partial([Vector::repeat(neutral); UNROLL])
    }

    /// Partial results that were made elsewhere.
    #[inline(always)]
    pub(crate) fn of(parts: [T::Vec<S>; UNROLL]) -> Self {
        Partial(parts)
    }

    /// Takes in every element of `x` and `y` by `step(partial, x, y)`; the tail is padded.
    #[inline(always)]
    pub(crate) fn feed(
        &mut self,
        x: &[T],
        y: &[T],
        pad: T,
        step: impl Fn(T::Vec<S>, T::Vec<S>, T::Vec<S>) -> T::Vec<S>,
    ) {
        let lanes = T::Vec::<S>::LANES;
        let mut i = 0;
        while i + UNROLL * lanes <= x.len() {
            for u in 0..UNROLL {
                let at = i + u * lanes;
                let (a, b) = (Vector::load(&x[at..]), Vector::load(&y[at..]));
                self.0[u] = step(self.0[u], a, b);
            }
            i += UNROLL * lanes;
        }
        let mut u = 0;
        while i + lanes <= x.len() {
            self.0[u] = step(self.0[u], Vector::load(&x[i..]), Vector::load(&y[i..]));
            u += 1;
            i += lanes;
        }
        if i < x.len() {
            let (a, b) = (&x[i..], &y[i..]);
            let pair = (Vector::load_padded(a, pad), Vector::load_padded(b, pad));
            self.0[u] = step(self.0[u], pair.0, pair.1);
        }
    }

    /// All partial results in one, pairwise.
    #[inline(always)]
    pub(crate) fn finish(self, f: impl ZipBody) -> T {
        let [a, b, c, d] = self.0;
        let v = f.f(f.f(a, b), f.f(c, d));
        fold_lanes::<T, S>(v, f)
    }
}

/// The binary tree over blocks, held as its unfinished left edges (one per set bit of `count`).
struct Tree<T, F> {
    /// How results combine.
    f: F,
    /// The result of no block.
    neutral: T,
    /// The results that wait for a neighbour, by level.
    edges: [T; usize::BITS as usize],
    /// Blocks so far.
    count: usize,
}

impl<T: Float, F: ZipBody> Tree<T, F> {
    /// A tree without blocks.
    #[inline(always)]
    fn new(f: F, neutral: T) -> Self {
        Tree {
            f,
            neutral,
            edges: [neutral; usize::BITS as usize],
            count: 0,
        }
    }

    /// Adds the result of the next block, and merges what is complete.
    #[inline(always)]
    fn push(&mut self, mut x: T) {
        let merges = self.count.trailing_ones() as usize;
        for i in 0..merges {
            x = self.f.f(self.edges[i], x);
        }
        self.edges[merges] = x;
        self.count += 1;
    }

    /// All blocks in one.
    #[inline(always)]
    fn finish(self) -> T {
        let mut total = self.neutral;
        for i in 0..self.edges.len() {
            if self.count >> i & 1 == 1 {
                total = self.f.f(self.edges[i], total);
            }
        }
        total
    }
}
