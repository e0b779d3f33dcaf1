//! The same bits from 1, 2 and 7 threads, also where kernels really split.

use std::sync::OnceLock;

use lepton_tensor::{Tensor, ops};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::compare::{Verdict, same_bits};
use crate::engine::lift::vmap;
use crate::engine::subject::Subject;
use crate::engine::var::Var;

/// More elements than one parallel task of any elementwise kernel takes.
const MANY: usize = (1 << 16) + 4321;
/// The most examples of an enlarged case.
const EXAMPLES: usize = 1 << 13;

fn pools() -> &'static [ThreadPool; 3] {
    static POOLS: OnceLock<[ThreadPool; 3]> = OnceLock::new();
    POOLS.get_or_init(|| {
        [1, 2, 7].map(|n| {
            let pool = ThreadPoolBuilder::new().num_threads(n).build();
            pool.expect("the machine gives a few threads")
        })
    })
}

/// Runs `f` on each pool and compares what it gives.
fn each(f: impl Fn() -> Result<Vec<Tensor>, String> + Sync) -> Verdict {
    let mut first: Option<Vec<Tensor>> = None;
    for pool in pools() {
        let y = pool.install(&f)?;
        match &first {
            Some(want) => {
                let what = format!("{} threads against 1", pool.current_num_threads());
                same_bits(&what, &y, want)?;
            }
            None => first = Some(y),
        }
    }
    Ok(())
}

/// The case itself, forward and gradient.
pub(super) fn same(s: &Subject) -> Verdict {
    let u = s.cotangents(&s.inputs);
    each(|| {
        let (y, g) = super::levels::both(s, &u)?;
        Ok([y, g].concat())
    })
}

/// The case as a batch of so many examples that kernels split, forward and gradient.
pub(super) fn same_when_large(s: &Subject) -> Verdict {
    let most = s.inputs.iter().map(Tensor::numel).max().unwrap_or(0);
    if s.loops || most == 0 {
        return Ok(());
    }
    let n = (MANY / most + 1).min(EXAMPLES);
    let wide = |i: usize| {
        let rows: Vec<Tensor> = (0..n)
            .map(|e| {
                let t = &s.examples()[e % 3][i];
                t.reshape(&[&[1], t.shape()].concat()).expect("as many")
            })
            .collect();
        ops::cat(&rows, 0)
    };
    let (x, at): (Vec<Tensor>, _) = ((0..s.inputs.len()).map(wide).collect(), s.floats());
    each(|| {
        let mut vars: Vec<Var> = x.iter().cloned().map(Var::from).collect();
        at.iter().for_each(|&i| vars[i] = Var::leaf(x[i].clone()));
        let y = vmap(|x| s.call(x.to_vec()), &vars).map_err(|e| e.to_string())?;
        let leaves: Vec<Var> = at.iter().map(|&i| vars[i].clone()).collect();
        let floats: Vec<Var> = y.iter().filter(|y| y.dtype().is_float()).cloned().collect();
        // The outputs stand in for cotangents: any values will do.
        let g = crate::vjp(&floats, &floats, &leaves).map_err(|e| e.to_string())?;
        Ok(y.into_iter().chain(g).map(Var::into_tensor).collect())
    })
}
