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

    pub(crate) fn conjugate(self) -> Complex {
        Complex {
            re: self.re,
            im: -self.im,
        }
    }

    /// `self + i other`.
    pub(crate) fn plus_i_times(self, other: Complex) -> Complex {
        Complex {
            re: self.re - other.im,
            im: self.im + other.re,
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

/// The discrete Fourier transform of one length, in place (Cooley, Tukey 1965).
pub(crate) struct Plan {
    roots: Vec<Complex>,
}

impl Plan {
    /// The transform of `n` numbers, `n` a power of two.
    pub(crate) fn new(n: usize) -> Plan {
        assert!(
            n.is_power_of_two(),
            "fft: the length is {n}, must be a power of two"
        );
        // Each root by its own sine and cosine: a recurrence would lose the digits that small
        // deltas need.
        let root = |k: usize| {
            let (sin, cos) = (TAU * k as f64 / n as f64).sin_cos();
            Complex { re: cos, im: -sin }
        };
        Plan {
            roots: (0..(n / 2).max(1)).map(root).collect(),
        }
    }

    pub(crate) fn forward(&self, x: &mut [Complex]) {
        let n = x.len();
        if n == 1 {
            return;
        }
        for i in 0..n {
            let j = i.reverse_bits() >> (usize::BITS - n.ilog2());
            if i < j {
                x.swap(i, j);
            }
        }
        self.merge(x);
    }

    /// The inverse of [`forward`](Plan::forward): the transform of the conjugates, once more
    /// conjugated.
    pub(crate) fn inverse(&self, x: &mut [Complex]) {
        x.iter_mut().for_each(|z| *z = z.conjugate());
        self.forward(x);
        let scale = 1.0 / x.len() as f64;
        for z in x {
            (z.re, z.im) = (z.re * scale, -z.im * scale);
        }
    }

    /// Joins the transforms of the halves, each half first: what fits a cache stays in it.
    fn merge(&self, x: &mut [Complex]) {
        const CACHED: usize = 1 << 12;
        if x.len() > CACHED {
            let (low, high) = x.split_at_mut(x.len() / 2);
            self.merge(low);
            self.merge(high);
            return self.join(x);
        }
        let mut size = 2;
        while size <= x.len() {
            x.chunks_exact_mut(size).for_each(|block| self.join(block));
            size *= 2;
        }
    }

    fn join(&self, x: &mut [Complex]) {
        let half = x.len() / 2;
        let stride = self.roots.len() / half;
        let (low, high) = x.split_at_mut(half);
        for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
            let root = self.roots[k * stride];
            let (x, y) = (*a, b.times(root));
            *a = Complex {
                re: x.re + y.re,
                im: x.im + y.im,
            };
            *b = Complex {
                re: x.re - y.re,
                im: x.im - y.im,
            };
        }
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
            let plan = Plan::new(n);
            plan.forward(&mut x);
            plan.forward(&mut y);
            x.iter_mut().zip(&y).for_each(|(x, &y)| *x = x.times(y));
            plan.inverse(&mut x);
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
