//! Views against a model that knows nothing of strides: a shape, and the number of the element that
//! stands at each index.

use lepton_tensor::{Tensor, ops};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a view shows: `at[i]` is the storage's element at row-major index `i`.
#[derive(Clone, Debug)]
struct Model {
    shape: Vec<usize>,
    at: Vec<f32>,
}

impl Model {
    fn fresh(shape: &[usize]) -> Model {
        let n = shape.iter().product::<usize>();
        Model {
            shape: shape.to_vec(),
            at: (0..n).map(|i| i as f32).collect(),
        }
    }

    /// A new view whose element at `index` is this one's at `from(index)`.
    fn map(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Model {
        let n = shape.iter().product::<usize>();
        let pick = |i: usize| self.at[number(&from(&index(i, &shape)), &self.shape)];
        Model {
            at: (0..n).map(pick).collect(),
            shape,
        }
    }
}

/// The row-major number `i` as an index.
fn index(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut out = vec![0; shape.len()];
    for a in (0..shape.len()).rev() {
        (out[a], i) = (i % shape[a], i / shape[a]);
    }
    out
}

fn number(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |n, (i, d)| n * d + i)
}

/// One view of both, chosen by four numbers; the same pair when the choice does not fit.
fn look(x: &Tensor, m: &Model, (kind, a, b, c): (u8, usize, usize, usize)) -> (Tensor, Model) {
    let rank = m.shape.len();
    if rank == 0 {
        return (x.expand(&[3]).unwrap(), m.map(vec![3], |_| vec![]));
    }
    let axis = a % rank;
    let d = m.shape[axis];
    let with = |size: usize| {
        let mut shape = m.shape.clone();
        shape[axis] = size;
        shape
    };
    match kind % 7 {
        0 => {
            let mut order: Vec<usize> = (0..rank).collect();
            order.swap(axis, b % rank);
            order.rotate_left(c % rank);
            let shape = order.iter().map(|&o| m.shape[o]).collect();
            let from = |i: &[usize]| {
                let mut out = vec![0; rank];
                order.iter().zip(i).for_each(|(&o, &i)| out[o] = i);
                out
            };
            (x.permute(&order).unwrap(), m.map(shape, from))
        }
        1 if d > 0 => {
            let (start, step) = (b % d, 1 + c % 3);
            let len = (d - start).div_ceil(step).saturating_sub(c % 2);
            let cut = x.slice(axis, start, len, step as isize).unwrap();
            (
                cut,
                m.map(with(len), |i| moved(i, axis, start + i[axis] * step)),
            )
        }
        2 if d > 0 => {
            let (start, step) = (b % d, 1 + c % 3);
            let len = start / step + 1;
            let cut = x.slice(axis, start, len, -(step as isize)).unwrap();
            (
                cut,
                m.map(with(len), |i| moved(i, axis, start - i[axis] * step)),
            )
        }
        3 if d == 1 && x.numel() < 500 => (
            x.expand(&with(b % 4)).unwrap(),
            m.map(with(b % 4), |i| moved(i, axis, 0)),
        ),
        4 if x.numel() < 500 => {
            let shape = [&[1 + b % 3], &m.shape[..]].concat();
            (x.expand(&shape).unwrap(), m.map(shape, |i| i[1..].to_vec()))
        }
        5 => {
            // The same number of elements in another shape: by two, in one row, or with ones.
            let n = x.numel();
            let shape = match b % 3 {
                0 if n.is_multiple_of(2) => vec![n / 2, 2],
                1 => vec![n],
                _ => m.shape.iter().flat_map(|&d| [1, d]).collect(),
            };
            let same = Model {
                at: m.at.clone(),
                shape: shape.clone(),
            };
            (x.reshape(&shape).unwrap(), same)
        }
        6 if d > 0 => {
            let (size, step) = (1 + b % d, 1 + c % 2);
            let mut shape = with((d - size) / step + 1);
            shape.push(size);
            let from = |i: &[usize]| moved(&i[..rank], axis, i[axis] * step + i[rank]);
            (x.unfold(axis, size, step).unwrap(), m.map(shape, from))
        }
        _ => (x.clone(), m.clone()),
    }
}

fn moved(i: &[usize], axis: usize, to: usize) -> Vec<usize> {
    let mut out = i.to_vec();
    out[axis] = to;
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_of_views_shows_what_index_arithmetic_says(
        shape in vec(0usize..5, 0..4),
        chain in vec(any::<(u8, usize, usize, usize)>(), 0..8),
    ) {
        let mut model = Model::fresh(&shape);
        let mut x = Tensor::from_slice(&model.at, &shape).unwrap();
        for choice in chain {
            let before = x.clone();
            (x, model) = look(&x, &model, choice);
            prop_assert_eq!(x.shape(), &model.shape[..]);
            prop_assert_eq!(&x.to_vec::<f32>().unwrap(), &model.at, "{:?} by {:?}", x.shape(), x.strides());
            let copy = x.contiguous();
            prop_assert_eq!(copy.as_slice::<f32>().unwrap(), &model.at[..]);
            if let Some(flat) = x.as_slice::<f32>() {
                prop_assert_eq!(flat, &model.at[..]);
            }
            // A copy only where strides cannot say it; every other view shares the elements.
            let copied = !x.shares_storage(&before) && before.shares_storage(&before);
            prop_assert!(!copied || choice.0 % 7 == 5);
        }
    }

    /// Strides from anywhere: what the constructor lets through can be read; the rest it refuses.
    #[test]
    fn strides_that_leave_the_storage_are_refused(
        shape in vec(0usize..4, 0..3), strides in vec(-5isize..6, 3), offset in 0usize..14,
    ) {
        let x = Tensor::from_vec((0..12).map(|i| i as f32).collect(), &[12]).unwrap();
        let strides = &strides[..shape.len()];
        let n = shape.iter().product::<usize>();
        let at = |i: usize| {
            let steps = index(i, &shape).into_iter().zip(strides);
            steps.fold(offset as isize, |at, (i, s)| at + i as isize * s)
        };
        let inside = (0..n).all(|i| (0..12).contains(&at(i)));
        match x.as_strided(&shape, strides, offset) {
            Ok(view) => {
                prop_assert!(inside);
                let want: Vec<f32> = (0..n).map(|i| at(i) as f32).collect();
                prop_assert_eq!(view.to_vec::<f32>().unwrap(), want);
            }
            Err(e) => {
                prop_assert!(!inside);
                prop_assert!(e.to_string().ends_with("leaves a storage of 12 elements"), "{}", e);
            }
        }
    }
}

