//! Elementwise ops that are put off: the same bits as one op after the other, whoever asks, and when.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::simd::{Lane, Level, MapBody, Num, ZipBody, with_level};
use lepton_tensor::{DType, Tensor};
use proptest::prelude::*;

/// Larger than what is computed at once.
const ROWS: usize = 190;
const COLUMNS: usize = 211;

#[derive(Clone, Copy)]
struct Squash;

impl MapBody for Squash {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x / (T::splat(1.0) + x.abs())
    }
}

impl ops::IntMap for Squash {
    const INT: bool = false;
    fn int<T: Num>(&self, x: T) -> T {
        x
    }
}

#[derive(Clone, Copy)]
struct Blend;

impl ZipBody for Blend {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x * T::splat(0.75) - y
    }
}

impl ops::IntZip for Blend {
    const INT: bool = false;
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x - y
    }
}

/// One instruction, which a chain runs in registers.
#[derive(Clone, Copy)]
struct Lift;

impl MapBody for Lift {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        T::splat(0.5) - x
    }
}

impl ops::IntMap for Lift {
    const INT: bool = false;
    fn int<T: Num>(&self, x: T) -> T {
        x
    }
}

/// One instruction of two inputs, whose order matters.
#[derive(Clone, Copy)]
struct Less;

impl ZipBody for Less {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x - y
    }
}

impl ops::IntZip for Less {
    const INT: bool = false;
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x - y
    }
}

fn random(seed: u64, shape: &[usize], dtype: DType) -> Tensor {
    let mut rng = Rng::new(seed);
    let x = Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut().for_each(|v| *v = rng.uniform() * 2.0 - 1.0)
    });
    ops::cast(&x, dtype)
}

fn squash(x: &Tensor) -> Tensor {
    ops::map(&mut x.clone(), &Squash)
}

fn bits(x: &Tensor) -> Vec<u64> {
    x.to_f64().into_iter().map(f64::to_bits).collect()
}

/// One op of a random chain: which, and what it meets.
#[derive(Clone, Copy, Debug)]
struct Link {
    op: u8,
    input: usize,
    /// Whether another handle sees the value before.
    shared: bool,
}

fn link() -> impl Strategy<Value = Link> {
    (0u8..6, 0usize..4, any::<bool>()).prop_map(|(op, input, shared)| Link { op, input, shared })
}

/// The chain's value; computed op by op when `eager`.
fn run(links: &[Link], inputs: &[Tensor], eager: bool) -> Vec<Tensor> {
    let mut seen = Vec::new();
    let mut x = inputs[0].clone();
    for l in links {
        let mut other = inputs[l.input].clone();
        if l.shared {
            seen.push(x.clone());
        }
        x = match l.op {
            0 => ops::map(&mut x, &Squash),
            1 => ops::zip(&mut x, &mut other, &Blend),
            2 => ops::zip(&mut other, &mut x, &Blend),
            3 => ops::map(&mut x, &Lift),
            4 => ops::zip(&mut x, &mut other, &Less),
            _ => ops::zip(&mut other, &mut x, &Less),
        };
        if eager {
            x.realize();
        }
    }
    seen.push(x);
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_chain_has_the_bits_of_its_ops(links in prop::collection::vec(link(), 1..24), wide: bool) {
        let dtype = if wide { DType::F64 } else { DType::F32 };
        let shape = [ROWS, COLUMNS];
        let inputs = [
            random(1, &shape, dtype),
            random(2, &[COLUMNS, ROWS], dtype).transpose(0, 1).unwrap(),
            random(3, &[COLUMNS], dtype).expand(&shape).unwrap(),
            random(4, &[], dtype).expand(&shape).unwrap(),
        ];
        for level in Level::available() {
            with_level(level, || {
                let (now, later) = (run(&links, &inputs, true), run(&links, &inputs, false));
                for (a, b) in now.iter().zip(&later) {
                    assert!(bits(a) == bits(b), "{links:?} at {level:?}");
                }
            });
        }
    }
}

#[test]
fn a_promise_is_a_tensor_like_any_other() {
    let x = random(1, &[ROWS, COLUMNS], DType::F32);
    let want = squash(&x);
    want.realize();
    let whole = bits(&want);

    let view = squash(&x).transpose(0, 1).unwrap();
    assert_eq!(bits(&view), bits(&want.transpose(0, 1).unwrap()));
    let part = squash(&x).slice(0, 5, 3, 2).unwrap();
    assert_eq!(bits(&part), bits(&want.slice(0, 5, 3, 2).unwrap()));
    let folded = squash(&squash(&x).reshape(&[COLUMNS * ROWS]).unwrap());
    assert_eq!(bits(&folded), bits(&squash(&want)));

    let mut own = squash(&x);
    let copy = own.clone();
    own.make_mut::<f32>()[0] = 7.0;
    assert_eq!(own.to_f64()[0], 7.0);
    assert_eq!(bits(&copy), whole, "a write is not seen through a promise");
    assert_eq!(own.to_f64()[1..], want.to_f64()[1..]);
    drop(squash(&x));
}

#[test]
fn an_input_that_changes_after_the_promise_changes_nothing() {
    let mut x = random(1, &[ROWS * COLUMNS], DType::F32);
    let want = bits(&squash(&x));
    let y = squash(&x);
    x.make_mut::<f32>().fill(0.0);
    assert_eq!(bits(&y), want);
}

#[test]
fn threads_that_ask_at_once_get_the_same_elements() {
    let x = random(1, &[ROWS, COLUMNS], DType::F32);
    let want = bits(&squash(&squash(&x)));
    for _ in 0..20 {
        let y = squash(&squash(&x));
        std::thread::scope(|s| {
            let asked: Vec<_> = (0..4).map(|_| s.spawn(|| bits(&y))).collect();
            assert!(asked.into_iter().all(|a| a.join().unwrap() == want));
        });
    }
}

#[test]
fn inputs_are_let_go_once_the_promise_is_kept() {
    let mut x = random(1, &[ROWS, COLUMNS], DType::F32);
    let y = squash(&x);
    assert!(x.try_mut::<f32>().is_none(), "the promise needs its input");
    y.realize();
    assert!(x.try_mut::<f32>().is_some(), "and then no more");
}

#[test]
fn results_larger_than_the_caches_are_written_past_them() {
    let x = random(1, &[COLUMNS], DType::F32);
    let wide = x.expand(&[50_000, COLUMNS]).unwrap();
    let y = squash(&squash(&wide));
    let want = squash(&squash(&x));
    let lifted = |x: &Tensor| ops::map(&mut x.clone(), &Lift);
    let less = ops::zip(&mut lifted(&squash(&wide)), &mut wide.clone(), &Less);
    let less_too = ops::zip(&mut lifted(&squash(&x)), &mut x.clone(), &Less);
    for row in [0, 1, 24_999, 49_999] {
        let row = |y: &Tensor| bits(&y.slice(0, row, 1, 1).unwrap());
        assert_eq!(row(&y), bits(&want));
        assert_eq!(row(&less), bits(&less_too));
    }
}
