//! Index tuples against NumPy, and what else a batch or a wide tensor once got wrong.

use lepton_autograd::{DType, Device, Index, Tensor, Var, detect_anomaly, vmap};

/// Shape, tuple, shape and values of the result, for elements numbered from 0; made by NumPy 2.4.
///
/// `a:b:c` is a range, `n` a new axis, `...` the axes left over, `[2x1;0 3]` a tensor of shape 2 x 1, and
/// `m[3;1 0 1]` a mask.
const NUMPY: &[[&str; 4]] = &[
    ["3x1", ":2:1, n, -1", "2x1", "0 1"],
    ["3", "[1;-3]", "1", "0"],
    ["3x4x2", "4:-4:2, [2;2 -4]", "0x2x2", ""],
    ["4x3x2", "[1;-3], [1;1]", "1x2", "8 9"],
    ["3x2x3", "[;1]", "2x3", "6 7 8 9 10 11"],
    ["4x1", "[3;1 0 1], ...", "3x1", "1 0 1"],
    ["1x3x1", "[1;-1], m[3;1 0 1]", "2x1", "0 2"],
    ["1x4", "-2::1, m[4;1 0 1 0]", "1x2", "0 2"],
    ["2", "m[2;1 0], n", "1x1", "0"],
    ["2x2x3", "n, m[2;1 1], n, [1;0]", "2x1x1x3", "0 1 2 6 7 8"],
    ["4x1x3", "m[;0], -3:4:2", "0x2x1x3", ""],
    ["4x2x1", "m[;1], m[4;1 1 1 0]", "3x2x1", "0 1 2 3 4 5"],
    ["1x2", "m[1x2;0 0], ...", "0", ""],
    ["1x4x3", "m[;0], 0::2", "0x1x4x3", ""],
    ["4x2x3", "m[4;1 0 1 0], 1:1:1", "2x0x3", ""],
    [
        "3x3x2",
        "m[3x3;1 1 0 1 0 0 0 0 1]",
        "4x2",
        "0 1 2 3 6 7 16 17",
    ],
    ["3x3", "::1, m[3;0 0 1]", "3x1", "2 5 8"],
    ["1", "[1;-1], n, ...", "1x1", "0"],
    ["1x2x2", "...", "1x2x2", "0 1 2 3"],
    ["4x3x2", "m[4;0 0 0 0], [1;-3], m[2;1 0]", "0", ""],
    ["2", "..., n, n", "2x1x1", "0 1"],
    ["3", "[2x1;-3 -2]", "2x1", "0 1"],
    ["4", "[2x1;0 2]", "2x1", "0 2"],
    ["3", "::2", "2", "0 2"],
    ["1", "[2x3;0 -1 -1 -1 0 -1], ...", "2x3", "0 0 0 0 0 0"],
    ["1x2x4", "m[1x2;1 1]", "2x4", "0 1 2 3 4 5 6 7"],
    ["3x2x4", "m[3;1 1 0], [1;-1]", "2x4", "4 5 6 7 12 13 14 15"],
    ["4x3x2", "1:4:2, 1, ::2", "2x1", "8 20"],
    ["1x1x4", "m[1x1;1], [2;1 -4], m[;1]", "2", "1 0"],
    ["3x1x1", "[2x1;1 -2], [2x1;0 -1]", "2x1x1", "1 1"],
    ["1x1x1", "[1;-1], m[1;0], m[1;1], n", "0x1", ""],
    ["1x2x3", "n, [1;-1], m[2;0 1], m[3;1 1 1]", "1x3", "3 4 5"],
    ["1x2x2", "[3;-1 -1 0], m[2x2;1 0 0 0]", "3", "0 0 0"],
    ["2x2", "[;0], [;1]", "", "1"],
    [
        "1x3x3",
        "[1;0], m[3x3;1 0 1 0 0 1 1 0 1], ...",
        "5",
        "0 2 5 6 8",
    ],
    [
        "1x4x2",
        "[2;-1 -1], m[4;0 1 0 1], [2;-2 -2], ...",
        "2",
        "2 6",
    ],
    [
        "4x3x4",
        "m[4x3;1 1 0 0 1 0 1 0 0 0 0 1], n, [2x1;-2 1]",
        "2x5x1",
        "2 6 18 26 46 1 5 17 25 45",
    ],
    ["2x3x3", "1:2:2, m[3;0 1 1], [;-2]", "1x2", "13 16"],
    ["3x4", "[1;0], m[4;0 1 1 0]", "2", "1 2"],
    [
        "4x2x1",
        "m[4x2;1 1 1 1 0 1 0 1], [2x1;-1 -1]",
        "2x6",
        "0 1 2 3 5 7 0 1 2 3 5 7",
    ],
    ["4x3x1", "[2x1;-1 2], m[3x1;1 1 1]", "2x3", "9 10 11 6 7 8"],
    ["2x2", "[1;-2], [1;1]", "1", "1"],
    ["4x3x3", "[1;3], [1;-3], [1;1]", "1", "28"],
    ["1x4", "m[;0], [1;0]", "0x4", ""],
    [
        "1x4x4",
        "n, n, m[;1], [1;-1], m[4x4;1 1 0 1 1 0 0 1 1 1 1 1 1 0 1 1]",
        "1x1x12",
        "0 1 3 4 7 8 9 10 11 12 14 15",
    ],
    [
        "4x2x2",
        "m[4x2;1 1 1 0 1 1 1 0], [1;0]",
        "6",
        "0 2 4 8 10 12",
    ],
    [
        "4x4x4",
        "n, [1;-3], m[4x4;1 1 1 1 0 1 1 0 0 1 1 1 0 0 1 1], ...",
        "1x11",
        "16 17 18 19 21 22 25 26 27 30 31",
    ],
    [
        "3x2x4",
        "[3;1 -3 -1], [3;0 -1 -1], [3;-3 -4 3]",
        "3",
        "9 4 23",
    ],
    ["2x1x3", "n, [1;0], [1;-1]", "1x1x3", "0 1 2"],
    ["2x1x2", "[1;-1], [;-1], [;1]", "1", "3"],
    ["4x4", "m[;0], 3:-1:1, m[4;0 1 0 0]", "0x0", ""],
    ["1x4", "[1;0], [;0]", "1", "0"],
    ["2x1x2", "[1;-2], ..., [3;-1 0 -2]", "3x1", "1 0 0"],
    ["1x1x1", "n, m[1x1;1], m[1;1], m[;1]", "1x1", "0"],
    ["3x3x1", "m[3;1 1 1], m[3x1;0 1 0]", "3", "1 4 7"],
    ["2x2x3", "[3;1 -1 0], :-1:1, m[3;1 1 1]", "3x1", "6 7 2"],
    [
        "4x3x3",
        "[2x1;-2 2], m[3;0 0 1], ::2, ...",
        "2x1x2",
        "24 26 24 26",
    ],
    ["3x2x3", "[;-3], m[2x3;1 0 1 1 0 1]", "4", "0 2 3 5"],
    ["3x1x2", "[2;-1 -2], [2;-1 -1], :1:2", "2x1", "4 2"],
    ["2x3x1", "n, m[2;1 1], [1;-3], ..., n", "1x2x1x1", "0 3"],
    [
        "4x1x4",
        "m[4;1 1 0 1], m[1x4;0 1 0 0], m[;1]",
        "3",
        "1 5 13",
    ],
    ["2x3x3", "-2::1, [1;1], m[3;1 0 1]", "2x2", "3 5 12 14"],
    ["1x4x4", "[1;0], m[4;1 1 1 1], [1;3]", "4", "3 7 11 15"],
    [
        "2x4x4",
        "[1;-2], m[;1], m[4x4;0 1 1 0 0 0 1 1 1 0 1 0 1 0 0 1]",
        "8",
        "1 2 6 7 8 10 12 15",
    ],
];

