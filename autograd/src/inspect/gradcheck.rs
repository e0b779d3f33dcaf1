//! The gradient checker: analytic derivatives against numeric differences.

use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Result, Tensor};

use crate::engine::backward::vjp;
use crate::engine::scope;
use crate::engine::var::Var;

/// How [`gradcheck`] compares.
#[derive(Clone, Copy, Debug)]
pub struct GradcheckOptions {
    /// The step of the central difference.
    pub eps: f64,
    /// The difference that is always accepted.
    pub atol: f64,
    /// The accepted difference as a share of the numeric value.
    pub rtol: f64,
    /// How many orders: 1 checks gradients, 2 also the gradients' gradients.
    pub order: usize,
    /// The seed of the directions.
    pub seed: u64,
}

impl Default for GradcheckOptions {
    /// PyTorch's: step 1e-6, atol 1e-5, rtol 1e-3; first order.
    fn default() -> GradcheckOptions {
        GradcheckOptions {
            eps: 1e-6,
            atol: 1e-5,
            rtol: 1e-3,
            order: 1,
            seed: 0,
        }
    }
}

/// Checks, in f64, that the gradients of `f` at `x` are the slopes of its values.
///
/// For random `u` and `v` the derivative of `<u, f>` along `v` by central differences is compared
/// with `<J^T u, v>`: two runs of `f`, whatever its size. Order 2 does the same to the gradient.
///
/// ```
/// use lepton_autograd::{GradcheckOptions, Var, gradcheck};
/// let x = [Var::new(&[0.3f64, -1.2], &[2])];
/// gradcheck(|x| vec![x[0].tanh()], &x, GradcheckOptions { order: 2, ..Default::default() }).unwrap();
/// let wrong = |x: &[Var]| vec![&x[0] * x[0].detach()];
/// assert!(gradcheck(wrong, &x, GradcheckOptions::default()).is_err());
/// ```
///
/// # Errors
/// When an input is not f64, or a derivative differs: the order and both values are named.
pub fn gradcheck(
    f: impl Fn(&[Var]) -> Vec<Var>,
    x: &[Var],
    options: GradcheckOptions,
) -> Result<()> {
    if let Some(bad) = x.iter().find(|x| x.dtype() != DType::F64) {
        return Err(Error::dtype(format!(
            "gradcheck: an input is {}; differences need f64",
            bad.dtype()
        )));
    }
    let f: &dyn Fn(&[Var]) -> Vec<Var> = &f;
    check_order(f, x, &options, 1)
}

fn check_order(
    f: &dyn Fn(&[Var]) -> Vec<Var>,
    x: &[Var],
    o: &GradcheckOptions,
    order: usize,
) -> Result<()> {
    let mut rng = Rng::new(o.seed.wrapping_add(order as u64));
    let leaves: Vec<Var> = x.iter().map(|x| Var::leaf(x.tensor().clone())).collect();
    let y: Vec<Var> = scope::enable_grad(|| f(&leaves))
        .into_iter()
        .filter(|y| y.dtype().is_float())
        .collect();
    let u: Vec<Var> = y.iter().map(|y| direction(&mut rng, y)).collect();
    let v: Vec<Var> = x.iter().map(|x| direction(&mut rng, x)).collect();
    let g = vjp(&y, &u, &leaves)?;
    let analytic: f64 = g.iter().zip(&v).map(|(g, v)| dot(g, v)).sum();
    let moved = |sign: f64| -> f64 {
        let at: Vec<Var> = x
            .iter()
            .zip(&v)
            .map(|(x, v)| x.detach() + v * (sign * o.eps))
            .collect();
        let y = scope::enable_grad(|| f(&at))
            .into_iter()
            .filter(|y| y.dtype().is_float());
        y.zip(&u).map(|(y, u)| dot(&y, u)).sum()
    };
    let numeric = (moved(1.0) - moved(-1.0)) / (2.0 * o.eps);
    let close = (analytic - numeric).abs() <= o.atol + o.rtol * numeric.abs();
    if !close {
        return Err(Error::value(format!(
            "gradcheck: order {order}: analytic {analytic:e}, numeric {numeric:e} (seed {})",
            o.seed
        )));
    }
    if order >= o.order {
        return Ok(());
    }
    // The next order checks the gradient as a function of the inputs and of the cotangents.
    let (n, all) = (x.len(), [x, &u].concat());
    let gradient = |z: &[Var]| {
        let leaf = |x: &Var| {
            if x.is_constant() {
                Var::leaf(x.tensor().clone())
            } else {
                x.clone()
            }
        };
        let at: Vec<Var> = z[..n].iter().map(leaf).collect();
        let y: Vec<Var> = f(&at)
            .into_iter()
            .filter(|y| y.dtype().is_float())
            .collect();
        vjp(&y, &z[n..], &at).unwrap_or_else(|e| panic!("{e}"))
    };
    check_order(&gradient, &all, o, order + 1)
}

fn direction(rng: &mut Rng, like: &Var) -> Var {
    Tensor::build(like.shape(), |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.normal())
    })
    .into()
}

fn dot(a: &Var, b: &Var) -> f64 {
    a.tensor()
        .to_f64()
        .iter()
        .zip(b.tensor().to_f64())
        .map(|(a, b)| a * b)
        .sum()
}
