//! Memory: a node holds what `keeps` lists and nothing else, and nothing once it is gone.

use lepton_tensor::{Tensor, match_dtype};

use super::compare::Verdict;
use super::forward::fresh;
use crate::engine::op::Keeps;
use crate::engine::subject::Subject;
use crate::engine::var::Var;

/// True when this handle and its elements have no other owner.
fn alone(t: &mut Tensor) -> bool {
    match_dtype!(t.dtype(), T => t.try_mut::<T>().is_some())
}

/// Runs the op on inputs of which `held` are other handles.
fn recorded(s: &Subject, held: &[Tensor]) -> (Vec<Var>, Vec<Var>) {
    let at = s.floats();
    let leaf = |(i, t): (usize, &Tensor)| {
        if at.contains(&i) {
            Var::leaf(t.clone())
        } else {
            t.clone().into()
        }
    };
    let x: Vec<Var> = held.iter().enumerate().map(leaf).collect();
    let leaves = at.iter().map(|&i| x[i].clone()).collect();
    let mut y = s.call(x);
    y.retain(|y| y.dtype().is_float());
    (y, leaves)
}

/// What is held while the graph stands, after `backward`, and after `grads` of second order.
pub(super) fn freed(s: &Subject) -> Verdict {
    let mut held: Vec<Tensor> = s.inputs.iter().map(fresh).collect();
    let (y, leaves) = recorded(s, &held);
    drop(leaves);
    let edges: Vec<_> = y.into_iter().map(|y| y.into_parts().1).collect();
    let mask = s.op.keeps().inputs;
    for (i, t) in held.iter_mut().enumerate() {
        if !Keeps::has(mask, i) && !alone(t) {
            return Err(format!(
                "input {i} is held, though keeps() does not list it"
            ));
        }
    }
    drop(edges);
    all_alone(&mut held, "once the graph is dropped")?;
    let (y, leaves) = recorded(s, &held);
    if leaves.is_empty() {
        return Ok(());
    }
    drop(leaves);
    drop(loss(y).backward());
    all_alone(&mut held, "after backward")?;
    let (y, leaves) = recorded(s, &held);
    let first = loss(y).grads(&leaves);
    let second = loss(first).grads(&leaves);
    drop((second, leaves));
    all_alone(&mut held, "after second-order gradients (a cycle?)")
}

/// A number that depends on all of `y`, and not linearly.
fn loss(y: Vec<Var>) -> Var {
    let zero = Var::leaf(Tensor::scalar(0.0f64)) * 0.0;
    y.iter().fold(zero, |sum, y| sum + (y * y).sum(&[]))
}

fn all_alone(held: &mut [Tensor], when: &str) -> Verdict {
    match held.iter_mut().position(|t| !alone(t)) {
        Some(i) => Err(format!("input {i} is held {when}")),
        None => Ok(()),
    }
}