fn numbers<T: std::str::FromStr>(s: &str, by: char) -> Vec<T> {
    let all = s.split(by).filter(|s| !s.is_empty());
    all.map(|n| n.parse().ok().expect("a number")).collect()
}

fn tensor(s: &str) -> Var {
    let (shape, values) = s.split_once(';').expect("a shape and values");
    Var::new(&numbers::<i64>(values, ' '), &numbers(shape, 'x'))
}

fn entry(s: &str) -> Index {
    if let Some(mask) = s.strip_prefix("m[").and_then(|s| s.strip_suffix(']')) {
        return Index::Of(tensor(mask).to_dtype(DType::Bool));
    }
    if let Some(index) = s.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
        return Index::Of(tensor(index));
    }
    match s {
        "n" => Index::New,
        "..." => Index::Rest,
        _ if s.contains(':') => {
            let ends: Vec<Option<isize>> = s.split(':').map(|n| n.parse().ok()).collect();
            Index::Range(ends[0], ends[1], ends[2].expect("a step") as usize)
        }
        _ => Index::At(s.parse().expect("a number")),
    }
}

#[test]
fn tuples_name_what_they_name_in_numpy() {
    for [shape, tuple, want_shape, want] in NUMPY {
        let shape: Vec<usize> = numbers(shape, 'x');
        let n = shape.iter().product::<usize>();
        let x = Var::range(n).reshape(&shape);
        let tuple: Vec<Index> = tuple.split(", ").map(entry).collect();
        let y = x
            .index(&tuple)
            .unwrap_or_else(|e| panic!("{tuple:?} of {shape:?}: {e}"));
        assert_eq!(
            y.shape(),
            numbers::<usize>(want_shape, 'x'),
            "{tuple:?} of {shape:?}"
        );
        let values = y.to_vec::<i64>().unwrap();
        assert_eq!(values, numbers::<i64>(want, ' '), "{tuple:?} of {shape:?}");
        // Written back to the same places, the elements are those that they were.
        let back = x.index_put(&tuple, &y, false).unwrap();
        assert_eq!(back.to_vec::<i64>().unwrap(), x.to_vec::<i64>().unwrap());
    }
}

