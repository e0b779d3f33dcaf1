//! Losses: the mean over the batch, as one element.

use lepton_autograd::Var;

/// The mean of `(x - y)^2`.
///
/// ```
/// use lepton_autograd::Var;
/// let l = lepton_nn::mse(&Var::new(&[1.0f32, 2.0], &[2]), &Var::new(&[0.0f32, 0.0], &[2]));
/// assert_eq!(l.item().unwrap(), 2.5);
/// ```
///
/// # Panics
/// When the shapes differ: a broadcast here is a mistake more often than a wish.
#[track_caller]
pub fn mse(x: &Var, y: &Var) -> Var {
    same_shape("mse", x, y);
    (x - y).square().mean(&[])
}

#[track_caller]
fn same_shape(what: &str, x: &Var, y: &Var) {
    assert!(
        x.shape() == y.shape(),
        "{what}: predictions {:?} and targets {:?} differ in shape; reshape one of them",
        x.shape(),
        y.shape()
    );
}

/// The mean of `-log softmax(x)[class]` over rows of logits `[rows, classes]` and i64 classes `[rows]`.
///
/// ```
/// use lepton_autograd::Var;
/// let l = lepton_nn::cross_entropy(&Var::new(&[0.0f64, 0.0], &[1, 2]), &Var::new(&[1i64], &[1]));
/// assert!((l.item().unwrap() - 2f64.ln()).abs() < 1e-15);
/// ```
///
/// # Panics
/// When the shapes do not fit, or a class is out of range.
#[track_caller]
pub fn cross_entropy(logits: &Var, classes: &Var) -> Var {
    assert!(
        logits.rank() == 2 && classes.shape() == &logits.shape()[..1],
        "cross_entropy: wants logits [rows, classes] and i64 classes [rows], got {:?} and {:?}",
        logits.shape(),
        classes.shape()
    );
    logits.cross_entropy(classes).mean(&[])
}

/// The mean binary cross entropy of logits `x` and targets `y` in `[0, 1]`, without overflow.
///
/// ```
/// use lepton_autograd::Var;
/// let l = lepton_nn::bce_with_logits(&Var::new(&[0.0f64], &[1]), &Var::new(&[1.0f64], &[1]));
/// assert!((l.item().unwrap() - 2f64.ln()).abs() < 1e-15);
/// ```
///
/// # Panics
/// When the shapes differ.
#[track_caller]
pub fn bce_with_logits(x: &Var, y: &Var) -> Var {
    same_shape("bce_with_logits", x, y);
    x.bce_with_logits(y).mean(&[])
}
