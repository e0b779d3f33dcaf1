//! Rows picked by an index: whole rows, of any length, from any axis.

use lepton_tensor::dtype::Element;
use lepton_tensor::{Tensor, ops};

/// Elements along the picked axis.
const SIZE: usize = 37;

fn check<T: Element + PartialEq + std::fmt::Debug>(
    blocks: usize,
    inner: usize,
    picked: usize,
    f: fn(usize) -> T,
) {
    let x: Vec<T> = (0..blocks * SIZE * inner).map(f).collect();
    let ids: Vec<i64> = (0..picked).map(|i| ((i * 29 + 5) % SIZE) as i64).collect();
    let table = Tensor::from_vec(x.clone(), &[blocks, SIZE, inner]).unwrap();
    let index = Tensor::from_vec(ids.clone(), &[picked]).unwrap();
    let got = ops::take(&table, 1, &index).unwrap();
    assert_eq!(got.shape(), [blocks, picked, inner]);
    let mut want = Vec::new();
    for block in x.chunks(SIZE * inner) {
        for &id in &ids {
            want.extend_from_slice(&block[id as usize * inner..][..inner]);
        }
    }
    assert!(
        got.to_vec::<T>().unwrap() == want,
        "{blocks} x {picked} x {inner}"
    );
}

#[test]
fn rows_of_every_length_are_copied_whole() {
    for inner in (1..40).chain([63, 64, 65, 127, 128, 129, 256, 300]) {
        for blocks in [1, 3] {
            check(blocks, inner, 53, |i| i as f32);
            check(blocks, inner, 7, |i| i as f64);
            check(blocks, inner, 2, |i| i as i64);
            check(blocks, inner, 41, |i| i % 3 == 0);
        }
    }
}

#[test]
fn more_rows_than_one_task_takes_are_copied_too() {
    check(5, 100, 700, |i| i as f32);
    check(2, 3, 30_000, |i| i as f32);
}

#[test]
fn nothing_picked_is_nothing() {
    check(1, 8, 0, |i| i as f32);
    let empty = Tensor::from_vec(Vec::<f32>::new(), &[SIZE, 0]).unwrap();
    let index = Tensor::from_vec(vec![3i64], &[1]).unwrap();
    assert_eq!(ops::take(&empty, 0, &index).unwrap().shape(), [1, 0]);
}

#[test]
fn an_index_outside_the_axis_is_named() {
    let table = Tensor::from_vec(vec![0f32; 6], &[3, 2]).unwrap();
    for bad in [-1, 3, i64::MIN, i64::MAX] {
        let index = Tensor::from_vec(vec![2, bad], &[2]).unwrap();
        let said = ops::take(&table, 0, &index).unwrap_err().to_string();
        assert!(
            said.contains(&bad.to_string()) && said.contains("size 3"),
            "{said}"
        );
        let rows = Tensor::from_vec(vec![1f32; 4], &[2, 2]).unwrap();
        assert!(ops::index_add(table.clone(), 0, &index, &rows).is_err());
    }
    // One element in all places is an index as well.
    let index = Tensor::from_vec(vec![2i64], &[1]).unwrap();
    let index = index.expand(&[4]).unwrap();
    assert_eq!(ops::take(&table, 0, &index).unwrap().shape(), [4, 2]);
}
