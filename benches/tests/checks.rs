//! Checks pass right results and catch wrong ones.

use lepton_autograd::Var;
use lepton_benches::{Case, Id, Work, check, find, small};
use lepton_tensor::simd::{Level, with_level};

/// One of each form, small.
const CASES: [&str; 14] = [
    "gemm:33x47x29",
    "gemm_f64:17x5x40",
    "gemm_nt:9x31x8",
    "gemm_tn:31x9x8",
    "batched_matmul",
    "conv:2,6,9,7,4,3,2,1,2",
    "conv:1,1,5,5,1,5,1,0,1",
    "mlp:7-5-3@9",
    "ew:gelu@1000",
    "ew:pow@1000",
    "softmax:5x77",
    "infer:6-64-8-4",
    "train_smallop",
    "train_mlp_boston",
];

#[test]
fn right_results_pass() {
    for name in CASES {
        let wrong = find(name).expect(name).checked().err();
        assert_eq!(wrong, None);
    }
    for level in Level::available() {
        for case in small() {
            let wrong = with_level(level, || case.checked()).err();
            assert_eq!(wrong, None, "{level:?}");
        }
    }
}

/// A case of `name`'s whose kernel adds `by` to its result's element in the middle.
fn planted(name: &'static str, by: f64) -> Case {
    let right = find(name).expect(name);
    let id = Id::new("planted", "f32", &[1], "any");
    let work = right.work();
    Case::new(name, id, work, move || {
        let (mut iteration, check) = right.start_with_check();
        let run = move || {
            let y = iteration();
            let mut off = vec![0.0; y.numel()];
            off[y.numel() / 2] = by;
            &y + Var::new(&off, y.shape()).to_dtype(y.dtype())
        };
        (run, check)
    })
}

#[test]
fn a_wrong_element_is_caught() {
    for name in CASES {
        let wrong = planted(name, 0.01);
        assert!(
            wrong.checked().is_err(),
            "{name}: an error of 0.01 in one element went unnoticed"
        );
        assert!(planted(name, f64::NAN).checked().is_err(), "{name}: NaN");
        assert!(
            planted(name, 0.0).checked().is_ok(),
            "{name}: nothing was wrong"
        );
    }
}

#[test]
fn a_wrong_kernel_is_caught_before_it_is_timed() {
    // A sum that forgets the last element, as a kernel with a broken tail would.
    let x = Var::new(&lepton_benches::inputs::values(1001, 1), &[1001]);
    let want: f64 = x.tensor().to_f64().iter().sum();
    let case = Case::new(
        "broken",
        Id::new("sum", "f32", &[1001], "contiguous"),
        Work::bytes(4004.0, 1000.0),
        move || {
            let x = x.clone();
            let run = move || x.slice(0, 0, 1000, 1).sum(&[]);
            (run, move |y: &Var| check::close(y, [want], 1e-5))
        },
    );
    let wrong = case.checked().err().expect("the check fails");
    assert!(wrong.starts_with("case 'broken': element 0 is "), "{wrong}");
}
