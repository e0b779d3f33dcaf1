//! Plain matrix multiplication crates: gemm, matrixmultiply, faer. Outputs are preallocated.

use crate::harness::{Bench, Work, values};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

pub struct Shape {
    pub name: &'static str,
    pub m: usize,
    pub k: usize,
    pub n: usize,
    /// A is stored transposed (k x m) / B is stored transposed (n x k).
    pub ta: bool,
    pub tb: bool,
}

const fn shape(name: &'static str, m: usize, k: usize, n: usize, ta: bool, tb: bool) -> Shape {
    Shape {
        name,
        m,
        k,
        n,
        ta,
        tb,
    }
}

pub const SHAPES: &[Shape] = &[
    shape("gemm_f32_64", 64, 64, 64, false, false),
    shape("gemm_f32_128", 128, 128, 128, false, false),
    shape("gemm_f32_256", 256, 256, 256, false, false),
    shape("gemm_f32_512", 512, 512, 512, false, false),
    shape("gemm_f32_1024", 1024, 1024, 1024, false, false),
    shape("gemm_f32_2048", 2048, 2048, 2048, false, false),
    shape("gemm_f32_skinny", 64, 784, 256, false, false),
    shape("gemm_f32_gemv", 1, 4096, 4096, false, false),
    shape("gemm_f32_gemv_nt", 1, 4096, 4096, false, true),
    shape("gemm_f32_512_nt", 512, 512, 512, false, true),
    shape("gemm_f32_512_tn", 512, 512, 512, true, false),
];

impl Shape {
    pub fn flops(&self) -> f64 {
        2.0 * (self.m * self.k * self.n) as f64
    }
}

fn par_gemm(t: usize) -> gemm::Parallelism {
    if t == 1 {
        gemm::Parallelism::None
    } else {
        gemm::Parallelism::Rayon(t)
    }
}

fn par_faer(t: usize) -> Par {
    if t == 1 { Par::Seq } else { Par::rayon(t) }
}

/// # Safety
/// `c`, `a` and `b` point to `m n`, `m k` and `k n` elements of `s`; nobody else uses those of `c`.
#[allow(clippy::too_many_arguments)]
unsafe fn gemm_rm<T: Copy + 'static>(
    s: &Shape,
    c: *mut T,
    a: *const T,
    b: *const T,
    one: T,
    zero: T,
    t: usize,
) {
    let (acs, ars) = if s.ta {
        (s.m as isize, 1)
    } else {
        (1, s.k as isize)
    };
    let (bcs, brs) = if s.tb {
        (s.k as isize, 1)
    } else {
        (1, s.n as isize)
    };
    // SAFETY: the caller vouches for the elements, which these strides never leave.
    unsafe {
        gemm::gemm(
            s.m,
            s.n,
            s.k,
            c,
            1,
            s.n as isize,
            false,
            a,
            acs,
            ars,
            b,
            bcs,
            brs,
            zero,
            one,
            false,
            false,
            false,
            par_gemm(t),
        )
    }
}

/// # Safety
/// As [`gemm_rm`].
unsafe fn sgemm_rm(s: &Shape, c: *mut f32, a: *const f32, b: *const f32) {
    let (rsa, csa) = if s.ta {
        (1, s.m as isize)
    } else {
        (s.k as isize, 1)
    };
    let (rsb, csb) = if s.tb {
        (1, s.k as isize)
    } else {
        (s.n as isize, 1)
    };
    // SAFETY: the caller vouches for the elements, which these strides never leave.
    unsafe {
        matrixmultiply::sgemm(
            s.m,
            s.k,
            s.n,
            1.0,
            a,
            rsa,
            csa,
            b,
            rsb,
            csb,
            0.0,
            c,
            s.n as isize,
            1,
        )
    }
}

