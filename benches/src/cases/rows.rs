//! Broadcasts, folds, normalisations and moves over `[4096, 1024]` and its like.

use lepton_autograd::Var;

use crate::inputs::{ids, tensor};
use crate::{Case, Work};

const SHAPE: [usize; 2] = [4096, 1024];

/// A case over [`SHAPE`] that moves `bytes` an element.
fn over(name: &str, bytes: f64, run: fn(&Var) -> Var) -> Case {
    let start = move || {
        let x = tensor(&SHAPE, 1);
        move || run(&x)
    };
    let n = SHAPE[0] * SHAPE[1];
    Case::new(
        format!("{name}_4096x1024"),
        Work::Bytes(bytes * n as f64),
        start,
    )
}

/// The case of softmax over the last axis of `[rows, columns]`.
pub(crate) fn softmax(name: &str, rows: usize, columns: usize) -> Case {
    let bytes = 8.0 * rows as f64 * columns as f64;
    let start = move || {
        let x = tensor(&[rows, columns], 1);
        move || x.softmax(-1)
    };
    Case::new(name, Work::Bytes(bytes), start)
}

fn bcast_add() -> Case {
    let n = SHAPE[0] * SHAPE[1];
    let start = || {
        let (x, row) = (tensor(&SHAPE, 1), tensor(&SHAPE[1..], 2));
        move || &x + &row
    };
    Case::new("bcast_add_4096x1024", Work::Bytes(8.0 * n as f64), start)
}

fn normalise() -> Case {
    let n = SHAPE[0] * SHAPE[1];
    let start = || {
        let x = tensor(&SHAPE, 1);
        let (weight, bias) = (tensor(&SHAPE[1..], 2), tensor(&SHAPE[1..], 3));
        move || x.layer_norm(&SHAPE[1..], Some(&weight), Some(&bias), 1e-5)
    };
    Case::new("layer_norm_4096x1024", Work::Bytes(8.0 * n as f64), start)
}

fn transpose_copy() -> Case {
    let n = 4096;
    let start = move || {
        let x = tensor(&[n, n], 1);
        move || Var::from(x.t().tensor().contiguous())
    };
    Case::new(
        "transpose_copy_4096",
        Work::Bytes(8.0 * (n * n) as f64),
        start,
    )
}

fn gather() -> Case {
    let (rows, width, picked) = (50_000, 256, 8192);
    let start = move || {
        let table = tensor(&[rows, width], 1);
        let index = Var::new(&ids(picked, rows as u64, 7), &[picked]);
        move || table.index_select(0, &index)
    };
    let bytes = 8.0 * (picked * width) as f64;
    Case::new("gather_50kx256_8192", Work::Bytes(bytes), start)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        bcast_add(),
        over("sum_all", 4.0, |x| x.sum(&[])),
        over("sum_axis0", 4.0, |x| x.sum(&[0])),
        over("sum_axis1", 4.0, |x| x.sum(&[1])),
        softmax("softmax_4096x1024", SHAPE[0], SHAPE[1]),
        normalise(),
        transpose_copy(),
        gather(),
    ]
}
