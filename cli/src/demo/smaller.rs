//! The private model made small: a student of its answers, without the neurons that matter least,
//! then on integers.

use lepton::Result;
use lepton::autograd::Tensor;
use lepton::compress::{Distillation, prune_neurons, quantize_program};
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

/// The three small models.
pub(crate) struct Small {
    distilled: (String, Program),
    pruned: (String, Program),
    int8: (String, Program),
}

/// Makes them from `teacher`'s answers to made-up rows; no private row is asked about.
pub(crate) fn make(
    teacher: &Mlp,
    public: &Public,
    seed: u64,
    progress: &Progress,
) -> Result<Small> {
    let x = public.tensor()?;
    let learn = |student: &mut Mlp, what: &str| -> Result<()> {
        let trainer = Trainer {
            epochs: EPOCHS,
            batch: 64,
            seed,
        };
        let mut adam = Adam::new(0.01)?;
        let mut steps = progress.start(what, EPOCHS);
        Distillation::new(2.0, 1.0)?
            .fit(teacher, student, &mut adam, &x, None, &trainer, &mut steps)
            .map(|_| ())
    };
    let mut student = Mlp::new(&[SIZES[0], STUDENT, SIZES[2]], &mut Rng::new(seed).fork(3));
    learn(&mut student, "distil")?;
    let mut small = prune_neurons(&student, PRUNED)?;
    learn(&mut small, "heal")?;
    let float = program(&small)?;
    let int8 = quantize_program(&float, &x)?;
    Ok(Small {
        distilled: (
            format!(
                "A student with {STUDENT} hidden units ({} parameters, the teacher has {}), taught by the private model's answers to {PUBLIC_ROWS} made-up rows.",
                student.num_params(),
                teacher.num_params()
            ),
            program(&student)?,
        ),
        pruned: (
            format!(
                "The student without the {} hidden units that matter least, healed by a second lesson: {} parameters.",
                STUDENT - small.sizes()[1],
                small.num_params()
            ),
            float,
        ),
        int8: (
            format!(
                "The pruned model rewritten to 8-bit integers: weights and what flows between layers are bytes, sums are exact 32-bit integers. {}",
                bytes_of(&int8)
            ),
            int8,
        ),
    })
}

fn bytes_of(p: &Program) -> String {
    let (mut bytes, mut floats) = (0, 0);
    for t in p.tensors.values() {
        bytes += size(t);
        floats += if t.dtype().is_float() { size(t) } else { 0 };
    }
    format!("{bytes} bytes, {floats} of them scales and biases in f32.")
}

fn size(t: &Tensor) -> usize {
    t.numel() * t.dtype().size()
}

impl Small {
    /// Name, description and program of each.
    pub(crate) fn into_models(self) -> [(&'static str, String, Program); 3] {
        let named = |name, (what, program)| (name, what, program);
        [
            named("distilled", self.distilled),
            named("pruned", self.pruned),
            named("int8", self.int8),
        ]
    }
}
