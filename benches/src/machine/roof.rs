//! How fast the machine can be: multiply-adds, and bytes from each level of its memory.

use std::hint::black_box;

use lepton_tensor::simd::{self, Kernel, Lane, Num, Simd, Vector};
use lepton_tensor::threads;
use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::measure::{Effort, samples};
use crate::stats::quantile;
use crate::{Clock, Iteration, Unit, Work, find};
use lepton_autograd::Var;

/// Measured limits, in GFLOP/s and GB/s, at the SIMD level and on the threads in use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roof {
    /// Multiply-adds of f32; those of f64 are half as many.
    pub peak: f64,
    /// Bytes where everything stays in the second cache.
    pub l2: f64,
    /// Bytes where everything stays in the third cache.
    pub l3: f64,
    /// Bytes from memory.
    pub dram: f64,
    /// Sizes of both caches that the measurement assumed, in bytes.
    pub caches: [usize; 2],
}

impl Roof {
    /// Measures them, in about a second.
    ///
    /// # Errors
    /// When the loop of multiply-adds computes something wrong.
    pub fn measure() -> Result<Roof, String> {
        let here = Fingerprint::here();
        let caches = [(2, 1 << 20), (3, 16 << 20)].map(|(l, or)| here.cache(l).unwrap_or(or));
        let case = find("fma_peak")?;
        let clock = Clock::of(threads::count());
        let fma = samples(clock, case.checked()?, Effort::default());
        Ok(Roof {
            peak: case.work().flops / quantile(&fma, 0.0),
            l2: bandwidth(clock, caches[0] / 2),
            l3: bandwidth(clock, (caches[1] / 2).clamp(caches[0] * 2, 12 << 20)),
            // Far more than the caches hold, also where several cores share the third.
            dram: bandwidth(clock, (caches[1] * 4).clamp(96 << 20, 384 << 20)),
            caches,
        })
    }

    /// GB/s where an iteration touches so many bytes.
    pub fn bandwidth(&self, bytes: f64) -> f64 {
        match self.caches.map(|c| c as f64) {
            [l2, _] if bytes <= l2 => self.l2,
            [_, l3] if bytes <= l3 => self.l3,
            _ => self.dram,
        }
    }

    /// GFLOP/s that elements of so many bytes allow.
    pub fn peak_of(&self, double: bool) -> f64 {
        if double { self.peak / 2.0 } else { self.peak }
    }

    /// The least nanoseconds that this work can take (Williams et al. 2009); `None` where nothing of
    /// it is counted.
    pub fn least_ns(&self, work: Work, double: bool) -> Option<f64> {
        let counted = work.flops > 0.0 || work.bytes > 0.0;
        let single = !matches!(work.unit, Unit::Each(n) if n != 1.0);
        let arithmetic = work.flops / self.peak_of(double);
        let memory = work.bytes / self.bandwidth(work.bytes);
        (counted && single).then_some(arithmetic.max(memory))
    }
}

/// GB/s of the better of two loops over `bytes` in all: reading alone, and a triad.
fn bandwidth(clock: Clock, bytes: usize) -> f64 {
    let n = bytes / 12 / 1024 * 1024;
    let rate = |moved: f64, run: Iteration| {
        moved * n as f64 / quantile(&samples(clock, run, Effort::default()), 0.0)
    };
    let (mut a, b, c) = (vec![0f32; n], vec![1f32; n], vec![2f32; n]);
    let read = [b.clone(), c.clone(), vec![3f32; n]];
    let triad: Iteration = Box::new(move || {
        split(&mut a, |i, a| {
            let at = i * PIECE..i * PIECE + a.len();
            simd::dispatch(Triad {
                a,
                b: &b[at.clone()],
                c: &c[at],
            });
        });
        Var::scalar(black_box(a[n / 2]))
    });
    let sum: Iteration = Box::new(move || {
        let one = |i: usize| {
            let part = |x: &Vec<f32>| {
                simd::dispatch(Read {
                    x: &x[pieces(n, i)],
                })
            };
            read.iter().map(part).sum::<f32>()
        };
        let sums = threads::parallel_map(n.div_ceil(PIECE), one);
        Var::scalar(sums.iter().sum::<f32>())
    });
    rate(12.0, triad).max(rate(12.0, sum))
}

/// Elements that one task takes.
const PIECE: usize = 1 << 15;

fn pieces(n: usize, i: usize) -> std::ops::Range<usize> {
    i * PIECE..((i + 1) * PIECE).min(n)
}

fn split(a: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
    threads::parallel_chunks(a, PIECE, f);
}

/// `a = b + 3 c`; lengths are a multiple of 1024.
struct Triad<'a> {
    a: &'a mut [f32],
    b: &'a [f32],
    c: &'a [f32],
}

impl Kernel for Triad<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = S::F32::LANES;
        let three = S::F32::splat(3.0);
        let inputs = self.b.chunks_exact(lanes).zip(self.c.chunks_exact(lanes));
        for (a, (b, c)) in self.a.chunks_exact_mut(lanes).zip(inputs) {
            S::F32::load(c).mul_add(three, S::F32::load(b)).store(a);
        }
    }
}

/// The sum of `x`, whose length is a multiple of 1024.
struct Read<'a> {
    x: &'a [f32],
}

impl Kernel for Read<'_> {
    type Out = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        let lanes = S::F32::LANES;
        let mut sums = [S::F32::splat(0.0); 8];
        for chunk in self.x.chunks_exact(8 * lanes) {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = *sum + S::F32::load(&chunk[i * lanes..][..lanes]);
            }
        }
        let mut total = sums[0];
        for sum in &sums[1..] {
            total = total + *sum;
        }
        let mut out = [0.0; simd::MAX_LANES];
        total.store(&mut out);
        out.iter().sum()
    }
}
