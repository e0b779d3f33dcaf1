//! The machine's own limit: fused multiply-adds.

use std::hint::black_box;

use lepton_autograd::Var;
use lepton_tensor::simd::{self, Kernel, Lane, Num, Simd, Vector};
use lepton_tensor::threads;

use crate::check::near;
use crate::{Case, Id, Work};

/// Independent chains: more than latency (4 cycles) times issue (2 a cycle), and all in registers.
const CHAINS: usize = 12;
/// Links of each chain in an iteration.
const LINKS: usize = 1 << 20;

/// A link is `x = x * A + B`.
const A: f32 = 0.9999;
const B: f32 = 1e-6;

pub(super) fn cases() -> Vec<Case> {
    // One thread's share is counted here; all threads of the pool work at once.
    let flops = (threads::count() * LINKS * CHAINS * lanes() * 2) as f64;
    let start = || {
        let run = || {
            let level = simd::level();
            let chain = |_| level.dispatch(Chains { links: LINKS });
            let sums = threads::parallel_map(threads::count(), chain);
            Var::new(&sums, &[sums.len()])
        };
        (run, settled)
    };
    let id = Id::new("fma", "f32", &[CHAINS, LINKS], "registers");
    vec![Case::new("fma_peak", id, Work::flops(flops, 0.0), start)]
}

/// Every chain ends near the fixed point `b / (1 - a)`; rounding stops it within a thousandth.
fn settled(sums: &Var) -> Result<(), String> {
    let want = f64::from(B) / (1.0 - f64::from(A));
    let values = sums.tensor().to_f64();
    let each = |sum: &f64| sum / (CHAINS * lanes()) as f64 / want;
    values
        .iter()
        .map(each)
        .try_for_each(|x| near(x, 1.0, 0.01, || "a chain".into()))
}

/// `x = x * a + b` over and over, in [`CHAINS`] vectors.
struct Chains {
    links: usize,
}

impl Kernel for Chains {
    type Out = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        // A fixed point near 0.01: the values neither grow nor become subnormal. The constants are
        // hidden, or the compiler would see that every chain is the same.
        let (a, b) = black_box((A, B));
        let (a, b) = (S::F32::repeat(a), S::F32::repeat(b));
        let mut x = [S::F32::splat(1.0); CHAINS];
        for (i, x) in x.iter_mut().enumerate() {
            *x = S::F32::splat(1.0 + i as f64);
        }
        for _ in 0..self.links {
            for x in &mut x {
                *x = x.mul_add(a, b);
            }
        }
        let mut total = x[0];
        for x in &x[1..] {
            total = total + *x;
        }
        let mut out = [0.0; simd::MAX_LANES];
        total.store(&mut out);
        out.iter().sum()
    }
}

/// Elements in a vector of this machine.
fn lanes() -> usize {
    struct Lanes;
    impl Kernel for Lanes {
        type Out = usize;
        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> usize {
            S::F32::LANES
        }
    }
    simd::dispatch(Lanes)
}
