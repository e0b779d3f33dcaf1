//! Matrix products.

use lepton_autograd::{DType, Var};

use crate::check;
use crate::inputs::{tensor, values};
use crate::{Case, Id, Work};

/// A product `[m, k] x [k, n]`, once or over a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    /// What identifiers call it.
    pub(crate) op: &'static str,
    pub(crate) batch: Option<usize>,
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
    /// The left side is stored transposed.
    pub(crate) tn: bool,
    /// The right side is stored transposed.
    pub(crate) nt: bool,
    pub(crate) dtype: DType,
}

impl Product {
    /// A product of plain f32 matrices.
    pub(crate) fn new(m: usize, k: usize, n: usize) -> Product {
        Product {
            op: "gemm",
            batch: None,
            m,
            k,
            n,
            tn: false,
            nt: false,
            dtype: DType::F32,
        }
    }

    fn work(self) -> Work {
        let (m, k, n) = (self.m as f64, self.k as f64, self.n as f64);
        let batch = self.batch.unwrap_or(1) as f64;
        let size = self.dtype.size() as f64;
        Work::flops(
            batch * 2.0 * m * k * n,
            batch * size * (m * k + k * n + m * n),
        )
    }

    fn id(self) -> Id {
        let shape: Vec<usize> = self
            .batch
            .into_iter()
            .chain([self.m, self.k, self.n])
            .collect();
        let letter = |transposed| if transposed { "t" } else { "n" };
        let layout = format!("{}{}", letter(self.tn), letter(self.nt));
        let dtype = if self.dtype == DType::F64 {
            "f64"
        } else {
            "f32"
        };
        Id::new(self.op, dtype, &shape, &layout)
    }

    /// `[rows, columns]` of f32 or f64, before them the batch; stored the other way round where
    /// `transposed`.
    fn side(self, rows: usize, columns: usize, transposed: bool, seed: u64) -> Var {
        let stored = if transposed {
            [columns, rows]
        } else {
            [rows, columns]
        };
        let shape: Vec<usize> = self.batch.into_iter().chain(stored).collect();
        let x = if self.dtype == DType::F64 {
            let x = values(shape.iter().product(), seed);
            let x: Vec<f64> = x.into_iter().map(f64::from).collect();
            Var::new(&x, &shape)
        } else {
            tensor(&shape, seed)
        };
        if transposed { x.t() } else { x }
    }
}

/// The case of one product.
pub(crate) fn product(name: &str, p: Product) -> Case {
    let start = move || {
        let (a, b) = (p.side(p.m, p.k, p.tn, 1), p.side(p.k, p.n, p.nt, 2));
        let (left, right) = (a.clone(), b.clone());
        let check = move |y: &Var| check::product(&left, &right, y);
        (move || a.matmul(&b), check)
    };
    Case::new(name, p.id(), p.work(), start)
}

pub(super) fn cases() -> Vec<Case> {
    let square = |n| product(&format!("gemm_f32_{n}"), Product::new(n, n, n));
    let mut cases: Vec<Case> = [64, 128, 256, 512, 1024, 2048].map(square).into();
    let half = Product::new(512, 512, 512);
    let row = Product::new(1, 4096, 4096);
    let batched = Product {
        batch: Some(32),
        ..Product::new(128, 64, 128)
    };
    let double = Product {
        dtype: DType::F64,
        ..half
    };
    cases.extend([
        product("gemm_f32_skinny", Product::new(64, 784, 256)),
        product("gemm_f32_gemv", row),
        product("gemm_f32_gemv_nt", Product { nt: true, ..row }),
        product("gemm_f32_512_nt", Product { nt: true, ..half }),
        product("gemm_f32_512_tn", Product { tn: true, ..half }),
        product("gemm_f64_512", double),
        product("batched_matmul", batched),
    ]);
    // The f32 side of the quantised products: weights stored [out, in].
    let weights = |rows, n| Product {
        op: "linear",
        nt: true,
        ..Product::new(rows, n, n)
    };
    cases.extend([
        product("qmm_f32_1x4096", weights(1, 4096)),
        product("qmm_f32_32x4096", weights(32, 4096)),
        product("linear_f32_1024_b32", weights(32, 1024)),
    ]);
    cases
}
