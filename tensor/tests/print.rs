//! Printing: brackets by axis and aligned columns, as NumPy's `array2string` with commas.

use lepton_tensor::dtype::Element;
use lepton_tensor::{DType, Device, Tensor, ops};

#[track_caller]
fn prints<T: Element>(data: &[T], shape: &[usize], want: &str) {
    assert_eq!(Tensor::from_slice(data, shape).unwrap().to_string(), want);
}

#[test]
fn integers_keep_every_digit() {
    prints(&[1i64, -2, 30, 4], &[2, 2], "[[ 1, -2],\n [30,  4]]");
    prints(&[(1i64 << 53) + 1], &[1], "[9007199254740993]");
    let ends = "[-9223372036854775808,  9223372036854775807]";
    prints(&[i64::MIN, i64::MAX], &[2], ends);
    prints(&[u8::MAX, 7], &[2], "[255,   7]");
}

#[test]
fn floats_share_a_format() {
    prints(&[1.0, 2.0, 3.0, 4.5], &[2, 2], "[[1.0, 2.0],\n [3.0, 4.5]]");
    prints(&[f64::NAN, 1.0], &[2], "[nan,  1.]");
    prints(&[f64::INFINITY, -1.0], &[2], "[inf, -1.]");
    prints(&[3.5], &[], "3.5");
}

#[test]
fn axes_nest_with_an_empty_line_between_matrices() {
    let x: Vec<i32> = (0..8).collect();
    let want = "[[[0, 1],\n  [2, 3]],\n\n [[4, 5],\n  [6, 7]]]";
    prints(&x, &[2, 2, 2], want);
    prints(&[0.0f64; 0], &[0], "[]");
}

#[test]
fn truth_values_are_aligned() {
    prints(&[true, false], &[2], "[ True, False]");
}

#[test]
fn only_tensors_of_over_a_thousand_elements_are_cut() {
    let x = ops::arange(0.0, 1.0, 1001, DType::I64);
    assert_eq!(x.to_string(), "[   0,    1,    2, ...,  998,  999, 1000]");
    let whole = ops::arange(0.0, 1.0, 1000, DType::I64).to_string();
    assert!(!whole.contains("...") && whole.contains("500"));
}

#[test]
fn a_view_prints_what_it_shows() {
    let x = Tensor::from_slice(&[1i64, 2, 3, 4, 5, 6], &[2, 3]).unwrap();
    let view = x.permute(&[1, 0]).unwrap().slice(0, 2, 2, -2).unwrap();
    assert_eq!(view.to_string(), "[[3, 6],\n [1, 4]]");
}

#[test]
fn a_tensor_without_bytes_says_so() {
    let x = Tensor::zeros(&[2, 3], DType::F32, Device::Meta).unwrap();
    assert_eq!(x.to_string(), "meta [2, 3] f32");
}
