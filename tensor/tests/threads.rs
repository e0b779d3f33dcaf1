//! The same bits from 1, 2 and 7 threads, where kernels split.

use lepton_tensor::ops::{self, Activation, ReduceOp, Window};
use lepton_tensor::simd::{Lane, MapBody, Num};
use lepton_tensor::{DType, Tensor};

#[derive(Clone, Copy)]
struct Tanh;

impl MapBody for Tanh {
    fn f<T: Lane>(&self, x: T) -> T {
        x.tanh()
    }
}

impl ops::IntMap for Tanh {
    const INT: bool = false;
    fn int<T: Num>(&self, x: T) -> T {
        x
    }
}

fn same(what: &str, f: impl Fn() -> Tensor + Sync) {
    let bits = |t: Tensor| t.to_f64().into_iter().map(f64::to_bits).collect::<Vec<_>>();
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .expect("a pool");
        bits(pool.install(&f))
    };
    let one = on(1);
    for n in [2, 7] {
        assert!(on(n) == one, "{what}: {n} threads give other bits than 1");
    }
}

#[test]
fn no_kernel_depends_on_the_number_of_threads() {
    for dtype in [DType::F32, DType::F64] {
        let x = ops::normal(1, 2, &[300, 433], dtype);
        let y = ops::normal(1, 3, &[433, 300], dtype);
        let turned = y.permute(&[1, 0]).unwrap();
        same("normal", || ops::normal(7, 1, &[300_000], dtype));
        same("uniform", || ops::uniform(7, 1, &[300_000], dtype));
        same("map", || ops::map(&mut x.clone(), &Tanh));
        same("map of a view", || ops::map(&mut turned.clone(), &Tanh));
        same("map in place", || ops::map(&mut ops::copy(&turned), &Tanh));
        same("copy", || ops::copy(&turned));
        same("cast", || ops::cast(&turned, DType::I32));
        for axes in [vec![0], vec![1], vec![0, 1]] {
            same("sum", || ops::reduce(ReduceOp::Sum, &x, &axes));
            same("maximum", || ops::reduce(ReduceOp::Max, &x, &axes));
        }
        same("softmax of rows", || ops::softmax(&x, 1, false));
        same("softmax of columns", || ops::softmax(&x, 0, true));
        same("cumsum", || ops::cumsum(&x, 1));
        same("matmul", || ops::matmul(&x, &y, None, Activation::Relu));
        same("matmul of a view", || {
            ops::matmul(&turned, &y, None, Activation::None)
        });
        let row = ops::normal(3, 1, &[1, 433 * 300], dtype);
        let column = row.reshape(&[433 * 300, 1]).unwrap();
        same("dot", || ops::matmul(&row, &column, None, Activation::None));
        let images = x.slice(0, 0, 288, 1).unwrap().slice(1, 0, 432, 1).unwrap();
        let images = images.reshape(&[6, 16, 36, 36]).unwrap();
        let window = Window {
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            dilation: [1, 1],
        };
        same("im2col", || ops::im2col(&images, &window));
        same("col2im", || {
            ops::col2im(&ops::im2col(&images, &window), &window, [36, 36])
        });
    }
}
