//! Layouts: views of every kind against contiguous copies of the same elements.

use lepton_tensor::{DType, Device, Shape, Tensor, ops};

use super::compare::{Verdict, close, same_bits};
use super::forward::fresh;
use crate::engine::subject::{Subject, layout_of};
use crate::engine::var::Var;

/// Views with the elements of `t` (and one with fewer distinct ones), by what is odd about them.
fn views(t: &Tensor) -> Vec<(&'static str, Tensor)> {
    let rank = t.rank();
    let back: Shape = (0..rank).rev().collect();
    let turned = t.permute(&back).expect("an order").contiguous();
    let mut out = vec![
        ("transposed", turned.permute(&back).expect("an order")),
        ("offset", inside(t, 1)),
        ("sliced with a step", inside(t, 2)),
        ("negative strides", negative(t)),
    ];
    out.extend((0..rank).filter_map(|a| repeated(t, a)));
    if t.shape().contains(&1) {
        let odd = |a: usize| {
            if t.shape()[a] == 1 {
                -977
            } else {
                t.strides()[a]
            }
        };
        let strides: Vec<isize> = (0..rank).map(odd).collect();
        let view = t.as_strided(t.shape(), &strides, t.layout().offset());
        out.push(("odd strides on axes of size 1", view.expect("inside")));
    }
    out
}

/// `t` as every `step`th element, from the second on, along each axis of a larger tensor.
fn inside(t: &Tensor, step: usize) -> Tensor {
    let room: Shape = t.shape().iter().map(|d| d * step + 2).collect();
    let base = ops::full(&room, 1.0, t.dtype(), Device::Cpu).expect("small");
    let region: Vec<_> = t.shape().iter().map(|&d| (1, d, step as isize)).collect();
    let base = ops::assign(base, t, &region).expect("inside");
    let cut = |t: Tensor, (a, r): (usize, &(usize, usize, isize))| {
        t.slice(a, r.0, r.1, r.2).expect("inside")
    };
    region.iter().enumerate().fold(base, cut)
}

/// `t` read backwards from a copy that is reversed along every axis.
fn negative(t: &Tensor) -> Tensor {
    let flip = |t: Tensor, a: usize| {
        let n = t.shape()[a];
        t.slice(a, n.saturating_sub(1), n, -1).expect("backwards")
    };
    let reversed = (0..t.rank()).fold(t.clone(), flip);
    (0..t.rank()).fold(fresh(&reversed), flip)
}

/// The one kind of view that has other values than the original.
const REPEATED: &str = "broadcast";

/// The first of axis `a` repeated along it, by stride 0.
fn repeated(t: &Tensor, a: usize) -> Option<(&'static str, Tensor)> {
    let first = t.slice(a, 0, 1, 1).ok()?;
    (t.shape()[a] > 1).then(|| (REPEATED, first.expand(t.shape()).expect("from size 1")))
}

/// One input at a time as a view, then all at once; forward to the bit, gradients closely.
pub(super) fn views_equal_copies(s: &Subject) -> Verdict {
    for i in 0..s.inputs.len() {
        for (kind, view) in views(&s.inputs[i]) {
            if s.no_repeats && kind == REPEATED {
                continue;
            }
            let mut x = s.inputs.clone();
            x[i] = view;
            compare(s, x).map_err(|e| format!("input {i} {kind}: {e}"))?;
        }
    }
    for kind in 0..4 {
        let x: Vec<Tensor> = s
            .inputs
            .iter()
            .map(|t| views(t).swap_remove(kind).1)
            .collect();
        compare(s, x).map_err(|e| format!("all inputs as views: {e}"))?;
    }
    cotangents(s)
}

fn compare(s: &Subject, x: Vec<Tensor>) -> Verdict {
    let copies: Vec<Tensor> = x.iter().map(fresh).collect();
    let at = |e: String| format!("{}: {e}", layout_of(&x));
    let (y, z) = (s.run(&x), s.run(&copies));
    if s.by_strides {
        close("view against copy", &y, &z, 1e-13).map_err(at)?;
    } else {
        same_bits("view against copy", &y, &z).map_err(at)?;
    }
    let u = s.cotangents(&copies);
    let (g, h) = (s.pull(&x, &u)?, s.pull(&copies, &u)?);
    close("gradient of view against copy", &g, &h, 1e-12).map_err(at)
}

/// Cotangents may be views as well.
fn cotangents(s: &Subject) -> Verdict {
    let u = s.cotangents(&s.inputs);
    let g = s.pull(&s.inputs, &u)?;
    for kind in 0..4 {
        let odd = |u: &Var| views(u.tensor()).swap_remove(kind).1.into();
        let h = s.pull(&s.inputs, &u.iter().map(odd).collect::<Vec<Var>>())?;
        close("gradient for cotangents that are views", &h, &g, 1e-12)?;
    }
    debug_assert!(u.iter().all(|u| u.dtype() != DType::Bool));
    Ok(())
}
