//! The sequential generator and its distributions.

use super::Philox;
use super::block::{join, normal_pair, unit};

/// A sequential generator over one [`Philox`] stream.
///
/// ```
/// use lepton_tensor::random::Rng;
/// let mut rng = Rng::new(42);
/// let die = rng.below(6) + 1;
/// assert!((1..=6).contains(&die));
/// assert_eq!(Rng::new(42).below(6) + 1, die);
/// assert_ne!(rng.fork(0).next_u64(), rng.fork(1).next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct Rng {
    /// The stream.
    philox: Philox,
    /// The number of the next block.
    index: u64,
    /// The current block.
    block: [u32; 4],
    /// Its words that have been drawn.
    used: usize,
    /// The second number of a pair of which one was drawn.
    spare_normal: Option<f64>,
}

impl Rng {
    /// Stream 0 of `seed`.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// assert_eq!(Rng::new(1).next_u64(), Rng::new(1).next_u64());
    /// assert_ne!(Rng::new(1).next_u64(), Rng::new(2).next_u64());
    /// ```
    pub fn new(seed: u64) -> Rng {
        Rng::over(Philox::stream(seed, 0))
    }

    /// The generator that walks `philox` from its beginning.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// use lepton_tensor::random::Philox;
    /// let (mut a, mut b) = (Rng::over(Philox::stream(5, 0)), Rng::new(5));
    /// assert_eq!(a.next_u32(), b.next_u32());
    /// ```
    pub fn over(philox: Philox) -> Rng {
        Rng {
            philox,
            index: 0,
            block: [0; 4],
            used: 4,
            spare_normal: None,
        }
    }

    /// Stream number `stream` below this generator's own, wherever this one stands.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let mut rng = Rng::new(3);
    /// let before = rng.fork(7).uniform();
    /// rng.normal(); // where the parent stands does not matter
    /// assert_eq!(rng.fork(7).uniform(), before);
    /// ```
    pub fn fork(&self, stream: u64) -> Rng {
        Rng::over(self.philox.fork(stream))
    }

    /// The stream below this generator's own as a [`Philox`], to fill slices from.
    pub fn fork_philox(&self, stream: u64) -> Philox {
        self.philox.fork(stream)
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.block = self.philox.at(self.index);
            self.index = self.index.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        join(self.next_u32(), self.next_u32())
    }

    /// A uniform number in `[0, 1)`, with 53 random bits.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let x = Rng::new(4).uniform();
    /// assert!((0.0..1.0).contains(&x));
    /// ```
    pub fn uniform(&mut self) -> f64 {
        unit(self.next_u64())
    }

    /// A standard normal number.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let mut rng = Rng::new(4);
    /// let mean = (0..10_000).map(|_| rng.normal()).sum::<f64>() / 1e4;
    /// assert!(mean.abs() < 0.05);
    /// ```
    pub fn normal(&mut self) -> f64 {
        if let Some(x) = self.spare_normal.take() {
            return x;
        }
        let words = [
            self.next_u32(),
            self.next_u32(),
            self.next_u32(),
            self.next_u32(),
        ];
        let [x, y] = normal_pair(words);
        self.spare_normal = Some(y);
        x
    }

    /// A uniform integer in `0..n`, without bias (Lemire 2019).
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let mut rng = Rng::new(9);
    /// assert!((0..100).all(|_| rng.below(6) < 6));
    /// ```
    ///
    /// # Panics
    /// Where `n` is 0.
    #[track_caller]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "Rng::below: there is no integer below 0");
        // The products x * n fall into n bins of 2^64; those in the first 2^64 mod n of a bin are
        // refused, so that every bin holds equally many.
        let refused = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= refused {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts `x` into a uniformly random order (Fisher and Yates).
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let mut x = [1, 2, 3, 4];
    /// Rng::new(1).shuffle(&mut x);
    /// x.sort();
    /// assert_eq!(x, [1, 2, 3, 4]);
    /// ```
    pub fn shuffle<T>(&mut self, x: &mut [T]) {
        for i in (1..x.len()).rev() {
            x.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// The numbers `0..n` in random order.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let mut order = Rng::new(1).permutation(5);
    /// order.sort();
    /// assert_eq!(order, [0, 1, 2, 3, 4]);
    /// ```
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// A number of the gamma distribution with `shape` and scale 1 (Marsaglia and Tsang 2000).
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let mut rng = Rng::new(2);
    /// let mean = (0..10_000).map(|_| rng.gamma(3.0)).sum::<f64>() / 1e4;
    /// assert!((mean - 3.0).abs() < 0.1); // the mean is the shape
    /// ```
    ///
    /// # Panics
    /// Where `shape` is not positive and finite.
    #[track_caller]
    pub fn gamma(&mut self, shape: f64) -> f64 {
        self.ln_gamma_draw(shape).exp()
    }

    /// `k` shares that sum to 1, of the symmetric Dirichlet distribution with parameter `alpha`.
    ///
    /// ```
    /// use lepton_tensor::random::Rng;
    /// let shares = Rng::new(2).dirichlet(0.5, 4);
    /// assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    /// ```
    ///
    /// # Panics
    /// Where `alpha` is not positive and finite, or `k` is 0.
    #[track_caller]
    pub fn dirichlet(&mut self, alpha: f64, k: usize) -> Vec<f64> {
        assert!(k > 0, "Rng::dirichlet: needs at least one share");
        // As logarithms: for a small alpha every gamma draw may be too small for a float.
        let mut x: Vec<f64> = (0..k).map(|_| self.ln_gamma_draw(alpha)).collect();
        let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        x.iter_mut().for_each(|x| *x = (*x - largest).exp());
        let total: f64 = x.iter().sum();
        x.iter_mut().for_each(|x| *x /= total);
        x
    }

    /// The logarithm of a gamma draw.
    #[track_caller]
    fn ln_gamma_draw(&mut self, shape: f64) -> f64 {
        assert!(
            shape > 0.0 && shape.is_finite(),
            "Rng::gamma: the shape is {shape}; it must be positive and finite"
        );
        if shape < 1.0 {
            // A draw of shape + 1 times u^(1 / shape).
            let u = 1.0 - self.uniform();
            return self.ln_gamma_draw(shape + 1.0) + u.ln() / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            let u = 1.0 - self.uniform();
            if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return (d * v).ln();
            }
        }
    }
}
