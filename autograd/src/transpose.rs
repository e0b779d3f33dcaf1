//! Forward mode from reverse mode: a `jvp` out of any `vjp`.

use crate::backward;
use crate::node::Saved;
use crate::op::{Op, Outs};
use crate::scope;
use crate::var::Var;

/// `J t` as the derivative, at any cotangent, of `u -> <J^T u, t>`, which is linear in `u`.
pub(crate) fn jvp_from_vjp<O: Op>(op: &O, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
    scope::enable_grad(|| {
        let floats: Vec<bool> = y.iter().map(|y| y.dtype().is_float()).collect();
        let u: Vec<Option<Var>> = y.iter().zip(&floats).map(|(y, &f)| f.then(|| Var::probe(y))).collect();
        let needs: Vec<bool> = t.iter().map(Option::is_some).collect();
        let saved = Saved::of_vars(op.keeps(), x, y, &needs);
        let pulled = op.vjp(&saved, &u);
        let pairs = pulled.into_iter().zip(t).filter_map(|(p, t)| Some((p?, t.clone()?)));
        // A pulled cotangent that does not depend on `u` contributes nothing.
        let (p, t): (Vec<Var>, Vec<Var>) = pairs.filter(|(p, _)| !p.is_constant()).unzip();
        let wrt: Vec<Var> = u.iter().flatten().cloned().collect();
        let mut found = pull_through(&p, &t, &wrt).into_iter();
        u.iter().map(|u| u.as_ref().and_then(|_| found.next().flatten())).collect()
    })
}

fn pull_through(p: &[Var], t: &[Var], wrt: &[Var]) -> Vec<Option<Var>> {
    backward::pull(p, t, wrt).unwrap_or_else(|e| panic!("{e}"))
}
