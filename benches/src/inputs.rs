//! Inputs fixed by a seed: Marsaglia's xorshift64, the same numbers that the peers are given.

use lepton_autograd::Var;

/// A stream of 64-bit numbers (Marsaglia 2003).
struct Xorshift(u64);

impl Xorshift {
    fn new(seed: u64) -> Xorshift {
        Xorshift(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// `n` numbers uniform in `[-1, 1)`.
///
/// ```
/// use lepton_benches::inputs::values;
/// assert!(values(1000, 1).iter().all(|x| (-1.0..1.0).contains(x)));
/// assert_eq!(values(5, 7), values(5, 7));
/// ```
pub fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut r = Xorshift::new(seed);
    (0..n)
        .map(|_| (r.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
        .collect()
}

/// `n` numbers uniform in `(0, 1]`, where every elementwise op is defined.
pub fn positive(n: usize, seed: u64) -> Vec<f32> {
    values(n, seed).iter().map(|x| 0.5 - 0.5 * x).collect()
}

/// `n` whole numbers in `[0, top)`.
pub fn ids(n: usize, top: u64, seed: u64) -> Vec<i64> {
    let mut r = Xorshift::new(seed);
    (0..n).map(|_| ((r.next() >> 33) % top) as i64).collect()
}

/// A constant of [`values`] under `shape`.
pub fn tensor(shape: &[usize], seed: u64) -> Var {
    Var::new(&values(shape.iter().product(), seed), shape)
}
