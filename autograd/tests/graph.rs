//! The graph: long, shared, freed and kept; and failures that depend on values.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lepton_autograd::ops::index::gather::{Gather, IndexSelect, ScatterAdd};
use lepton_autograd::{DType, Device, ErrorKind, Tensor, Var, apply, detect_anomaly, jvp, no_grad};

fn leaf(data: &[f64]) -> Var {
    Var::leaf(Tensor::from_slice(data, &[data.len()]).unwrap())
}

fn with_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(128 << 10);
    thread.spawn(f).unwrap().join().unwrap();
}

#[test]
fn a_chain_of_a_million_ops_is_dropped_without_recursion() {
    with_a_small_stack(|| {
        let x = Var::leaf(Tensor::scalar(1.0f32));
        let y = (0..1_000_000).fold(x, |y, _| y + 1.0);
        assert_eq!(y.item().unwrap(), 1_000_001.0);
        drop(y);
    });
}

#[test]
fn backward_walks_a_chain_of_a_million_ops() {
    with_a_small_stack(|| {
        let x = Var::leaf(Tensor::scalar(1.0f64));
        let y = (0..1_000_000).fold(x.clone(), |y, _| y + &x);
        assert_eq!(y.backward().of(&x).unwrap().item().unwrap(), 1_000_001.0);
    });
}

/// A graph that is freed writes over what it kept, but not where anybody else can see it.
#[test]
fn backward_leaves_what_others_hold_as_it_was() {
    let (x, w) = (leaf(&[2.0, 3.0]), leaf(&[5.0, 7.0]));
    let held = &x * &w;
    let seen = held.tensor().clone();
    let square = &held * &held;
    let loss = (square * &w).sum(&[]);
    let grads = loss.backward();
    assert_eq!(seen.to_f64(), [10.0, 21.0]);
    assert_eq!(held.to_vec::<f64>().unwrap(), [10.0, 21.0]);
    assert_eq!(w.to_vec::<f64>().unwrap(), [5.0, 7.0]);
    // x^2 w^3: 2 x w^3 and 3 x^2 w^2.
    assert_eq!(grads.of(&x).unwrap().to_f64(), [500.0, 2058.0]);
    assert_eq!(grads.of(&w).unwrap().to_f64(), [300.0, 1323.0]);
}

/// Sixty diamonds on top of each other: 2^60 paths, 60 nodes.
#[test]
fn shared_nodes_are_visited_once() {
    let x = leaf(&[1.5]);
    let y = (0..60).fold(x.clone(), |y, _| &y + &y);
    let want = (1u64 << 60) as f64;
    assert_eq!(y.grads(&[x.clone()])[0].to_vec::<f64>().unwrap(), [want]);
    assert_eq!(y.backward().of(&x).unwrap().to_f64(), [want]);
}

#[test]
fn a_diamond_adds_what_its_branches_send() {
    let x = leaf(&[2.0, -1.0]);
    let a = &x * 3.0;
    let (b, c) = (&a * &x, &a + 5.0);
    let y = (&b * &c).sum(&[]);
    // y = 3 x^2 (3 x + 5), so y' = 27 x^2 + 30 x and y'' = 54 x + 30.
    let g = y.grads(&[x.clone()]).remove(0);
    assert_eq!(g.to_vec::<f64>().unwrap(), [168.0, -3.0]);
    let h = g.sum(&[]).grads(&[x.clone()]).remove(0);
    assert_eq!(h.to_vec::<f64>().unwrap(), [138.0, -24.0]);
    assert_eq!(y.backward().of(&x).unwrap().to_f64(), [168.0, -3.0]);
}

/// An output's tensor that a node kept has one owner again once `backward` has passed.
#[test]
fn backward_frees_what_nodes_kept() {
    let x = leaf(&[0.5; 40]);
    let y = x.exp();
    let mut kept = y.tensor().clone();
    let loss = y.sum(&[]);
    drop(y);
    assert!(kept.try_mut::<f64>().is_none(), "exp keeps its output");
    let grads = loss.backward();
    assert!(kept.try_mut::<f64>().is_some());
    assert_eq!(grads.len(), 1);
}

#[test]
fn grads_keep_the_graph() {
    let x = leaf(&[0.5, 2.0]);
    let loss = (x.exp() * &x).sum(&[]);
    let first = loss.grads(&[x.clone()]).remove(0);
    let again = loss.grads(&[x.clone()]).remove(0);
    assert_eq!(
        first.to_vec::<f64>().unwrap(),
        again.to_vec::<f64>().unwrap()
    );
    assert_eq!(
        loss.backward().of(&x).unwrap().to_f64(),
        first.to_vec::<f64>().unwrap()
    );
}

#[test]
fn two_losses_share_a_trunk() {
    let x = leaf(&[0.5, 2.0]);
    let trunk = x.square();
    let (one, two) = (trunk.sum(&[]), (&trunk * &trunk).sum(&[]));
    drop(trunk);
    assert_eq!(one.backward().of(&x).unwrap().to_f64(), [1.0, 4.0]);
    assert_eq!(two.backward().of(&x).unwrap().to_f64(), [0.5, 32.0]);
}

