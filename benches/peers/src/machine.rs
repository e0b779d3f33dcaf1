//! The machine's own limits: FMA peak and memory bandwidth, and the loops a fused kernel would be.

use crate::harness::{Bench, Work, values};
use std::arch::x86_64::*;

#[target_feature(enable = "avx2,fma")]
fn fma_loop(n: usize) -> f32 {
    // 12 independent chains hide the latency of 4 cycles at 2 issues per cycle.
    let mut acc = [_mm256_set1_ps(1.0); 12];
    let a = _mm256_set1_ps(0.999_9);
    let b = _mm256_set1_ps(1e-6);
    for _ in 0..n {
        for x in &mut acc {
            *x = _mm256_fmadd_ps(*x, a, b);
        }
    }
    let mut s = acc[0];
    for x in &acc[1..] {
        s = _mm256_add_ps(s, *x);
    }
    _mm256_cvtss_f32(s)
}

#[target_feature(enable = "avx2,fma")]
fn triad(a: &mut [f32], b: &[f32], c: &[f32], s: f32) {
    let s = _mm256_set1_ps(s);
    let n = a.len().min(b.len()).min(c.len()) / 8 * 8;
    for i in (0..n).step_by(8) {
        // SAFETY: `i + 8 <= n`, and each slice has `n` elements.
        unsafe {
            let v = _mm256_fmadd_ps(
                _mm256_loadu_ps(c.as_ptr().add(i)),
                s,
                _mm256_loadu_ps(b.as_ptr().add(i)),
            );
            _mm256_storeu_ps(a.as_mut_ptr().add(i), v);
        }
    }
}

/// The same with non-temporal stores; `a` must be 32-byte aligned.
#[target_feature(enable = "avx2,fma")]
fn triad_nt(a: &mut [f32], b: &[f32], c: &[f32], s: f32) {
    let s = _mm256_set1_ps(s);
    let n = a.len().min(b.len()).min(c.len()) / 8 * 8;
    for i in (0..n).step_by(8) {
        // SAFETY: as in `triad`; `split_run` gives parts of aligned memory, whole vectors each.
        unsafe {
            let v = _mm256_fmadd_ps(
                _mm256_loadu_ps(c.as_ptr().add(i)),
                s,
                _mm256_loadu_ps(b.as_ptr().add(i)),
            );
            _mm256_stream_ps(a.as_mut_ptr().add(i), v);
        }
    }
    _mm_sfence();
}

#[target_feature(enable = "avx2,fma")]
fn read_sum(b: &[f32]) -> f32 {
    let mut acc = [_mm256_setzero_ps(); 8];
    for ch in b.chunks_exact(64) {
        for (j, x) in acc.iter_mut().enumerate() {
            // SAFETY: `j < 8`, so these 8 elements lie in the chunk of 64.
            *x = _mm256_add_ps(*x, unsafe { _mm256_loadu_ps(ch.as_ptr().add(j * 8)) });
        }
    }
    let mut s = acc[0];
    for x in &acc[1..] {
        s = _mm256_add_ps(s, *x);
    }
    _mm256_cvtss_f32(s)
}

fn aligned(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    v.resize(n + 8, 0.0);
    let off = v.as_ptr().align_offset(32);
    &mut v[off..off + n]
}

fn split_run(t: usize, a: &mut [f32], b: &[f32], c: &[f32], nt: bool) {
    let n = a.len().div_ceil(t).next_multiple_of(8);
    // SAFETY: `run` comes here only where the CPU has AVX2 and FMA.
    let go = |x: &mut [f32], y: &[f32], z: &[f32]| unsafe {
        if nt {
            triad_nt(x, y, z, 3.0)
        } else {
            triad(x, y, z, 3.0)
        }
    };
    if t == 1 {
        return go(a, b, c);
    }
    std::thread::scope(|s| {
        for ((x, y), z) in a.chunks_mut(n).zip(b.chunks(n)).zip(c.chunks(n)) {
            s.spawn(move || go(x, y, z));
        }
    });
}

pub fn run(bench: &Bench) {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return;
    }
    let t = bench.threads;
    if bench.wants("machine", "fma_peak") {
        let n = 1_000_000;
        let flops = (n * 12 * 8 * 2 * t) as f64;
        bench.run("machine", "fma_peak", Work::Flops(flops), || {
            std::thread::scope(|s| {
                for _ in 1..t {
                    // SAFETY: the CPU has AVX2 and FMA, see above.
                    s.spawn(|| std::hint::black_box(unsafe { fma_loop(n) }));
                }
                // SAFETY: as above.
                unsafe { fma_loop(n) }
            })
        });
    }
    for (name, n) in [
        ("stream_triad", 1usize << 24),
        ("stream_triad_l3", 1 << 20),
        ("stream_triad_l2", 1 << 15),
    ] {
        let nt_name = format!("{name}_nt");
        if bench.wants("machine", name) || bench.wants("machine", &nt_name) {
            let (mut av, mut bv, mut cv) = (vec![], vec![], vec![]);
            let a = aligned(&mut av, n);
            let b = aligned(&mut bv, n);
            let c = aligned(&mut cv, n);
            b.copy_from_slice(&values(n, 1));
            c.copy_from_slice(&values(n, 2));
            let w = Work::Bytes(12.0 * n as f64);
            bench.run("machine", name, w, || split_run(t, a, b, c, false));
            if n == 1 << 24 {
                bench.run("machine", &nt_name, w, || split_run(t, a, b, c, true));
            }
        }
    }
    if bench.wants("machine", "stream_read") {
        let n = 1usize << 24;
        let b = values(n, 1);
        bench.run(
            "machine",
            "stream_read",
            Work::Bytes(4.0 * n as f64),
            || {
                if t == 1 {
                    // SAFETY: the CPU has AVX2 and FMA, see above.
                    return unsafe { read_sum(&b) };
                }
                std::thread::scope(|s| {
                    let h: Vec<_> = b
                        .chunks(n / t)
                        // SAFETY: as above.
                        .map(|x| s.spawn(move || unsafe { read_sum(x) }))
                        .collect();
                    h.into_iter().map(|x| x.join().unwrap()).sum()
                })
            },
        );
    }
    // What a fresh 64 MiB output costs by itself: page faults of a new mapping.
    if bench.wants("machine", "fresh_64mib_touch") {
        let n = 1usize << 24;
        bench.run(
            "machine",
            "fresh_64mib_touch",
            Work::Bytes(4.0 * n as f64),
            || {
                let mut v: Vec<f32> = Vec::with_capacity(n);
                for i in (0..n).step_by(1024) {
                    // SAFETY: `i < n`, which the vector has room for.
                    unsafe { v.as_mut_ptr().add(i).write_volatile(1.0) };
                }
                v
            },
        );
    }
}
