//! What is watched over time: the cases of the comparison, and small ones of kernels in every layout
//! and of the tape, each with an identifier of its own.

use lepton_autograd::{Tensor, Var, no_grad};
use lepton_tensor::ops::{self, ReduceOp};

use crate::cases::{Product, known, of_op, product, softmax};
use crate::check::close;
use crate::inputs::tensor;
use crate::{Case, Id, Work};

/// All cases that histories keep.
pub fn suite() -> Vec<Case> {
    let mut cases = known();
    cases.extend(small());
    cases
}

/// The cases that are over in microseconds, and so can be taken at every SIMD level. Their names are
/// their identifiers.
pub fn small() -> Vec<Case> {
    let mut cases = vec![
        small_product(96, false),
        small_product(96, true),
        small_product(256, true),
        named_by_id(|name| softmax(name, 256, 512)),
    ];
    for op in ["square", "exp", "tanh", "relu", "gelu"] {
        cases.push(named_by_id(|name| of_op(name, op, 1 << 16)));
    }
    for axis in [0, 1] {
        cases.push(sum(axis, false));
        cases.push(sum(axis, true));
    }
    cases.extend(tape());
    cases
}

/// Makes a case twice, to name it by the identifier that it has.
fn named_by_id(make: impl Fn(&str) -> Case) -> Case {
    make(&make("").id().to_string())
}

fn small_product(n: usize, nt: bool) -> Case {
    let plain = Product::new(n, n, n);
    named_by_id(|name| product(name, Product { nt, ..plain }))
}

/// Sums of a matrix along `axis`, of the whole or of every other column.
fn sum(axis: usize, thinned: bool) -> Case {
    let shape = [512, if thinned { 256 } else { 512 }];
    let layout = if thinned { "every_other" } else { "contiguous" };
    let id = Id::new(&format!("sum_axis{axis}"), "f32", &shape, layout);
    let elements = (shape[0] * shape[1]) as f64;
    let start = move || {
        let whole = tensor(&[512, 512], 1).tensor().clone();
        let x = if thinned {
            whole.slice(1, 0, shape[1], 2).expect("it fits")
        } else {
            whole
        };
        let v = x.to_f64();
        let check = move |y: &Var| close(y, plain_sums(&v, shape[1], axis), 2e-5);
        (
            move || Var::from(ops::reduce(ReduceOp::Sum, &x, &[axis])),
            check,
        )
    };
    Case::new(
        id.to_string(),
        id,
        Work::bytes(4.0 * elements, elements),
        start,
    )
}

fn plain_sums(v: &[f64], columns: usize, axis: usize) -> Vec<f64> {
    if axis == 1 {
        return v.chunks(columns).map(|row| row.iter().sum()).collect();
    }
    let column = |j: usize| v.iter().skip(j).step_by(columns).sum();
    (0..columns).map(column).collect()
}

/// Ops in a chain of the tape; half multiply, half add.
const OPS: usize = 200;
/// Where the chain starts, and what it multiplies by.
const ENDS: [f64; 2] = [0.7, 0.9];

/// `v = v w + a`, over and over from `v = a`.
fn chain([a, w]: &[Var; 2]) -> Var {
    (0..OPS / 2).fold(a.clone(), |v, _| v * w + a)
}

/// The tape by itself: ops on one element, so that nothing but recording and the walk is timed.
fn tape() -> Vec<Case> {
    // The chain is linear in `a`; its slope is a sum of powers of `w`.
    let slope: f64 = (0..=OPS / 2).map(|i| ENDS[1].powi(i as i32)).sum();
    let case = |what: &str, run: fn(&[Var; 2]) -> Var, want: f64| {
        let id = Id::new(what, "f64", &[OPS], "scalars");
        let start = move || {
            let leaf = |x| Var::leaf(Tensor::from_vec(vec![x], &[1]).expect("one element"));
            let ends = ENDS.map(leaf);
            (move || run(&ends), move |y: &Var| close(y, [want], 1e-12))
        };
        Case::new(id.to_string(), id, Work::units(OPS as f64, 0.0, 0.0), start)
    };
    vec![
        case("tape_unrecorded", |x| no_grad(|| chain(x)), ENDS[0] * slope),
        case("tape_recorded", chain, ENDS[0] * slope),
        case(
            "tape_backward",
            |x| slope_of(&chain(x).backward(), &x[0]),
            slope,
        ),
        case("tape_grads", |x| chain(x).grads(&x[..1]).remove(0), slope),
    ]
}

fn slope_of(grads: &lepton_autograd::Grads, leaf: &Var) -> Var {
    Var::from(grads.of(leaf).expect("it took part").clone())
}
