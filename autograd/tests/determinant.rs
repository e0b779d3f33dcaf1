//! Determinants of singular matrices: the gradient is the cofactors, in every mode and order.

use lepton_autograd::{GradcheckOptions, Tensor, Var, grad, gradcheck, hessian, hvp, vmap};

fn square(x: &[f64], n: usize) -> Var {
    Var::new(x, &[n, n])
}

fn det(x: &Var) -> Var {
    x.det().unwrap()
}

#[track_caller]
fn near(x: &Var, want: &[f64]) {
    let got = x.to_vec::<f64>().unwrap();
    let close = got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close, "{got:?} is not {want:?}");
}

#[test]
fn the_gradient_is_the_cofactors() {
    near(
        &grad(det, &square(&[0.0, 0.0, 0.0, 1.0], 2)).unwrap(),
        &[1.0, 0.0, 0.0, 0.0],
    );
    near(&grad(det, &square(&[0.0; 4], 2)).unwrap(), &[0.0; 4]);
    near(&grad(det, &square(&[0.0], 1)).unwrap(), &[1.0]);
    let rank_one = square(&[1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 3.0, 6.0, 9.0], 3);
    near(&grad(det, &rank_one).unwrap(), &[0.0; 9]);
    let rank_two = square(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 3);
    let cofactors = [-3.0, 6.0, -3.0, 6.0, -12.0, 6.0, -3.0, 6.0, -3.0];
    near(&grad(det, &rank_two).unwrap(), &cofactors);
    let batch = Var::leaf(
        Tensor::from_vec(vec![0.0f64, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 4.0], &[2, 2, 2]).unwrap(),
    );
    let g = det(&batch).sum(&[]).grads(&[batch]).remove(0);
    near(&g, &[1.0, 0.0, 0.0, 0.0, 4.0, -3.0, -2.0, 1.0]);
    assert_eq!(det(&square(&[1.0, 2.0, 3.0, 4.0], 2)).item().unwrap(), -2.0);
}

#[test]
fn empty_matrices_and_batches_have_one_too() {
    let none = Var::leaf(Tensor::from_vec(Vec::<f64>::new(), &[0, 0]).unwrap());
    assert_eq!(det(&none).item().unwrap(), 1.0);
    assert_eq!(det(&none).grads(&[none.clone()])[0].shape(), [0, 0]);
    let batch = Var::leaf(Tensor::from_vec(Vec::<f64>::new(), &[0, 2, 2]).unwrap());
    assert_eq!(
        det(&batch).sum(&[]).grads(&[batch.clone()])[0].shape(),
        [0, 2, 2]
    );
}

#[test]
fn higher_orders_are_those_of_a_polynomial() {
    let corners = [
        0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0,
    ];
    for x in [[0.0, 0.0, 0.0, 1.0], [0.0; 4], [1.0, 2.0, 3.0, 4.0]] {
        near(&hessian(det, &square(&x, 2)).unwrap(), &corners);
        let along = hvp(det, &square(&x, 2), &square(&[1.0, 2.0, 3.0, 4.0], 2)).unwrap();
        near(&along, &[4.0, -3.0, -2.0, 1.0]);
    }
    let rank_one = [1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 3.0, 6.0, 9.0];
    let second = GradcheckOptions {
        order: 3,
        ..Default::default()
    };
    let each = |x: &[Var]| vec![det(&x[0])];
    gradcheck(each, &[square(&rank_one, 3)], second).unwrap();
    gradcheck(each, &[square(&[0.5, 1.0, -2.0, 0.3], 2)], second).unwrap();
    let mapped = vmap(
        |x| vec![det(&x[0])],
        &[Var::new(
            &[0.0f64, 1.0, 1.0, 0.0, 2.0, 0.0, 0.0, 2.0],
            &[2, 2, 2],
        )],
    );
    near(&mapped.unwrap()[0], &[-1.0, 4.0]);
}

#[test]
fn a_logarithm_of_zero_has_no_gradient_and_no_panic() {
    let x = Var::leaf(
        Tensor::from_vec(vec![0.0f64, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 4.0], &[2, 2, 2]).unwrap(),
    );
    let (sign, log) = x.slogdet().unwrap();
    assert_eq!(sign.to_vec::<f64>().unwrap(), [0.0, 1.0]);
    let g = log.sum(&[]).grads(&[x]).remove(0).to_vec::<f64>().unwrap();
    assert!(g[..4].iter().all(|v| v.is_nan()));
    assert_eq!(g[4..], [0.5, 0.0, 0.0, 0.25]);
}
