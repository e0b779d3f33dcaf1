//! Laws that hold for every input: views, broadcasting, whole numbers, derivatives, and ops that are
//! made of others.

use lepton_autograd::ops::conv::Unfold2d;
use lepton_autograd::{ConvOptions, Tensor, Var, grad, hessian, hvp, vjp};
use lepton_tensor::ops::Window;
use lepton_tensor::random::Rng;
use proptest::collection::vec;
use proptest::prelude::*;

fn normal(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.normal())
    })
}

/// Whole numbers from -3 to 3: sums and products of these are exact in f64 and i64.
fn whole(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.below(7) as f64 - 3.0)
    })
}

fn values(x: &Var) -> Vec<f64> {
    x.tensor().to_f64()
}

fn near(a: &Var, b: &Var, tolerance: f64) -> bool {
    let close = |(x, y): (&f64, f64)| (x - y).abs() <= tolerance * (1.0 + y.abs());
    a.shape() == b.shape() && values(a).iter().zip(values(b)).all(close)
}

fn dot(a: &Var, b: &Var) -> f64 {
    values(a).iter().zip(values(b)).map(|(x, y)| x * y).sum()
}

/// One of the ways to look at the same elements, chosen by three numbers.
type Look = (u8, u8, u8);

fn look(x: &Var, (kind, a, b): Look) -> Var {
    let rank = x.rank();
    if rank == 0 {
        return x.unsqueeze(0).expand(&[2]);
    }
    let (a, b) = (a as usize, b as usize);
    let (axis, other) = (a % rank, b % rank);
    let n = x.shape()[axis];
    match kind % 6 {
        0 => x.transpose(axis as isize, other as isize),
        1 => x.flip(axis),
        2 if n > 0 => {
            let (start, step) = (b % n, 1 + b % 2);
            x.slice(axis, start, (n - start).div_ceil(step), step as isize)
        }
        3 if x.numel() < 200 => {
            let mut shape = x.shape().to_vec();
            shape.insert(axis, 2);
            x.unsqueeze(axis as isize).expand(&shape)
        }
        4 => x.reshape(&[x.numel()]),
        5 if n.is_multiple_of(2) => {
            let mut shape = x.shape().to_vec();
            shape[axis] = n / 2;
            shape.insert(axis, 2);
            x.reshape(&shape)
        }
        _ => x.permute(&(0..rank).map(|i| (i + 1) % rank).collect::<Vec<_>>()),
    }
}

/// Shapes that broadcast together: `full`, and for each side which axes are 1 and how many outer
/// ones are missing.
fn sides(full: &[usize], mask: u8, cut: usize) -> Vec<usize> {
    let side = full
        .iter()
        .enumerate()
        .map(|(i, &d)| if mask >> i & 1 == 1 { 1 } else { d });
    side.skip(cut.min(full.len())).collect()
}

