//! The derived tests catch what they are for: one op, right in one form and wrong in one line in
//! each of the others, and the check that must name the error.

mod planted {
    pub(crate) mod op;
}

use lepton_autograd::{Attrs, Case, Gradient, Ins, Keeps, Map, Op, Saved, Unary, Var, testing};
use lepton_tensor::simd::{Lane, Level, level, with_level};
use lepton_tensor::{DType, Tensor, threads};
use planted::op::{Flaw, Weighted};

type RightOp = Weighted<Right>;
type DetachedOp = Weighted<Detached>;
type OneStrideOp = Weighted<OneStride>;
type HalfTangentOp = Weighted<HalfTangent>;
type DetachedTangentOp = Weighted<DetachedTangent>;
type FirstExampleOp = Weighted<FirstExample>;
type NarrowOp = Weighted<Narrow>;
type DropsAttributeOp = Weighted<DropsAttribute>;
type CountsThreadsOp = Weighted<CountsThreads>;
type LooseLevelOp = Weighted<LooseLevel>;
type PoorSingleOp = Weighted<PoorSingle>;
type SpoilsBufferOp = Weighted<SpoilsBuffer>;
type HoldsInputOp = Weighted<HoldsInput>;
type OddSurrogateOp = Weighted<OddSurrogate>;
type SameDrawOp = Weighted<SameDraw>;

lepton_autograd::catalogue! {
    unary: WrongSlope, Unlisted;
    binary: ;
    ops: RightOp, DetachedOp, OneStrideOp, HalfTangentOp, DetachedTangentOp, FirstExampleOp, NarrowOp, DropsAttributeOp,
        CountsThreadsOp, LooseLevelOp, PoorSingleOp, SpoilsBufferOp, HoldsInputOp, OddSurrogateOp, SameDrawOp
}

/// Fails with a sentence that begins with the op and has all of `words`.
#[track_caller]
fn caught<O: Op + lepton_autograd::Listed>(words: &[&str]) {
    let sentence = testing::check::<O>(3).expect_err("the planted error must be caught");
    assert!(sentence.starts_with(O::NAME), "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "wanted {word:?} in: {sentence}");
    }
}

/// A flaw: a name, and what differs from the right op.
macro_rules! flaw {
    ($Name:ident { $($body:tt)* }) => {
        #[derive(Clone, Copy, Debug, Default)]
        struct $Name;
        impl Flaw for $Name {
            const NAME: &'static str = stringify!($Name);
            $($body)*
        }
    };
}

flaw!(Right {});

#[test]
fn the_op_without_an_error_passes() {
    assert_eq!(testing::check::<RightOp>(3), Ok(2));
}

/// `x^2` whose slope is said to be `x`.
#[derive(Clone, Copy, Debug, Default)]
struct WrongSlope;

impl Unary for WrongSlope {
    const NAME: &'static str = "WrongSlope";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: std::ops::Range<f64> = 0.5..2.0;

    fn f<T: Lane>(&self, x: T) -> T {
        x * x
    }
    fn reference(&self, x: f64) -> f64 {
        x * x
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * k.input(0)
    }
}

#[test]
fn a_wrong_derivative() {
    let place = "seed 3, case 0 on f64 [3, 5] by [5, 1], level ";
    caught::<Map<WrongSlope>>(&[place, "gradients", "order 1", "numeric"]);
}

/// `x^2` that keeps its output and reads its input.
#[derive(Clone, Copy, Debug, Default)]
struct Unlisted;

impl Unary for Unlisted {
    const NAME: &'static str = "Unlisted";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: std::ops::Range<f64> = 0.5..2.0;

    fn f<T: Lane>(&self, x: T) -> T {
        x * x
    }
    fn reference(&self, x: f64) -> f64 {
        x * x
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * (k.input(0) * 2.0)
    }
}

#[test]
fn a_saved_value_that_keeps_does_not_list() {
    caught::<Map<Unlisted>>(&["reads input 0, which keeps() does not list"]);
}

flaw!(Detached {
    fn vjp(c: f64, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        let (a, b) = (k.input(0), k.input(1).detach());
        [g * (b.square() * c), g * (a * b * (2.0 * c))]
    }
});

#[test]
fn a_saved_value_cut_from_its_history() {
    caught::<DetachedOp>(&["gradients", "order 2"]);
}

flaw!(OneStride {
    fn elements(x: &Tensor) -> Vec<f64> {
        let start = x.layout().offset();
        match x.dtype() {
            DType::F64 => x.storage::<f64>().iter().cycle().skip(start).take(x.numel()).copied().collect(),
            _ => x.to_f64(),
        }
    }
});

#[test]
fn a_kernel_that_ignores_strides() {
    caught::<OneStrideOp>(&["layouts", "transposed", "view against copy", "by [1, 2]"]);
}

flaw!(HalfTangent {
    fn jvp(c: f64, x: &[Var], t: &[Option<Var>]) -> Option<Var> {
        Some(t[0].as_ref()? * (x[1].square() * c))
    }
});

#[test]
fn a_tangent_that_forgets_an_input() {
    caught::<HalfTangentOp>(&["tangents", "<u, jvp(v)> against <vjp(u), v>"]);
}

