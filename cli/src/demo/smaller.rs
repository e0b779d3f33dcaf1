//! The private model made small: a student of its answers, without the neurons that contribute least,
//! then on integers.

use lepton::Result;
use lepton::autograd::Tensor;
use lepton::compress::{Distillation, prune_neurons_on, quantize_program};
use lepton::nn::{Adam, Mlp, Params, Program, Rng, Trainer};

use crate::progress::Progress;

use super::central::{SIZES, program};
use super::public::Public;

/// Made-up rows that the student learns from.
pub(crate) const PUBLIC_ROWS: usize = 4000;
/// Hidden units of the student before pruning.
const STUDENT: usize = 12;
/// The share of them that goes.
const PRUNED: f64 = 0.5;
/// Passes over the made-up rows: to learn, and to heal after pruning.
const EPOCHS: usize = 12;

/// A small model: its name, what it is, and its program.
pub(crate) type Small = (&'static str, String, Program);

/// Makes the three from `teacher`'s answers to made-up rows; no private row is asked about.
pub(crate) fn make(
    teacher: &Mlp,
    public: &Public,
    seed: u64,
    progress: Progress,
) -> Result<[Small; 3]> {
    let x = public.tensor()?;
    let learn = |student: &mut Mlp, what: &str| lesson(teacher, student, &x, seed, progress, what);
    let mut student = Mlp::new(&[SIZES[0], STUDENT, SIZES[2]], &mut Rng::new(seed).fork(3));
    learn(&mut student, "distil")?;
    let without = prune_neurons_on(&student, &x, PRUNED)?;
    let lost = 100.0 * without.layers[0].lost();
    let mut small = without.net;
    learn(&mut small, "heal")?;
    let float = program(&small)?;
    let int8 = quantize_program(&float, &x)?;
    let distilled = format!(
        "A student with {STUDENT} hidden units ({} parameters, the teacher has {}), taught by the private model's \
         answers to {PUBLIC_ROWS} made-up rows.",
        student.num_params(),
        teacher.num_params()
    );
    let pruned = format!(
        "The distilled model without {} of its {STUDENT} hidden units, those that contribute least on the \
         {PUBLIC_ROWS} made-up rows (the spread of a unit's value times its outgoing weights: {lost:.1} % of all \
         contributions), then taught once more: {} parameters.",
        STUDENT - small.sizes()[1],
        small.num_params()
    );
    let int8s = format!(
        "The pruned model rewritten to 8-bit integers: weights and what flows between layers are bytes, sums are \
         exact 32-bit integers. {}",
        bytes_of(&int8)
    );
    Ok([
        ("distilled", distilled, program(&student)?),
        ("pruned", pruned, float),
        ("int8", int8s, int8),
    ])
}

/// The student learns the teacher's answers to the rows of `x`.
fn lesson(
    teacher: &Mlp,
    student: &mut Mlp,
    x: &Tensor,
    seed: u64,
    progress: Progress,
    what: &str,
) -> Result<()> {
    let trainer = Trainer {
        epochs: EPOCHS,
        batch: 64,
        seed,
    };
    let (mut adam, mut steps) = (Adam::new(0.01)?, progress.start(what, EPOCHS));
    Distillation::new(2.0, 1.0)?
        .fit(teacher, student, &mut adam, x, None, &trainer, &mut steps)
        .map(|_| ())
}

fn bytes_of(p: &Program) -> String {
    let size = |t: &Tensor| t.numel() * t.dtype().size();
    let floats = p.tensors.values().filter(|t| t.dtype().is_float());
    format!(
        "Its numbers take {} bytes, {} of them scales and biases in f32.",
        p.bytes(),
        floats.map(size).sum::<usize>()
    )
}
