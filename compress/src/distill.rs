//! Distillation: a small model learns from the answers of a large one (Hinton, Vinyals and Dean 2015).

use lepton_autograd::{DType, Error, Result, Tensor, Var, no_grad};
use lepton_nn::{History, Module, Observer, Optimizer, Trainer, eval};

/// How a student learns: how soft the teacher's answers are, and what they weigh against labels.
///
/// The loss is `alpha T^2 KL(teacher || student) + (1 - alpha) cross entropy`, the divergence taken
/// between the softmax of logits divided by `T` and averaged over rows. The factor `T^2` keeps both
/// gradients of one size whatever the temperature.
///
/// **Privacy.** The student of a privately trained teacher is as private as its teacher only when
/// the rows it sees are public: the teacher's answers then are post-processing. Private rows, or
/// their labels, would add a loss that no accountant has counted.
///
/// ```
/// use lepton_autograd::{Tensor, Var};
/// use lepton_compress::Distillation;
/// use lepton_nn::{Adam, Mlp, Module, Rng, Trainer};
/// let mut rng = Rng::new(0);
/// let (teacher, mut student) = (Mlp::new(&[2, 32, 2], &mut rng), Mlp::new(&[2, 4, 2], &mut rng));
/// let x = Tensor::from_vec((0..128).map(|i| (i as f32 * 0.7).sin()).collect(), &[64, 2])?;
/// let way = Distillation::new(2.0, 1.0)?;
/// let trainer = Trainer { epochs: 60, batch: 16, seed: 0 };
/// let history = way.fit(&teacher, &mut student, &mut Adam::new(0.02)?, &x, None, &trainer, &mut ())?;
/// let losses: Vec<f64> = history.epochs.iter().map(|e| e.loss).collect();
/// assert!(losses[59] < losses[0] / 10.0);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distillation {
    temperature: f64,
    alpha: f64,
}

impl Distillation {
    /// Temperature above 0; `alpha` from 0 (labels alone) to 1 (the teacher alone).
    ///
    /// # Errors
    /// When one is out of its range.
    pub fn new(temperature: f64, alpha: f64) -> Result<Distillation> {
        if !(temperature > 0.0 && temperature.is_finite() && (0.0..=1.0).contains(&alpha)) {
            return Err(Error::value(format!(
                "distillation: wants a temperature above 0 and alpha in 0..=1, got {temperature} and {alpha}"
            )));
        }
        Ok(Distillation { temperature, alpha })
    }

    /// The loss of logits `student [rows, classes]` for logits `teacher` of the same shape and i64
    /// classes `labels [rows]`, as one element. Without labels the teacher is all there is.
    ///
    /// # Panics
    /// When the shapes differ, or a class is out of range.
    #[track_caller]
    pub fn loss(&self, student: &Var, teacher: &Var, labels: Option<&Var>) -> Var {
        assert!(
            student.shape() == teacher.shape() && student.rank() == 2,
            "distillation: wants logits [rows, classes] of student and teacher, got {:?} and {:?}",
            student.shape(),
            teacher.shape()
        );
        let soft = self.divergence(student, teacher);
        match labels {
            None => soft,
            Some(labels) => {
                soft * self.alpha + lepton_nn::cross_entropy(student, labels) * (1.0 - self.alpha)
            }
        }
    }

    /// `T^2 KL(teacher || student)`, averaged over rows.
    fn divergence(&self, student: &Var, teacher: &Var) -> Var {
        let t = self.temperature;
        let soft = |x: &Var| (x * (1.0 / t)).log_softmax(-1);
        let (log_p, log_q) = (soft(&teacher.detach()), soft(student));
        let each = log_p.exp() * (log_p - log_q);
        each.sum(&[-1]).mean(&[]) * (t * t)
    }

    /// Trains `student` on rows `x`, for which `teacher` is asked once, and on their classes `labels`
    /// (i64) where there are any.
    ///
    /// # Errors
    /// When the teacher's logits are not `[rows, classes]`, a label is not one of the classes, or as
    /// [`Trainer::fit`].
    #[expect(
        clippy::too_many_arguments,
        reason = "two models, data, and the trainer's own four"
    )]
    pub fn fit<S: Module>(
        &self,
        teacher: &(impl Module + ?Sized),
        student: &mut S,
        optimizer: &mut dyn Optimizer,
        x: &Tensor,
        labels: Option<&Tensor>,
        trainer: &Trainer,
        observer: &mut dyn Observer,
    ) -> Result<History> {
        let logits = no_grad(|| eval(|| teacher.forward(&x.clone().into())));
        let classes = check(&logits, labels)?;
        agree(student, x, classes)?;
        // The trainer picks rows of one tensor: logits and, as one more column, the class. Classes
        // are far below 2^24, so floats hold them exactly.
        let targets = match labels {
            None => logits.clone(),
            Some(l) => {
                let column = Var::from(l.clone()).to_dtype(logits.dtype()).unsqueeze(1);
                Var::cat(&[logits.clone(), column], 1)
            }
        };
        let loss = |y: &Var, target: &Var| {
            let teacher = target.slice(1, 0, classes, 1);
            let labels = labels.map(|_| target.select(1, classes as isize).to_dtype(DType::I64));
            self.loss(y, &teacher, labels.as_ref())
        };
        let data = (x, targets.tensor());
        trainer.fit(student, optimizer, data, None, loss, observer)
    }
}

/// Refuses a student that has another number of classes than its teacher.
fn agree(student: &impl Module, x: &Tensor, classes: usize) -> Result<()> {
    let first = Var::from(x.slice(0, 0, 1, 1)?);
    let answer = no_grad(|| eval(|| student.forward(&first)));
    if answer.shape() == [1, classes] {
        return Ok(());
    }
    Err(Error::shape(format!(
        "distillation: the student answers a row with {:?}, must be [1, {classes}] as its teacher's",
        answer.shape()
    )))
}

/// The number of classes, after checking that there are answers to learn from and that labels are
/// among them.
fn check(logits: &Var, labels: Option<&Tensor>) -> Result<usize> {
    let &[rows, classes] = logits.shape() else {
        return Err(Error::shape(format!(
            "distillation: the teacher answers {:?}, must be logits [rows, classes]",
            logits.shape()
        )));
    };
    if rows == 0 {
        return Err(Error::shape(
            "distillation: there are no rows to learn from; give at least one",
        ));
    }
    let values = logits.tensor().to_f64();
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::value(format!(
            "distillation: the teacher's answer to row {} is not finite, so there is nothing to learn \
             from it; look at that row and at the teacher's weights",
            at / classes
        )));
    }
    let Some(labels) = labels else {
        return Ok(classes);
    };
    if labels.shape() != [rows] || labels.dtype() != DType::I64 {
        return Err(Error::shape(format!(
            "distillation: labels are {} {:?}, must be i64 [{rows}]",
            labels.dtype(),
            labels.shape()
        )));
    }
    match labels
        .to_vec::<i64>()?
        .iter()
        .position(|&c| !(0..classes as i64).contains(&c))
    {
        Some(row) => Err(Error::index(format!(
            "distillation: the label of row {row} is not one of the teacher's {classes} classes"
        ))),
        None => Ok(classes),
    }
}
