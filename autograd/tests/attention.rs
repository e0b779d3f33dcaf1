//! Attention, normalisation and losses of rows against the same from smaller ops.

use lepton_autograd::{
    AttentionOptions, DType, Device, GradcheckOptions, Tensor, Var, gradcheck, vmap,
};
use lepton_tensor::random::Rng;
use proptest::prelude::*;

fn normal(rng: &mut Rng, shape: &[usize]) -> Var {
    Var::leaf(Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.normal())
    }))
}

fn close(a: &Var, b: &Var) -> bool {
    let (x, y) = (a.tensor().to_f64(), b.tensor().to_f64());
    let near = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-9 * (1.0 + y.abs());
    a.shape() == b.shape() && x.iter().zip(&y).all(near)
}

/// The definition, with the whole square of scores.
fn plain(q: &Var, k: &Var, v: &Var, options: &AttentionOptions) -> Var {
    let depth = q.shape()[q.rank() - 1] as f64;
    let mut scores = q.matmul(&k.t()) * options.scale.unwrap_or(1.0 / depth.sqrt());
    if let Some(m) = &options.mask {
        scores = match m.dtype() {
            DType::Bool => scores.masked_fill(&m.logical_not(), f64::NEG_INFINITY),
            _ => scores + m,
        };
    }
    if options.causal {
        let square = &scores.shape()[scores.rank() - 2..];
        let later = Var::ones(square, DType::F64, Device::Cpu).triu(1);
        scores = scores.masked_fill(&later.to_dtype(DType::Bool), f64::NEG_INFINITY);
    }
    scores.softmax(-1).matmul(v)
}

/// First and second derivatives of a number that depends on all of `y`.
fn both(y: &Var, wrt: &[Var]) -> (Vec<Var>, Vec<Var>) {
    let first = (y * y).sum(&[]).grads(wrt);
    let total = first.iter().map(|g| (g * g).sum(&[]));
    let total = total.reduce(|a, b| a + b).expect("an input");
    let second = total.grads(wrt);
    (first, second)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn attention_is_what_it_is_made_of(
        seed: u64, heads in 1usize..3, time in 1usize..6, keys in 1usize..6, depth in 1usize..4,
        causal: bool, masked in 0..3,
    ) {
        let mut rng = Rng::new(seed);
        let (q, k, v) = (
            normal(&mut rng, &[2, heads, time, depth]),
            normal(&mut rng, &[heads, keys, depth]),
            normal(&mut rng, &[2, 1, keys, 3]),
        );
        let mask = match masked {
            0 => None,
            1 => Some(normal(&mut rng, &[time, keys])),
            _ => {
                // Every query sees the first key.
                let seen = |i: usize| i.is_multiple_of(keys) || rng.below(2) == 1;
                let seen: Vec<bool> = (0..time * keys).map(seen).collect();
                Some(Var::new(&seen, &[time, keys]))
            }
        };
        let options = AttentionOptions { mask: mask.clone(), causal, scale: None };
        let mut leaves = vec![q.clone(), k.clone(), v.clone()];
        let fused = q.scaled_dot_product_attention(&k, &v, &options);
        let want = plain(&q, &k, &v, &options);
        prop_assert!(close(&fused, &want));
        leaves.extend(mask.filter(|m| m.leaf_id().is_some()));
        let (a, b) = (both(&fused, &leaves), both(&want, &leaves));
        for (a, b) in a.0.iter().chain(&a.1).zip(b.0.iter().chain(&b.1)) {
            prop_assert!(close(a, b), "{a} instead of {b}");
        }
    }

    #[test]
    fn losses_of_rows_are_what_they_are_made_of(seed: u64, rows in 1usize..5, classes in 1usize..6) {
        let mut rng = Rng::new(seed);
        let x = normal(&mut rng, &[rows, classes]);
        let picks: Vec<i64> = (0..rows).map(|_| rng.below(classes as u64) as i64).collect();
        let picks = Var::new(&picks, &[rows]);
        let fused = x.cross_entropy(&picks);
        let want = -x.log_softmax(-1).gather(1, &picks.unsqueeze(1)).squeeze(1);
        prop_assert!(close(&fused, &want));
        let (a, b) = (both(&fused, &[x.clone()]), both(&want, &[x]));
        prop_assert!(close(&a.0[0], &b.0[0]) && close(&a.1[0], &b.1[0]));
    }
}

#[test]
fn a_query_that_sees_nothing_gets_nothing_in_any_order() {
    let mut rng = Rng::new(1);
    let x: Vec<Var> = (0..3).map(|_| normal(&mut rng, &[2, 2])).collect();
    let mask = Some(Var::new(&[false, false, true, true], &[2, 2]));
    let options = AttentionOptions {
        mask,
        ..AttentionOptions::default()
    };
    let y = x[0].scaled_dot_product_attention(&x[1], &x[2], &options);
    assert_eq!(y.to_vec::<f64>().unwrap()[..2], [0.0, 0.0]);
    let (first, second) = both(&y, &x);
    assert_eq!(first[0].to_vec::<f64>().unwrap()[..2], [0.0, 0.0]);
    let all = first
        .iter()
        .chain(&second)
        .flat_map(|g| g.tensor().to_f64());
    assert!(all.into_iter().all(f64::is_finite));
    // The same where the mask learns, and attention is made of other ops.
    let low = Var::leaf(
        Tensor::from_vec(
            vec![f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, 0.0],
            &[2, 2],
        )
        .unwrap(),
    );
    let learns = AttentionOptions {
        mask: Some(low),
        ..AttentionOptions::default()
    };
    assert!(close(
        &x[0].scaled_dot_product_attention(&x[1], &x[2], &learns),
        &y
    ));
}

#[test]
fn an_example_of_a_batch_may_have_a_mask_of_its_own() {
    let mut rng = Rng::new(2);
    let x: Vec<Var> = (0..3).map(|_| normal(&mut rng, &[3, 4, 2])).collect();
    let mask = normal(&mut rng, &[3, 4, 4]);
    let run = |x: &[Var]| {
        let options = AttentionOptions {
            mask: Some(x[3].clone()),
            ..AttentionOptions::default()
        };
        vec![x[0].scaled_dot_product_attention(&x[1], &x[2], &options)]
    };
    let all = [x, vec![mask]].concat();
    assert!(close(&vmap(run, &all).unwrap()[0], &run(&all)[0]));
}

#[test]
fn norms_and_embeddings_have_the_slopes_of_their_values() {
    let mut rng = Rng::new(3);
    let options = GradcheckOptions {
        order: 2,
        ..GradcheckOptions::default()
    };
    let (x, w, b) = (
        normal(&mut rng, &[2, 4, 3]),
        normal(&mut rng, &[4]),
        normal(&mut rng, &[4]),
    );
    let group = |x: &[Var]| vec![x[0].group_norm(2, Some(&x[1]), Some(&x[2]), 1e-2)];
    gradcheck(group, &[x.clone(), w.clone(), b.clone()], options).unwrap();
    let shifted = |x: &[Var]| vec![x[0].t().layer_norm(&[4], None, Some(&x[1]), 1e-2)];
    gradcheck(shifted, &[x, b], options).unwrap();
    let table = normal(&mut rng, &[5, 3]);
    let index = Var::new(&[4i64, 0, 4, 2], &[2, 2]);
    let g = table
        .embedding(&index, Some(2))
        .sum(&[])
        .grads(&[table.clone()]);
    let rows: Vec<f64> = g[0].sum(&[1]).to_vec().unwrap();
    assert_eq!(rows, [3.0, 0.0, 0.0, 0.0, 6.0]);
}
