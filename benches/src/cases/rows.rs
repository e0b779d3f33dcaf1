//! Broadcasts, folds, normalisations and moves over `[4096, 1024]` and its like.

use lepton_autograd::Var;

use crate::check::{self, close};
use crate::inputs::{ids, tensor};
use crate::{Case, Id, Work};

const SHAPE: [usize; 2] = [4096, 1024];
const ELEMENTS: f64 = (SHAPE[0] * SHAPE[1]) as f64;

/// A case over [`SHAPE`] that moves `bytes` an element; `plain` is the same in f64.
fn over(
    op: &'static str,
    bytes: f64,
    run: fn(&[Var; 3]) -> Var,
    plain: fn([&[f64]; 3]) -> Vec<f64>,
) -> Case {
    let start = move || {
        let row = [SHAPE[1]];
        let x = [tensor(&SHAPE, 1), tensor(&row, 2), tensor(&row, 3)];
        let kept = x.clone();
        let check = move |y: &Var| {
            let [x, a, b] = kept.map(|v| v.tensor().to_f64());
            close(y, plain([&x, &a, &b]), 2e-5)
        };
        (move || run(&x), check)
    };
    let work = Work::bytes(bytes * ELEMENTS, ELEMENTS);
    let id = Id::new(op, "f32", &SHAPE, "contiguous");
    Case::new(format!("{op}_4096x1024"), id, work, start)
}

/// The case of softmax over the last axis of `[rows, columns]`.
pub(crate) fn softmax(name: &str, rows: usize, columns: usize) -> Case {
    let elements = rows as f64 * columns as f64;
    let start = move || {
        let x = tensor(&[rows, columns], 1);
        let kept = x.clone();
        let check = move |y: &Var| {
            let x = kept.tensor().to_f64();
            close(y, x.chunks(columns).flat_map(check::softmax), 2e-6)
        };
        (move || x.softmax(-1), check)
    };
    let id = Id::new("softmax", "f32", &[rows, columns], "contiguous");
    Case::new(name, id, Work::bytes(8.0 * elements, 5.0 * elements), start)
}

fn transpose_copy() -> Case {
    let n = 4096;
    let start = move || {
        let x = tensor(&[n, n], 1);
        let kept = x.clone();
        let check = move |y: &Var| {
            let x = kept.tensor().to_f64();
            close(y, (0..n * n).map(|i| x[i % n * n + i / n]), 0.0)
        };
        (move || Var::from(x.t().tensor().contiguous()), check)
    };
    let id = Id::new("copy", "f32", &[n, n], "transposed");
    let work = Work::bytes(8.0 * (n * n) as f64, 0.0);
    Case::new("transpose_copy_4096", id, work, start)
}

fn gather() -> Case {
    let (rows, width, picked) = (50_000, 256, 8192);
    let start = move || {
        let table = tensor(&[rows, width], 1);
        let index = ids(picked, rows as u64, 7);
        let (kept, at) = (table.clone(), index.clone());
        let check = move |y: &Var| {
            let table = kept.tensor().to_f64();
            let row = |i: &i64| table[*i as usize * width..][..width].to_vec();
            close(y, at.iter().flat_map(row), 0.0)
        };
        let index = Var::new(&index, &[picked]);
        (move || table.index_select(0, &index), check)
    };
    let work = Work::bytes(8.0 * (picked * width) as f64, 0.0);
    let id = Id::new("gather", "f32", &[rows, width, picked], "contiguous");
    Case::new("gather_50kx256_8192", id, work, start)
}

fn column_sums(x: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; SHAPE[1]];
    for row in x.chunks(SHAPE[1]) {
        row.iter().zip(&mut sums).for_each(|(v, s)| *s += v);
    }
    sums
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        over(
            "bcast_add",
            8.0,
            |[x, a, _]| x + a,
            |[x, a, _]| (0..x.len()).map(|i| x[i] + a[i % a.len()]).collect(),
        ),
        over(
            "sum_all",
            4.0,
            |[x, ..]| x.sum(&[]),
            |[x, ..]| vec![x.iter().sum()],
        ),
        over(
            "sum_axis0",
            4.0,
            |[x, ..]| x.sum(&[0]),
            |[x, ..]| column_sums(x),
        ),
        over(
            "sum_axis1",
            4.0,
            |[x, ..]| x.sum(&[1]),
            |[x, ..]| x.chunks(SHAPE[1]).map(|r| r.iter().sum()).collect(),
        ),
        softmax("softmax_4096x1024", SHAPE[0], SHAPE[1]),
        over(
            "layer_norm",
            8.0,
            |[x, a, b]| x.layer_norm(&SHAPE[1..], Some(a), Some(b), 1e-5),
            |[x, a, b]| {
                x.chunks(a.len())
                    .flat_map(|r| check::layer_norm(r, a, b))
                    .collect()
            },
        ),
        transpose_copy(),
        gather(),
    ]
}
