//! Timing harness: calibrated samples, median and minimum, one JSON line per case.

use std::hint::black_box;

#[repr(C)]
struct Timespec {
    sec: i64,
    nsec: i64,
}

unsafe extern "C" {
    fn clock_gettime(id: i32, t: *mut Timespec) -> i32;
}

/// How a case's work is counted.
#[derive(Clone, Copy)]
pub enum Work {
    /// Floating point operations per iteration.
    Flops(f64),
    /// Bytes per iteration that a fused kernel must at least move.
    Bytes(f64),
    /// Neither: only the time counts. The number divides the time (1 for none).
    Per(f64),
}

pub struct Bench {
    pub threads: usize,
    pub filter: Vec<String>,
    pub peers: Vec<String>,
    pub sample_ms: f64,
    pub reps: usize,
}

impl Bench {
    /// Seconds: with one thread the CPU time of the process, which other load on a shared machine
    /// does not lengthen; with more the wall clock.
    fn now(&self) -> f64 {
        const MONOTONIC: i32 = 1;
        const PROCESS_CPU: i32 = 2;
        let mut t = Timespec { sec: 0, nsec: 0 };
        let id = if self.threads == 1 {
            PROCESS_CPU
        } else {
            MONOTONIC
        };
        // SAFETY: `t` has the layout of C's `timespec` on 64-bit Linux and is writable; the clocks
        // asked for exist there.
        unsafe { clock_gettime(id, &mut t) };
        t.sec as f64 + t.nsec as f64 * 1e-9
    }

    /// Whether a case is asked for (checked before its inputs are made).
    pub fn wants(&self, peer: &str, case: &str) -> bool {
        (self.filter.is_empty() || self.filter.iter().any(|f| case.contains(f.as_str())))
            && (self.peers.is_empty() || self.peers.iter().any(|p| peer == p))
    }

    /// Runs `f` until a sample lasts `sample_ms`, takes `reps` samples and prints the median.
    pub fn run<R>(&self, peer: &str, case: &str, work: Work, mut f: impl FnMut() -> R) {
        if !self.wants(peer, case) {
            return;
        }
        // Warm up: at least two calls and 10 ms.
        let t = self.now();
        let mut calls = 0u64;
        while calls < 2 || self.now() - t < 0.010 {
            black_box(f());
            calls += 1;
        }
        let once = (self.now() - t) / calls as f64;
        let iters = ((self.sample_ms / 1e3 / once).ceil() as u64).max(1);
        // Long cases get fewer samples.
        let reps = if once > 0.25 { 3 } else { self.reps };
        let mut samples: Vec<f64> = (0..reps)
            .map(|_| {
                let t = self.now();
                for _ in 0..iters {
                    black_box(f());
                }
                (self.now() - t) * 1e9 / iters as f64
            })
            .collect();
        samples.sort_by(f64::total_cmp);
        let (mut med, mut min) = (samples[samples.len() / 2], samples[0]);
        let rate = match work {
            Work::Flops(x) => format!(",\"gflops\":{:.3},\"gflops_best\":{:.3}", x / med, x / min),
            Work::Bytes(x) => format!(",\"gbps\":{:.3},\"gbps_best\":{:.3}", x / med, x / min),
            Work::Per(x) => {
                med /= x;
                min /= x;
                String::new()
            }
        };
        println!(
            "{{\"peer\":\"{peer}\",\"case\":\"{case}\",\"threads\":{},\"ns_per_iter\":{med:.1},\"ns_best\":{min:.1}{rate}}}",
            self.threads
        );
    }
}

/// Deterministic values in [-1, 1).
pub fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            (s >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// Deterministic integers in [0, top).
pub fn ids(n: usize, top: u64, seed: u64) -> Vec<u32> {
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            ((s >> 33) % top) as u32
        })
        .collect()
}
