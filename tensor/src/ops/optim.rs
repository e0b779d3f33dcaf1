//! One step of an optimiser, in place.

pub use crate::kernel::optim::{AdamStep, SgdStep};
use crate::kernel::optim::{adam_update, sgd_update};
use crate::simd;
use crate::{Tensor, match_dtype};

/// Updates `param` and the moments `m`, `v` in place; each is copied first when it is shared.
///
/// All four have one shape and float dtype; on the device `Meta` nothing happens.
///
/// ```
/// use lepton_tensor::ops::{AdamStep, adam_step};
/// use lepton_tensor::{DType, Device, Tensor};
/// let zeros = || Tensor::zeros(&[1], DType::F64, Device::Cpu);
/// let (mut p, mut m, mut v) = (zeros()?, zeros()?, zeros()?);
/// let g = Tensor::from_vec(vec![3.0f64], &[1])?;
/// let (beta1, beta2): (f64, f64) = (0.9, 0.99);
/// let step = AdamStep {
///     beta1,
///     beta2,
///     learning_rate: 0.1 / (1.0 - beta1),
///     scale: 1.0 / (1.0 - beta2).sqrt(),
///     eps: 0.0,
///     l2: 0.0,
///     keep: 1.0,
/// };
/// adam_step(&mut p, &g, &mut m, &mut v, step);
/// assert!((p.item()? + 0.1).abs() < 1e-12); // the first step is the learning rate, whatever the gradient
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn adam_step(
    param: &mut Tensor,
    grad: &Tensor,
    m: &mut Tensor,
    v: &mut Tensor,
    step: AdamStep,
) {
    if param.is_meta() || grad.is_meta() {
        return;
    }
    let grad = grad.contiguous();
    match_dtype!(float param.dtype(), T => {
        let (p, m, v) = (param.make_mut::<T>(), m.make_mut::<T>(), v.make_mut::<T>());
        let g = grad.as_slice::<T>().expect("contiguous");
        adam_update(simd::level(), p, g, [m, v], step);
    });
}

/// Updates `param` and the velocity in place; each is copied first when it is shared.
///
/// ```
/// use lepton_tensor::ops::{SgdStep, sgd_step};
/// use lepton_tensor::Tensor;
/// let mut p = Tensor::from_vec(vec![1.0f64], &[1])?;
/// let g = Tensor::from_vec(vec![2.0f64], &[1])?;
/// let plain =
///     SgdStep { learning_rate: 0.25, momentum: 0.0, gradient_scale: 1.0, l2: 0.0, nesterov: false };
/// sgd_step(&mut p, &g, None, plain);
/// assert_eq!(p.item()?, 0.5);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn sgd_step(param: &mut Tensor, grad: &Tensor, velocity: Option<&mut Tensor>, step: SgdStep) {
    if param.is_meta() || grad.is_meta() {
        return;
    }
    let grad = grad.contiguous();
    match_dtype!(float param.dtype(), T => {
        let p = param.make_mut::<T>();
        let g = grad.as_slice::<T>().expect("contiguous");
        let v = velocity.map(|v| v.make_mut::<T>());
        sgd_update(simd::level(), p, g, v, step);
    });
}