#[test]
fn u8_stands_for_truth_values() {
    let x = Var::range(4);
    let mask = Index::Of(Var::new(&[1u8, 0, 0, 1], &[4]));
    assert_eq!(x.index(&[mask]).unwrap().to_vec::<i64>().unwrap(), [0, 3]);
}

#[test]
fn each_example_of_a_batch_draws_by_its_own_counter() {
    let x = Var::ones(&[3, 64], DType::F64, Device::Cpu);
    let counters = Var::new(&[7i64, 0, 7, 1, 9, 0], &[3, 2]);
    let f = |v: &[Var]| vec![v[0].dropout_at(0.5, &v[1])];
    let all = vmap(f, &[x.clone(), counters.clone()]).unwrap().remove(0);
    let shared = vmap(
        |c| vec![x.select(0, 0).dropout_at(0.5, &c[0])],
        &[counters.clone()],
    );
    let shared = shared.unwrap().remove(0);
    for i in 0..3 {
        let one = x.select(0, i).dropout_at(0.5, &counters.select(0, i));
        let want = one.to_vec::<f64>().unwrap();
        assert_eq!(all.select(0, i).to_vec::<f64>().unwrap(), want);
        assert_eq!(shared.select(0, i).to_vec::<f64>().unwrap(), want);
    }
}

#[test]
fn anomaly_mode_bears_large_tensors() {
    let y = detect_anomaly(|| Var::zeros(&[32_769], DType::F32, Device::Cpu) + 1.0);
    assert_eq!(y.sum(&[]).item().unwrap(), 32_769.0);
    let leaf = Var::leaf(Tensor::zeros(&[300, 300], DType::F32, Device::Cpu).unwrap());
    let g = detect_anomaly(|| leaf.matmul(&leaf).exp().sum(&[]).backward());
    assert_eq!(g.of(&leaf).unwrap().shape(), [300, 300]);
}

#[test]
fn what_a_scope_of_the_crate_above_calls_may_work() {
    let y = lepton_autograd::enter_above(2.0f64, || {
        lepton_autograd::with_above(|c: Option<&f64>| {
            let large = Var::ones(&[70_000], DType::F64, Device::Cpu);
            (large * *c.unwrap()).sum(&[]).item().unwrap()
        })
    });
    assert_eq!(y, 140_000.0);
}