/// Where index `at` of `full` falls in a tensor of shape `side` that broadcasts to it.
fn place(mut at: usize, full: &[usize], side: &[usize]) -> usize {
    let (mut to, mut step) = (0, 1);
    for k in 1..=full.len() {
        let i = at % full[full.len() - k];
        at /= full[full.len() - k];
        if k <= side.len() {
            let d = side[side.len() - k];
            to += if d == 1 { 0 } else { i * step };
            step *= d;
        }
    }
    to
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        cases,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(200))]

    /// A chain of views has the elements of a chain of copies, and its gradient goes to where the
    /// elements came from.
    #[test]
    fn a_chain_of_views_equals_its_contiguous_copies(chain in vec(any::<Look>(), 0..7), seed: u64) {
        let mut rng = Rng::new(seed);
        let x = Var::leaf(normal(&mut rng, &[2, 3, 4]));
        let numbers: Vec<i64> = (0..24).collect();
        let (mut y, mut from) = (x.clone(), Var::new(&numbers, &[2, 3, 4]));
        for &l in &chain {
            y = look(&y, l);
            from = Var::new(&look(&from, l).to_vec::<i64>().unwrap(), look(&from, l).shape());
        }
        let from = from.to_vec::<i64>().unwrap();
        let picked: Vec<f64> = from.iter().map(|&i| values(&x)[i as usize]).collect();
        prop_assert_eq!(values(&y), picked);
        let w = Var::from(whole(&mut rng, y.shape()));
        let mut want = vec![0.0; 24];
        from.iter().zip(values(&w)).for_each(|(&i, w)| want[i as usize] += w);
        let grads = (&y * &w).sum(&[]).backward();
        prop_assert_eq!(grads.of(&x).unwrap().to_f64(), want);
    }

    #[test]
    fn broadcasting_equals_a_loop_forward_and_backward(
        full in vec(1usize..4, 0..4), masks: (u8, u8), cuts in (0usize..3, 0usize..3), seed: u64,
    ) {
        // One side keeps every axis, so that `full` is the common shape.
        let (left, right) = (sides(&full, masks.0 & !masks.1, 0), sides(&full, masks.1, cuts.1));
        let mut rng = Rng::new(seed);
        let (a, b) = (Var::leaf(whole(&mut rng, &left)), Var::leaf(whole(&mut rng, &right)));
        let y = &a * &b + &a;
        let full: Vec<usize> = y.shape().to_vec();
        let w = Var::from(whole(&mut rng, &full));
        let (av, bv, wv) = (values(&a), values(&b), values(&w));
        let (mut ga, mut gb) = (vec![0.0; av.len()], vec![0.0; bv.len()]);
        for i in 0..y.numel() {
            let (p, q) = (place(i, &full, &left), place(i, &full, &right));
            prop_assert_eq!(values(&y)[i], av[p] * bv[q] + av[p]);
            ga[p] += wv[i] * (bv[q] + 1.0);
            gb[q] += wv[i] * av[p];
        }
        let grads = (&y * &w).sum(&[]).backward();
        prop_assert_eq!(grads.of(&a).unwrap().to_f64(), ga);
        prop_assert_eq!(grads.of(&b).unwrap().to_f64(), gb);
    }

    /// `<expand x, u> = <x, sum u>`, to the bit on whole numbers.
    #[test]
    fn summing_to_a_shape_is_the_adjoint_of_expanding(
        full in vec(1usize..5, 0..4), mask: u8, cut in 0usize..3, seed: u64,
    ) {
        let mut rng = Rng::new(seed);
        let x = Var::leaf(whole(&mut rng, &sides(&full, mask, cut)));
        let u = Var::from(whole(&mut rng, &full));
        let y = x.expand(&full);
        let back = vjp(&[y.clone()], &[u.clone()], &[x.clone()]).unwrap();
        prop_assert_eq!(back[0].shape(), x.shape());
        prop_assert_eq!(dot(&y, &u), dot(&x, &back[0]));
    }

    /// Associative, commutative and distributive laws, exact where numbers are whole.
    #[test]
    fn whole_numbers_obey_the_laws_exactly(m in 1usize..5, k in 1usize..5, n in 1usize..5, seed: u64) {
        let mut rng = Rng::new(seed);
        for integer in [false, true] {
            let mut draw = |shape: &[usize]| {
                let x = Var::from(whole(&mut rng, shape));
                if integer { x.to_dtype(lepton_autograd::DType::I64) } else { x }
            };
            let (a, b, c) = (draw(&[m, k]), draw(&[m, k]), draw(&[m, k]));
            let (p, q, r) = (draw(&[k, n]), draw(&[k, n]), draw(&[n, m]));
            prop_assert_eq!(values(&(&a + &b)), values(&(&b + &a)));
            prop_assert_eq!(values(&((&a + &b) + &c)), values(&(&a + (&b + &c))));
            prop_assert_eq!(values(&((&a * &b) * &c)), values(&(&a * (&b * &c))));
            prop_assert_eq!(values(&(&a * (&b + &c))), values(&(&a * &b + &a * &c)));
            prop_assert_eq!(values(&(&a - &b)), values(&(-(&b - &a))));
            prop_assert_eq!(values(&a.matmul(&p).matmul(&r)), values(&a.matmul(&p.matmul(&r))));
            prop_assert_eq!(values(&a.matmul(&(&p + &q))), values(&(a.matmul(&p) + a.matmul(&q))));
            prop_assert_eq!(values(&a.matmul(&p).t()), values(&p.t().matmul(&a.t())));
            prop_assert_eq!(values(&a.sum(&[0]).sum(&[])), values(&a.sum(&[])));
        }
    }

    #[test]
    fn reverse_mode_is_linear_in_the_cotangent(seed: u64) {
        let mut rng = Rng::new(seed);
        let x = Var::leaf(normal(&mut rng, &[3, 4]));
        let y = (&x * x.tanh()).softmax(1);
        let (u, v) = (Var::from(normal(&mut rng, &[3, 4])), Var::from(normal(&mut rng, &[3, 4])));
        let pull = |u: &Var| vjp(&[y.clone()], &[u.clone()], &[x.clone()]).unwrap().remove(0);
        let both = pull(&(&u * 2.0 - &v * 3.0));
        prop_assert!(near(&both, &(pull(&u) * 2.0 - pull(&v) * 3.0), 1e-12));
    }

    /// Symmetric, and its product with a vector by three ways.
    #[test]
    fn hessians_are_symmetric_and_agree_with_their_products(seed: u64, n in 1usize..6) {
        let mut rng = Rng::new(seed);
        let (x, v) = (Var::from(normal(&mut rng, &[n])), Var::from(normal(&mut rng, &[n])));
        let w = Var::from(normal(&mut rng, &[n, n]));
        let f = |x: &Var| (w.matmul(x).tanh() * x.sin()).sum(&[]) * x.square().mean(&[]).exp();
        let h = hessian(f, &x).unwrap();
        prop_assert!(near(&h, &h.t(), 1e-10));
        let product = hvp(f, &x, &v).unwrap();
        prop_assert!(near(&product, &h.matmul(&v), 1e-10));
        let slope = |x: &Var| (grad(f, x).unwrap() * &v).sum(&[]);
        prop_assert!(near(&product, &grad(slope, &x).unwrap(), 1e-10));
    }

    #[test]
    fn softmax_does_not_see_a_shift(shift in -50.0f64..50.0, seed: u64, axis in 0isize..2) {
        let x = Var::from(normal(&mut Rng::new(seed), &[3, 5]));
        let (p, q) = (x.softmax(axis), (&x + shift).softmax(axis));
        prop_assert!(near(&q, &p, 1e-12));
        prop_assert!(near(&(&x + shift).log_softmax(axis).exp(), &p, 1e-12));
        prop_assert!(near(&p.sum(&[axis]), &p.sum(&[axis]).ones_like(), 1e-14));
    }

    /// Forward, and both gradients.
    #[test]
    fn convolution_is_a_product_with_unfolded_images(
        stride in (1usize..3, 1usize..3), padding in (0usize..2, 0usize..2), dilation in (1usize..3, 1usize..3), seed: u64,
    ) {
        let mut rng = Rng::new(seed);
        let options = ConvOptions {
            stride: stride.into(), padding: padding.into(), dilation: dilation.into(), groups: 1,
        };
        let (x, w) = (Var::leaf(normal(&mut rng, &[2, 3, 6, 5])), Var::leaf(normal(&mut rng, &[4, 3, 2, 2])));
        let y = x.conv2d(&w, None, options);
        let window = Window { kernel: [2, 2], stride: stride.into(), padding: padding.into(), dilation: dilation.into() };
        let columns = x.try_apply(Unfold2d { window }).unwrap().remove(0);
        let pixels = y.shape()[2] * y.shape()[3];
        let z = w.reshape(&[4, 12]).matmul(&columns.reshape(&[2, 12, pixels])).reshape(y.shape());
        prop_assert!(near(&y, &z, 1e-12));
        let u = Var::from(normal(&mut rng, y.shape()));
        let back = |y: &Var| vjp(&[y.clone()], &[u.clone()], &[x.clone(), w.clone()]).unwrap();
        let (g, h) = (back(&y), back(&z));
        prop_assert!(near(&g[0], &h[0], 1e-12) && near(&g[1], &h[1], 1e-12));
    }

    #[test]
    fn parts_of_a_cut_join_again(cuts in vec(0usize..4, 1..4), axis in 0usize..2, seed: u64) {
        let mut rng = Rng::new(seed);
        let mut shape = [3, 3];
        shape[axis] = cuts.iter().sum();
        let x = Var::leaf(normal(&mut rng, &shape));
        let mut start = 0;
        let part = |&n: &usize| { start += n; x.slice(axis, start - n, n, 1) };
        let parts: Vec<Var> = cuts.iter().map(part).collect();
        let joined = Var::cat(&parts, axis as isize);
        prop_assert_eq!(values(&joined), values(&x));
        let u = Var::from(normal(&mut rng, &shape));
        let back = vjp(&[joined], &[u.clone()], &[x]).unwrap();
        prop_assert_eq!(values(&back[0]), values(&u));
    }

    #[test]
    fn sorting_gathers(n in 0usize..9, descending: bool, seed: u64, k in 0usize..9) {
        // Whole numbers, so that there are ties.
        let x = Var::from(whole(&mut Rng::new(seed), &[2, n]));
        let (y, at) = x.sort(1, descending);
        prop_assert_eq!(values(&y), values(&x.gather(1, &at)));
        for row in 0..2 {
            let (y, at) = (values(&y.select(0, row)), values(&at.select(0, row)));
            for i in 1..n {
                let (first, second) = if descending { (y[i], y[i - 1]) } else { (y[i - 1], y[i]) };
                prop_assert!(first <= second);
                prop_assert!(y[i] != y[i - 1] || at[i - 1] < at[i], "equals keep their order");
            }
        }
        let k = k.min(n);
        let (top, from) = x.topk(k, 1, descending);
        prop_assert_eq!(values(&top), values(&y.slice(1, 0, k, 1)));
        prop_assert_eq!(values(&from), values(&at.slice(1, 0, k, 1)));
    }

    /// Every fold over no axis, over one of size 0, and by parts.
    #[test]
    fn sums_add_up_whatever_the_axes(shape in vec(0usize..4, 1..4), seed: u64) {
        let x = Var::from(whole(&mut Rng::new(seed), &shape));
        let total: f64 = values(&x).iter().sum();
        for axis in 0..shape.len() as isize {
            let part = x.sum(&[axis]);
            prop_assert_eq!(values(&part).iter().sum::<f64>(), total);
            prop_assert_eq!(values(&x.cumsum(axis)).len(), x.numel());
            if shape[axis as usize] > 0 {
                let last = x.cumsum(axis).select(axis, -1);
                prop_assert_eq!(values(&last), values(&part));
            }
        }
    }
}