flaw!(DetachedTangent {
    fn jvp(c: f64, x: &[Var], t: &[Option<Var>]) -> Option<Var> {
        planted::op::right_jvp(c, &[x[0].clone(), x[1].detach()], t)
    }
});

#[test]
fn a_tangent_cut_from_its_history() {
    caught::<DetachedTangentOp>(&["second tangents", "jvp of jvp"]);
}

flaw!(FirstExample {
    fn batch(x: &[Var], batched: &[bool]) -> Ins<Var> {
        let b = if batched[1] { x[1].select(0, 0) } else { x[1].clone() };
        planted::op::right_batch(&[x[0].clone(), b], &[batched[0], false], x[0].shape()[0])
    }
});

#[test]
fn a_batch_that_reads_the_first_example_for_all() {
    caught::<FirstExampleOp>(&["batches", "vmap over inputs", "example"]);
}

flaw!(Narrow {
    fn says() -> DType {
        DType::F32
    }
});

#[test]
fn a_shape_rule_that_says_another_dtype() {
    caught::<NarrowOp>(&["shapes on meta", "F32", "F64"]);
}

flaw!(DropsAttribute {
    fn attrs(_: f64) -> Attrs {
        Attrs::new()
    }
});

#[test]
fn an_attribute_that_a_file_would_lose() {
    caught::<DropsAttributeOp>(&["attributes"]);
}

flaw!(CountsThreads {
    fn value(c: f64, a: f64, b: f64) -> f64 {
        c * a * b * b + 1e-14 * threads::count() as f64
    }
});

#[test]
fn a_result_that_depends_on_the_number_of_threads() {
    caught::<CountsThreadsOp>(&["threads", "threads against 1"]);
}

flaw!(LooseLevel {
    fn value(c: f64, a: f64, b: f64) -> f64 {
        let loose = if level() == Level::Portable { 0.0 } else { 1e-10 };
        c * a * b * b + loose
    }
});

#[test]
fn a_simd_level_that_is_less_exact() {
    if let Some(&best) = Level::available().get(1) {
        with_level(Level::Portable, || {
            caught::<LooseLevelOp>(&["SIMD levels", best.name()])
        });
    }
}

flaw!(PoorSingle {
    fn of_dtype(v: f64, dtype: DType) -> f64 {
        if dtype == DType::F32 { v + 1e-3 } else { v }
    }
});

#[test]
fn an_f32_form_that_is_less_exact() {
    caught::<PoorSingleOp>(&["f32", "f32 against f64"]);
}

flaw!(SpoilsBuffer {
    fn before(x: &mut [Tensor]) {
        if let Some(own) = x[0].try_mut::<f64>() {
            own.iter_mut().take(1).for_each(|v| *v += 1.0);
        }
    }
    const KEEPS: Keeps = Keeps { inputs: 2, outputs: 1, shapes: 0 };
    fn vjp(c: f64, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        let (y, b) = (k.output(0), k.input(1));
        [g * (b.square() * c), g * (y / b * 2.0)]
    }
});

#[test]
fn a_kernel_that_spoils_a_buffer_it_may_reuse() {
    caught::<SpoilsBufferOp>(&["reuse of buffers", "given away"]);
}

flaw!(HoldsInput {
    const KEEPS: Keeps = Keeps { inputs: 2, outputs: 2, shapes: 0 };
    fn second_output(x: &Tensor) -> Option<Tensor> {
        Some(x.expand(x.shape()).expect("a view"))
    }
    fn vjp(c: f64, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        let (a, b) = (k.output(1), k.input(1));
        [g * (b.square() * c), g * (a * b * (2.0 * c))]
    }
});

#[test]
fn an_input_held_through_a_view() {
    caught::<HoldsInputOp>(&["memory", "input 0 is held, though keeps() does not list it"]);
}

flaw!(OddSurrogate {
    const GRADIENT: Gradient = Gradient::Surrogate;
    fn vjp(c: f64, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        [g * (k.input(1).detach() * c), g * c]
    }
});

#[test]
fn a_surrogate_gradient_that_contradicts_itself() {
    caught::<OddSurrogateOp>(&["surrogate gradients", "of the surrogate gradient"]);
}

flaw!(SameDraw {
    const RANDOM: bool = true;
});

#[test]
fn a_random_op_whose_examples_draw_the_same() {
    caught::<SameDrawOp>(&["batches", "draw the same"]);
}

#[test]
fn a_failure_of_one_op_is_a_failure_of_its_catalogue() {
    let all = std::panic::catch_unwind(|| testing::check_catalogue(&catalogue(), 3));
    let text = all
        .expect_err("there are planted errors")
        .downcast::<String>();
    let text = *text.expect("a sentence");
    assert_eq!(
        text.lines().count(),
        catalogue().len() - 1,
        "one line for each but the right op:\n{text}"
    );
}

#[test]
fn a_case_names_what_is_checked() {
    let case = Case::new(
        RightOp::default(),
        vec![Tensor::scalar(1.0f64), Tensor::scalar(2i64)],
    );
    assert_eq!(case.gradients, [Gradient::Exact, Gradient::None]);
}
