//! Forward mode from reverse mode: a `jvp` out of any `vjp`.

use crate::engine::apply::OrPanic;
use crate::engine::backward;
use crate::engine::lift::{self, Wrap};
use crate::engine::node::Saved;
use crate::engine::op::{AnyOp, Outs};
use crate::engine::scope;
use crate::engine::var::Var;

/// `J t` as the derivative, at any cotangent, of `u -> <J^T u, t>`, which is linear in `u`.
///
/// Where `x` or `t` carry batches, so does the probe `u`, or examples would be mixed.
pub(crate) fn jvp_from_vjp(
    op: &dyn AnyOp,
    x: &[Var],
    y: &[Var],
    t: &[Option<Var>],
) -> Outs<Option<Var>> {
    let recording = scope::is_recording();
    scope::enable_grad(|| {
        let wraps = lift::batches(x.iter().chain(y).chain(t.iter().flatten()));
        let probe = |y: &Var| y.dtype().is_float().then(|| lift::probe(y, &wraps));
        let (u, leaves): (Vec<Option<Var>>, Vec<Option<Var>>) = y
            .iter()
            .map(probe)
            .map(|p| p.map_or((None, None), |(u, leaf)| (Some(u), Some(leaf))))
            .unzip();
        let needs: Vec<bool> = t.iter().map(Option::is_some).collect();
        let pulled = op.vjp(&Saved::of_vars(op.keeps(), x, y, &needs), &u);
        let pairs = pulled
            .into_iter()
            .zip(t)
            .filter_map(|(p, t)| Some((p?, t.clone()?)));
        let (p, t): (Vec<Var>, Vec<Var>) = pairs.unzip();
        let wrt: Vec<Var> = leaves.iter().flatten().cloned().collect();
        let mut found = pull(p, t, &wrt).into_iter();
        let settle = |v: Var| {
            if recording || v.lift().is_some() {
                v
            } else {
                v.detach()
            }
        };
        u.iter()
            .map(|u| u.as_ref().and_then(|_| found.next().flatten()).map(settle))
            .collect()
    })
}

/// [`backward::pull`] through lifted values, from the highest level inwards.
fn pull(p: Vec<Var>, t: Vec<Var>, wrt: &[Var]) -> Vec<Option<Var>> {
    let Some(wrap) = lift::highest(p.iter().chain(&t)) else {
        return backward::pull(&p, &t, wrt).or_panic();
    };
    match wrap {
        Wrap::Batch { level, n } => {
            let inside = |v: Vec<Var>| v.iter().map(|v| lift::batch_value(v, level, n)).collect();
            let found = pull(inside(p), inside(t), wrt);
            found
                .into_iter()
                .map(|v| v.map(|v| Var::batch_of(v, n, level)))
                .collect()
        }
        Wrap::Dual { level } => {
            let split = |v: Vec<Var>| {
                v.iter()
                    .map(|v| lift::dual_parts(v, level))
                    .unzip::<_, _, Vec<Var>, Vec<Option<Var>>>()
            };
            let ((p0, p1), (t0, t1)) = (split(p), split(t));
            // d<p, t> = <dp, t> + <p, dt>.
            let moved = p0
                .iter()
                .zip(&t1)
                .filter_map(|(p, t)| Some((p.clone(), t.clone()?)));
            let turned = p1
                .iter()
                .zip(&t0)
                .filter_map(|(p, t)| Some((p.clone()?, t.clone())));
            let (dp, dt): (Vec<Var>, Vec<Var>) = turned.chain(moved).unzip();
            let tangents = pull(dp, dt, wrt);
            let primals = pull(p0, t0, wrt);
            let join = |(y, dy): (Option<Var>, Option<Var>)| match (y, dy) {
                (y, None) => y,
                (Some(y), Some(dy)) => Some(Var::dual_of(y, dy, level)),
                (None, Some(dy)) => Some(Var::dual_of(dy.zeros_like(), dy, level)),
            };
            primals.into_iter().zip(tangents).map(join).collect()
        }
    }
}
