//! Batches: `vmap` of each subset of the inputs against a loop over examples, in every mode.

use lepton_tensor::random::Rng;
use lepton_tensor::{Shape, Tensor, ops};

use super::compare::{Verdict, close, same_bits, tensors};
use crate::engine::lift::{jvp, vmap};
use crate::engine::subject::{Subject, direction};
use crate::engine::var::Var;

/// Batched kernels may add in another order.
const ORDER: f64 = 1e-11;

/// Which inputs carry the batch: all subsets of up to three, else all and each one alone.
fn subsets(n: usize) -> Vec<Vec<usize>> {
    let of = |mask: usize| (0..n).filter(|i| mask >> i & 1 == 1).collect();
    match n {
        0..=3 => (1..1 << n).map(of).collect(),
        _ => std::iter::once((0..n).collect())
            .chain((0..n).map(|i| vec![i]))
            .collect(),
    }
}

/// Tensors of one shape along a new first axis.
fn stack(parts: &[&Tensor]) -> Tensor {
    let lifted: Vec<Tensor> = parts
        .iter()
        .map(|t| {
            let shape: Shape = std::iter::once(1)
                .chain(t.shape().iter().copied())
                .collect();
            t.reshape(&shape).expect("as many")
        })
        .collect();
    ops::cat(&lifted, 0)
}

/// Example `i` of a stack.
fn example(t: &Tensor, i: usize) -> Tensor {
    let one = t.slice(0, i, 1, 1).expect("an example");
    one.reshape(&t.shape()[1..]).expect("as many")
}

/// The inputs of example `i`: those of `at` its own, the others those of the first example.
fn inputs_of(s: &Subject, at: &[usize], i: usize) -> Vec<Tensor> {
    let all = s.examples();
    let pick = |k: usize| all[if at.contains(&k) { i } else { 0 }][k].clone();
    (0..s.inputs.len()).map(pick).collect()
}

/// The batched inputs at `at`.
fn stacked(s: &Subject, at: &[usize], n: usize) -> Vec<Var> {
    let all = &s.examples()[..n];
    let one = |&k: &usize| stack(&all.iter().map(|x| &x[k]).collect::<Vec<_>>()).into();
    at.iter().map(one).collect()
}

/// All outputs as a function of the inputs at `at`.
fn outputs<'a>(s: &'a Subject, at: &'a [usize]) -> impl Fn(&[Var]) -> Vec<Var> + 'a {
    let rest: Vec<Var> = s.inputs.iter().cloned().map(Var::from).collect();
    move |z| {
        let mut all = rest.clone();
        at.iter().zip(z).for_each(|(&i, z)| all[i] = z.clone());
        s.call(all)
    }
}

fn mapped(f: impl FnOnce(&[Var]) -> Vec<Var>, x: &[Var]) -> Vec<Var> {
    vmap(f, x).unwrap_or_else(|e| panic!("{e}"))
}

/// Values of a batch of three, of one and of none.
pub(super) fn values(s: &Subject) -> Verdict {
    for at in subsets(s.inputs.len()) {
        let y = tensors(mapped(outputs(s, &at), &stacked(s, &at, 3)));
        if s.random {
            continue;
        }
        for i in 0..3 {
            let got: Vec<Tensor> = y.iter().map(|y| example(y, i)).collect();
            let what = format!("vmap over inputs {at:?}, example {i}");
            close(&what, &got, &s.run(&inputs_of(s, &at, i)), ORDER)?;
        }
        let one = tensors(mapped(outputs(s, &at), &stacked(s, &at, 1)));
        let one: Vec<Tensor> = one.iter().map(|y| example(y, 0)).collect();
        close(
            &format!("vmap of one over inputs {at:?}"),
            &one,
            &s.run(&s.inputs),
            ORDER,
        )?;
        if !s.loops {
            empty(s, &at)?;
        }
    }
    if s.random { apart(s) } else { nested(s) }
}

/// A batch of no examples has results of the right shape.
fn empty(s: &Subject, at: &[usize]) -> Verdict {
    let none: Vec<Var> = stacked(s, at, 1)
        .iter()
        .map(|x| x.slice(0, 0, 0, 1))
        .collect();
    let y = tensors(mapped(outputs(s, at), &none));
    let want: Vec<Tensor> = s
        .run(&s.inputs)
        .iter()
        .map(|y| stack(&[y]).slice(0, 0, 0, 1).expect("none of one"))
        .collect();
    same_bits(&format!("vmap of none over inputs {at:?}"), &y, &want)
}

/// Two equal examples of a random op draw apart.
fn apart(s: &Subject) -> Verdict {
    let at = s.floats();
    let twice: Vec<Var> = at
        .iter()
        .map(|&k| stack(&[&s.inputs[k], &s.inputs[k]]).into())
        .collect();
    let y = tensors(mapped(outputs(s, &at), &twice));
    let equal = |y: &Tensor| same_bits("", &[example(y, 0)], &[example(y, 1)]).is_ok();
    if y.iter().all(equal) {
        return Err("two examples of one batch draw the same".to_owned());
    }
    Ok(())
}

