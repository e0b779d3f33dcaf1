//! A small fast Fourier transform: what convolving a distribution with itself ten thousand times
//! needs.

use std::f64::consts::TAU;

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complex {
    pub(crate) re: f64,
    pub(crate) im: f64,
}

impl Complex {
    pub(crate) const ONE: Complex = Complex { re: 1.0, im: 0.0 };

    pub(crate) fn times(self, other: Complex) -> Complex {
        Complex {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    /// `self^n` by squaring: about `2 log2 n` products.
    pub(crate) fn power(self, mut n: u64) -> Complex {
        let (mut base, mut out) = (self, Complex::ONE);
        while n > 0 {
            if n & 1 == 1 {
                out = out.times(base);
            }
            base = base.times(base);
            n >>= 1;
        }
        out
    }
}

/// The discrete Fourier transform in place, of a length that is a power of two (Cooley, Tukey
/// 1965).
pub(crate) fn forward(x: &mut [Complex]) {
    transform(x, -1.0);
}

/// The inverse of [`forward`].
pub(crate) fn inverse(x: &mut [Complex]) {
    transform(x, 1.0);
    let scale = 1.0 / x.len() as f64;
    for v in x {
        (v.re, v.im) = (v.re * scale, v.im * scale);
    }
}

fn transform(x: &mut [Complex], sign: f64) {
    let n = x.len();
    assert!(
        n.is_power_of_two(),
        "fft: the length is {n}, must be a power of two"
    );
    if n == 1 {
        return;
    }
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - n.ilog2());
        if i < j {
            x.swap(i, j);
        }
    }
    // Each root by its own sine and cosine: a recurrence would lose the digits that small deltas
    // need.
    let roots: Vec<Complex> = (0..n / 2)
        .map(|k| {
            let (sin, cos) = (TAU * k as f64 / n as f64).sin_cos();
            Complex {
                re: cos,
                im: sign * sin,
            }
        })
        .collect();
    let mut half = 1;
    while half < n {
        let stride = n / (2 * half);
        for block in x.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for k in 0..half {
                let (a, b) = (low[k], high[k].times(roots[k * stride]));
                low[k] = Complex {
                    re: a.re + b.re,
                    im: a.im + b.im,
                };
                high[k] = Complex {
                    re: a.re - b.re,
                    im: a.im - b.im,
                };
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_product_of_transforms_is_a_circular_convolution(
            log_n in 0u32..7, values in prop::collection::vec(-1.0..1.0f64, 128)
        ) {
            let n = 1usize << log_n;
            let (a, b) = (&values[..n], &values[64..64 + n]);
            let load = |v: &[f64]| v.iter().map(|&re| Complex { re, im: 0.0 }).collect::<Vec<_>>();
            let (mut x, mut y) = (load(a), load(b));
            forward(&mut x);
            forward(&mut y);
            x.iter_mut().zip(&y).for_each(|(x, &y)| *x = x.times(y));
            inverse(&mut x);
            for k in 0..n {
                let direct: f64 = (0..n).map(|i| a[i] * b[(n + k - i) % n]).sum();
                prop_assert!((x[k].re - direct).abs() < 1e-12 && x[k].im.abs() < 1e-12);
            }
        }

        #[test]
        fn power_is_repeated_multiplication(re in -1.0..1.0f64, im in -1.0..1.0f64, n in 0u64..30) {
            let z = Complex { re, im };
            let slow = (0..n).fold(Complex::ONE, |p, _| p.times(z));
            let fast = z.power(n);
            prop_assert!((fast.re - slow.re).abs() < 1e-9 && (fast.im - slow.im).abs() < 1e-9);
        }
    }
}