#[test]
fn a_gradient_with_respect_to_a_result_in_the_middle() {
    let x = leaf(&[3.0]);
    let middle = &x * 2.0;
    let y = middle.square().sum(&[]);
    let g = y.grads(&[middle, x]);
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [12.0]);
    assert_eq!(g[1].to_vec::<f64>().unwrap(), [24.0]);
}

#[test]
fn what_a_loss_does_not_depend_on_has_gradient_zero() {
    let (x, z) = (leaf(&[3.0]), leaf(&[1.0, 2.0]));
    let g = x.sum(&[]).grads(&[z.clone()]).remove(0);
    assert_eq!(g.to_vec::<f64>().unwrap(), [0.0, 0.0]);
    assert!(x.sum(&[]).backward().of(&z).is_none());
}

#[test]
fn nothing_is_recorded_under_no_grad_and_views_of_leaves_are_not_leaves() {
    let x = leaf(&[1.0, 2.0]);
    assert!(no_grad(|| x.exp()).is_constant());
    assert!(x.detach().is_constant());
    let view = x.slice(0, 0, 1, 1);
    assert!(view.leaf_id().is_none() && !view.is_constant());
}

/// A recurrent state that is detached at each step holds no history.
#[test]
fn a_detached_value_lets_its_history_go() {
    let x = leaf(&[0.5; 40]);
    let y = x.exp();
    let mut kept = y.tensor().clone();
    let state = (&y * 2.0).detach();
    drop(y);
    assert!(kept.try_mut::<f64>().is_some() && state.is_constant());
    let tangents = jvp(
        |x| vec![x[0].exp().detach() * &x[0]],
        &[x.clone()],
        &[x.clone()],
    );
    let (values, slopes) = tangents.unwrap();
    assert_eq!(
        values[0].to_vec::<f64>().unwrap(),
        slopes[0].to_vec::<f64>().unwrap()
    );
}

#[test]
fn an_index_out_of_range_is_an_error_and_changes_nothing() {
    let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    for (at, said) in [(3i64, "3"), (-1, "-1"), (i64::MIN, "-9223372036854775808")] {
        let index = Var::new(&[0i64, at], &[2]);
        let rest = format!("index {said} is out of range for an axis of size 3 (0 to 2)");
        let pair = || [x.clone(), index.clone()].into_iter().collect();
        let gather = apply(Gather { axis: 0 }, pair()).unwrap_err();
        assert_eq!(gather.to_string(), format!("gather: {rest}"));
        assert_eq!(gather.kind(), ErrorKind::Index);
        let select = apply(IndexSelect { axis: 0 }, pair()).unwrap_err();
        assert_eq!(select.to_string(), format!("index_select: {rest}"));
        let source = Var::ones(&[2], DType::F32, Device::Cpu);
        let all = [x.clone(), index, source].into_iter().collect();
        let add = apply(ScatterAdd { axis: 0 }, all).unwrap_err();
        assert_eq!(add.to_string(), format!("scatter_add: {rest}"));
    }
    assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0]);
}

#[test]
fn anomaly_mode_names_the_op_that_made_a_nan() {
    let x = leaf(&[-1.0, 4.0]);
    let run = AssertUnwindSafe(|| detect_anomaly(|| x.sqrt().sum(&[])));
    let failed = catch_unwind(run);
    let text = *failed.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(
        text,
        "sqrt: the result contains NaN; inputs have shapes [[2]]"
    );
}

/// A dropped example costs its neighbours nothing: a row of NaN stays in its row.
#[test]
fn a_nan_stays_in_its_row() {
    let x = Var::new(&[f64::NAN, 1.0, 2.0, 3.0], &[2, 2]);
    let y = x.softmax(1).to_vec::<f64>().unwrap();
    assert!(y[0].is_nan() && y[1].is_nan() && y[2].is_finite() && y[3].is_finite());
    let w = Var::new(&[1.0f64, 1.0, 0.0, 1.0], &[2, 2]);
    let z = x.matmul(&w).to_vec::<f64>().unwrap();
    assert!(z[0].is_nan() && z[1].is_nan());
    assert_eq!(z[2..], [2.0, 5.0]);
}

/// A zero of dropout is a zero, the rest is scaled, the share is about `1 - p`, and the gradient is
/// the same factor.
#[test]
fn dropout_zeroes_or_scales() {
    let x = leaf(&[2.0; 4000]);
    let y = x.dropout(0.25, 7, 1);
    let values = y.to_vec::<f64>().unwrap();
    let kept = values.iter().filter(|&&v| v != 0.0).count();
    assert!(
        values
            .iter()
            .all(|&v| v == 0.0 || (v - 2.0 / 0.75).abs() < 1e-12)
    );
    // 3000 expected, standard deviation 27.
    assert!((2850..3150).contains(&kept), "{kept}");
    let factors: Vec<f64> = values.iter().map(|v| v / 2.0).collect();
    assert_eq!(y.sum(&[]).backward().of(&x).unwrap().to_f64(), factors);
    assert_eq!(x.dropout(0.25, 7, 1).to_vec::<f64>().unwrap(), values);
    assert_ne!(x.dropout(0.25, 7, 2).to_vec::<f64>().unwrap(), values);
}