pub fn run(bench: &Bench) {
    let t = bench.threads;
    for s in SHAPES {
        if !["gemm", "matrixmultiply", "faer"]
            .iter()
            .any(|p| bench.wants(p, s.name))
        {
            continue;
        }
        let (a, b) = (values(s.m * s.k, 1), values(s.k * s.n, 2));
        let mut c = vec![0f32; s.m * s.n];
        let w = Work::Flops(s.flops());
        // SAFETY: the vectors above have the elements of `s`, and `c` is borrowed by this call alone.
        bench.run("gemm", s.name, w, || unsafe {
            gemm_rm(s, c.as_mut_ptr(), a.as_ptr(), b.as_ptr(), 1.0, 0.0, t)
        });
        // SAFETY: as above.
        bench.run("matrixmultiply", s.name, w, || unsafe {
            sgemm_rm(s, c.as_mut_ptr(), a.as_ptr(), b.as_ptr())
        });
        let ar = if s.ta {
            MatRef::from_row_major_slice(&a, s.k, s.m).transpose()
        } else {
            MatRef::from_row_major_slice(&a, s.m, s.k)
        };
        let br = if s.tb {
            MatRef::from_row_major_slice(&b, s.n, s.k).transpose()
        } else {
            MatRef::from_row_major_slice(&b, s.k, s.n)
        };
        let mut cm = Mat::<f32>::zeros(s.n, s.m);
        bench.run("faer", s.name, w, || {
            matmul(
                cm.as_mut().transpose_mut(),
                Accum::Replace,
                ar,
                br,
                1.0,
                par_faer(t),
            )
        });
    }
    // f64
    let s = shape("gemm_f64_512", 512, 512, 512, false, false);
    if ["gemm", "matrixmultiply", "faer"]
        .iter()
        .any(|p| bench.wants(p, s.name))
    {
        let up = |v: Vec<f32>| v.into_iter().map(f64::from).collect::<Vec<_>>();
        let (a, b) = (up(values(s.m * s.k, 1)), up(values(s.k * s.n, 2)));
        let mut c = vec![0f64; s.m * s.n];
        let w = Work::Flops(s.flops());
        // SAFETY: the vectors above have the elements of `s`, and `c` is borrowed by this call alone.
        bench.run("gemm", s.name, w, || unsafe {
            gemm_rm(&s, c.as_mut_ptr(), a.as_ptr(), b.as_ptr(), 1.0, 0.0, t)
        });
        // SAFETY: as above, with the strides of whole rows.
        bench.run("matrixmultiply", s.name, w, || unsafe {
            matrixmultiply::dgemm(
                s.m,
                s.k,
                s.n,
                1.0,
                a.as_ptr(),
                s.k as isize,
                1,
                b.as_ptr(),
                s.n as isize,
                1,
                0.0,
                c.as_mut_ptr(),
                s.n as isize,
                1,
            )
        });
        let (ar, br) = (
            MatRef::from_row_major_slice(&a, s.m, s.k),
            MatRef::from_row_major_slice(&b, s.k, s.n),
        );
        let mut cm = Mat::<f64>::zeros(s.n, s.m);
        bench.run("faer", s.name, w, || {
            matmul(
                cm.as_mut().transpose_mut(),
                Accum::Replace,
                ar,
                br,
                1.0,
                par_faer(t),
            )
        });
    }
    // batch of 32 products 128 x 64 * 64 x 128
    let s = shape("batched_matmul", 128, 64, 128, false, false);
    if ["gemm", "matrixmultiply"]
        .iter()
        .any(|p| bench.wants(p, s.name))
    {
        let (a, b) = (values(32 * s.m * s.k, 1), values(32 * s.k * s.n, 2));
        let mut c = vec![0f32; 32 * s.m * s.n];
        let w = Work::Flops(32.0 * s.flops());
        bench.run("gemm", s.name, w, || {
            for i in 0..32 {
                // SAFETY: product `i < 32` has its own part of each vector, which hold 32.
                unsafe {
                    gemm_rm(
                        &s,
                        c.as_mut_ptr().add(i * s.m * s.n),
                        a.as_ptr().add(i * s.m * s.k),
                        b.as_ptr().add(i * s.k * s.n),
                        1.0,
                        0.0,
                        t,
                    )
                }
            }
        });
        bench.run("matrixmultiply", s.name, w, || {
            for i in 0..32 {
                // SAFETY: as above.
                unsafe {
                    sgemm_rm(
                        &s,
                        c.as_mut_ptr().add(i * s.m * s.n),
                        a.as_ptr().add(i * s.m * s.k),
                        b.as_ptr().add(i * s.k * s.n),
                    )
                }
            }
        });
    }
}
