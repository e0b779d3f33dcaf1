//! Writing at indices: who is written over has no gradient, in any order of derivative.

use lepton_autograd::{GradcheckOptions, Index, Reduction, Tensor, Var, grad, gradcheck};

fn row(x: &[f64]) -> Var {
    Var::new(x, &[x.len()])
}

fn at(i: &[i64]) -> Var {
    Var::new(i, &[i.len()])
}

fn second() -> GradcheckOptions {
    GradcheckOptions {
        order: 2,
        ..Default::default()
    }
}

/// The gradient of a weighted sum by the source, checked against differences.
#[track_caller]
fn gradient(f: impl Fn(&Var) -> Var, src: &[f64]) -> Vec<f64> {
    let weighted = |s: &Var| {
        let y = f(s);
        let n = y.numel();
        let weights: Vec<f64> = (1..=n).map(|i| i as f64).collect();
        (y.reshape(&[n]) * row(&weights)).sum(&[])
    };
    gradcheck(|s| vec![f(&s[0]).square()], &[row(src)], second()).unwrap();
    grad(weighted, &row(src)).unwrap().to_vec().unwrap()
}

#[test]
fn the_last_of_several_takes_the_gradient() {
    let x = row(&[1.0, 2.0, 3.0]);
    let (i, mask) = (at(&[0, 0]), Var::new(&[true, false, true], &[3]));
    assert_eq!(gradient(|s| x.scatter(0, &i, s), &[5.0, 6.0]), [0.0, 1.0]);
    assert_eq!(
        gradient(|s| x.put(&at(&[-1, 2]), s, false), &[5.0, 6.0]),
        [0.0, 3.0]
    );
    assert_eq!(
        gradient(|s| x.put(&at(&[-1, 2]), s, true), &[5.0, 6.0]),
        [3.0, 3.0]
    );
    assert_eq!(
        gradient(|s| x.index_copy(0, &at(&[1, 1]), s), &[5.0, 6.0]),
        [0.0, 2.0]
    );
    let tuple = [Index::Of(at(&[2, 0, 2]))];
    let put = |s: &Var| x.index_put(&tuple, s, false).unwrap();
    assert_eq!(gradient(put, &[5.0, 6.0, 7.0]), [0.0, 1.0, 3.0]);
    let filled = |s: &Var| x.masked_scatter(&mask, s).unwrap();
    assert_eq!(gradient(filled, &[5.0, 6.0]), [1.0, 3.0]);
    let rows = Var::new(&[0i64, 1, 0, 0], &[2, 2]);
    let table =
        |s: &Var| Var::zeros(&[2, 2], s.dtype(), s.device()).scatter(0, &rows, &s.reshape(&[2, 2]));
    assert_eq!(gradient(table, &[1.0, 2.0, 3.0, 4.0]), [0.0, 4.0, 1.0, 2.0]);
}

#[test]
fn what_is_written_over_in_the_base_has_none_either() {
    let s = row(&[5.0, 6.0]);
    let base = |x: &Var| x.scatter(0, &at(&[1, 1]), &s).square();
    let g = grad(|x| base(x).sum(&[]), &row(&[1.0, 2.0, 3.0])).unwrap();
    assert_eq!(g.to_vec::<f64>().unwrap(), [2.0, 0.0, 6.0]);
}

#[test]
fn a_batch_of_writes_has_the_gradient_of_each() {
    let x = Var::leaf(Tensor::from_vec(vec![1.0f64, 2.0, 3.0, 4.0], &[2, 2]).unwrap());
    let index = Var::new(&[0i64, 0, 1, 0], &[2, 2]);
    let f =
        |v: &[Var]| vec![Var::zeros(&[2], v[0].dtype(), v[0].device()).scatter(0, &v[1], &v[0])];
    let y = lepton_autograd::vmap(f, &[x.clone(), index])
        .unwrap()
        .remove(0);
    let g = y.sum(&[]).backward();
    assert_eq!(
        g.of(&x).unwrap().to_vec::<f64>().unwrap(),
        [0.0, 1.0, 1.0, 1.0]
    );
}

#[test]
fn reductions_have_right_derivatives_of_both_orders_at_zeros_and_repeats() {
    let index = at(&[0, 0, 1, 0, 1]);
    let kinds = [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Mean,
        Reduction::Max,
        Reduction::Min,
    ];
    for (how, keep) in kinds.into_iter().flat_map(|k| [(k, false), (k, true)]) {
        for zeros in [[0.5, 2.0, -1.5, 0.7, 3.0], [0.0, 2.0, 0.0, 0.7, 3.0]] {
            let f = |v: &[Var]| vec![v[0].scatter_reduce(0, &index, &v[1], how, keep)];
            let x = [row(&[1.2, -0.4, 0.9]), row(&zeros)];
            gradcheck(f, &x, second()).unwrap_or_else(|e| panic!("{how:?} {keep}: {e}"));
        }
    }
    // Two zeros in one place: their mixed derivative is the product of the others.
    let f = |s: &Var| row(&[2.0]).scatter_reduce(0, &at(&[0, 0, 0]), s, Reduction::Prod, true);
    let x = row(&[0.0, 3.0, 0.0]);
    let h = lepton_autograd::hessian(|s| f(s).sum(&[]), &x).unwrap();
    let want = [0.0, 0.0, 6.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0];
    assert_eq!(h.to_vec::<f64>().unwrap(), want);
}