/// `vmap` inside `vmap`: both over all inputs, and one over the first, one over the others.
fn nested(s: &Subject) -> Verdict {
    let n = s.inputs.len();
    if n == 0 {
        return Ok(());
    }
    let all: Vec<usize> = (0..n).collect();
    let square = |k: &usize| {
        let x = s.examples();
        let row = |a: usize, b: usize| stack(&[&x[a][*k], &x[b][*k]]);
        stack(&[&row(0, 1), &row(2, 0)]).into()
    };
    let both: Vec<Var> = all.iter().map(square).collect();
    let y = tensors(mapped(|x| mapped(outputs(s, &all), x), &both));
    for (i, e) in [0, 1, 2, 0].into_iter().enumerate() {
        let got: Vec<Tensor> = y
            .iter()
            .map(|y| example(&example(y, i / 2), i % 2))
            .collect();
        close("vmap of vmap", &got, &s.run(&inputs_of(s, &all, e)), ORDER)?;
    }
    if n < 2 {
        return Ok(());
    }
    let (first, rest) = (stacked(s, &all[..1], 3), stacked(s, &all[1..], 3));
    let inner = |x: &[Var]| {
        let head = x[0].clone();
        mapped(
            |z| s.call(std::iter::once(head).chain(z.iter().cloned())),
            &rest,
        )
    };
    let y = tensors(mapped(inner, &first));
    for i in 0..9 {
        let mut x = inputs_of(s, &all, i % 3);
        x[0] = s.examples()[i / 3][0].clone();
        let got: Vec<Tensor> = y
            .iter()
            .map(|y| example(&example(y, i / 3), i % 3))
            .collect();
        close(
            "vmap of the first input over vmap of the rest",
            &got,
            &s.run(&x),
            ORDER,
        )?;
    }
    Ok(())
}

/// Gradients through a batch, and tangents inside and around one.
pub(super) fn derivatives(s: &Subject) -> Verdict {
    if s.random {
        return Ok(());
    }
    for at in subsets(s.inputs.len()) {
        reverse(s, &at).map_err(|e| format!("inputs {at:?} batched: {e}"))?;
        forward(s, &at).map_err(|e| format!("inputs {at:?} batched: {e}"))?;
    }
    Ok(())
}

/// The gradient of a shared input is the sum over examples; of a batched one, each example's.
fn reverse(s: &Subject, at: &[usize]) -> Verdict {
    let floats = s.floats();
    if floats.is_empty() {
        return Ok(());
    }
    let leaf = |k: usize| {
        let x = if at.contains(&k) {
            stacked(s, &[k], 3).remove(0).into_tensor()
        } else {
            s.inputs[k].clone()
        };
        if floats.contains(&k) {
            Var::leaf(x)
        } else {
            x.into()
        }
    };
    let x: Vec<Var> = (0..s.inputs.len()).map(leaf).collect();
    let batched: Vec<Var> = at.iter().map(|&k| x[k].clone()).collect();
    let inner = |z: &[Var]| {
        let mut all = x.clone();
        at.iter().zip(z).for_each(|(&k, z)| all[k] = z.clone());
        s.call(all)
    };
    let mut y = mapped(inner, &batched);
    y.retain(|y| y.dtype().is_float());
    let mut rng = Rng::new(7);
    let u: Vec<Var> = y.iter().map(|y| direction(&mut rng, y.tensor())).collect();
    let leaves: Vec<Var> = floats.iter().map(|&k| x[k].clone()).collect();
    let got = tensors(crate::vjp(&y, &u, &leaves).map_err(|e| e.to_string())?);
    let mut each = Vec::new();
    for i in 0..3 {
        let u: Vec<Var> = u.iter().map(|u| example(u.tensor(), i).into()).collect();
        each.push(s.pull(&inputs_of(s, at, i), &u)?);
    }
    let want = |(j, k): (usize, &usize)| {
        let parts: Vec<&Tensor> = each.iter().map(|g| &g[j]).collect();
        let all = Var::from(stack(&parts));
        if at.contains(k) { all } else { all.sum(&[0]) }
    };
    let want = tensors(floats.iter().enumerate().map(want).collect());
    close("gradient of vmap against a loop", &got, &want, ORDER)
}

/// `jvp` under `vmap` and `vmap` under `jvp` against the tangents of each example.
fn forward(s: &Subject, at: &[usize]) -> Verdict {
    let at: Vec<usize> = s.floats().into_iter().filter(|k| at.contains(k)).collect();
    if at.is_empty() {
        return Ok(());
    }
    let (f, n) = (s.function(&s.inputs, &at), at.len());
    let (x, mut rng) = (stacked(s, &at, 3), Rng::new(11));
    let t: Vec<Var> = x.iter().map(|x| direction(&mut rng, x.tensor())).collect();
    let along = |x: &[Var], t: &[Var]| jvp(&f, x, t).unwrap_or_else(|e| panic!("{e}")).1;
    let pairs: Vec<Var> = x.iter().chain(&t).cloned().collect();
    let inside = tensors(mapped(|z| along(&z[..n], &z[n..]), &pairs));
    let around = jvp(|x| mapped(&f, x), &x, &t).map_err(|e| e.to_string())?.1;
    let around = tensors(around);
    for i in 0..3 {
        let of = |v: &[Var]| {
            v.iter()
                .map(|v| example(v.tensor(), i).into())
                .collect::<Vec<Var>>()
        };
        let want = tensors(along(&of(&x), &of(&t)));
        let pick = |all: &[Tensor]| all.iter().map(|y| example(y, i)).collect::<Vec<_>>();
        close("jvp under vmap", &pick(&inside), &want, ORDER)?;
        close("vmap under jvp", &pick(&around), &want, ORDER)?;
    }
    Ok(())
}