#[test]
fn views_refuse_what_does_not_exist() {
    let x = Tensor::from_vec(vec![0.0f32; 6], &[2, 3]).unwrap();
    let refused = [
        x.slice(0, 2, 1, 1).map(|_| ()),
        x.slice(0, 0, 3, 1).map(|_| ()),
        x.slice(1, 0, 2, -1).map(|_| ()),
        x.slice(1, 0, 2, 0).map(|_| ()),
        x.slice(2, 0, 1, 1).map(|_| ()),
        x.slice(0, usize::MAX, 2, 1).map(|_| ()),
        x.slice(0, 0, usize::MAX, 1).map(|_| ()),
        x.permute(&[0, 0]).map(|_| ()),
        x.permute(&[0]).map(|_| ()),
        x.permute(&[0, 2]).map(|_| ()),
        x.transpose(0, 2).map(|_| ()),
        x.expand(&[3, 3]).map(|_| ()),
        x.expand(&[3]).map(|_| ()),
        x.expand(&[usize::MAX, 2, 3]).map(|_| ()),
        x.reshape(&[7]).map(|_| ()),
        x.reshape(&[usize::MAX, usize::MAX]).map(|_| ()),
        x.unfold(1, 4, 1).map(|_| ()),
        x.unfold(1, 2, 0).map(|_| ()),
        x.unfold(2, 1, 1).map(|_| ()),
        x.as_strided(&[2], &[isize::MAX], 0).map(|_| ()),
        x.as_strided(&[2], &[isize::MIN], 0).map(|_| ()),
        x.as_strided(&[usize::MAX, 3], &[0, 0], 0).map(|_| ()),
        x.as_strided(&[2], &[1, 1], 0).map(|_| ()),
    ];
    for (i, r) in refused.iter().enumerate() {
        assert!(r.is_err(), "number {i} is let through");
    }
}

/// Sizes beside an empty axis may be as large as they like; nothing overflows.
#[test]
fn an_empty_tensor_may_have_huge_axes() {
    let huge = isize::MAX as usize;
    let x = Tensor::from_vec(Vec::<f64>::new(), &[huge, 0, huge]).unwrap();
    assert_eq!((x.numel(), x.to_f64().len()), (0, 0));
    let turned = x
        .permute(&[2, 0, 1])
        .unwrap()
        .slice(0, huge - 1, 1, 1)
        .unwrap();
    assert_eq!(turned.contiguous().shape(), [1, huge, 0]);
    assert_eq!(x.reshape(&[0]).unwrap().to_f64(), [0.0; 0]);
    assert!(Tensor::from_vec(Vec::<f64>::new(), &[usize::MAX, 2]).is_err());
}

/// Strides of axes with one element lead nowhere, whatever they are.
#[test]
fn strides_of_single_elements_do_not_matter() {
    let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], &[3]).unwrap();
    let odd = x
        .as_strided(&[1, 3, 1], &[isize::MAX, 1, isize::MIN], 0)
        .unwrap();
    assert!(odd.is_contiguous());
    let one = odd
        .slice(0, 0, 1, isize::MAX)
        .unwrap()
        .permute(&[2, 0, 1])
        .unwrap();
    assert_eq!(one.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!(one.reshape(&[3, 1]).unwrap().shape(), [3, 1]);
}

/// Slices joined where they were cut are a view; in another order, with a gap or twice, a copy.
#[test]
fn parts_that_stand_side_by_side_are_joined_without_a_copy() {
    let x = Tensor::from_vec((0..60).map(f64::from).collect(), &[3, 5, 4]).unwrap();
    for axis in 0..3 {
        let n = x.shape()[axis];
        let part = |start, len| x.slice(axis, start, len, 1).unwrap();
        let none = part(1, 0);
        let joined = ops::cat(&[part(0, 1), none, part(1, 1), part(2, n - 2)], axis);
        assert!(joined.shares_storage(&x), "axis {axis}");
        assert_eq!(joined.to_f64(), x.to_f64(), "axis {axis}");
        let others = [
            vec![part(1, 1), part(0, 1)],
            vec![part(0, 1), part(0, 1)],
            vec![part(0, 1), part(2, 1)],
        ];
        for parts in others {
            let joined = ops::cat(&parts, axis);
            assert!(!joined.shares_storage(&x), "axis {axis}");
            let mut start = 0;
            for p in &parts {
                let n = p.shape()[axis];
                let back = joined.slice(axis, start, n, 1).unwrap();
                assert_eq!(back.to_f64(), p.to_f64(), "axis {axis}");
                start += n;
            }
        }
    }
    let (alone, turned) = (x.slice(0, 1, 1, 1).unwrap(), x.transpose(0, 2).unwrap());
    assert!(ops::cat(std::slice::from_ref(&alone), 0).shares_storage(&x));
    assert!(ops::cat(&[turned], 0).is_contiguous());
}
