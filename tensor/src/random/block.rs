//! The block functions, and slices filled from their streams.

use std::f64::consts::TAU;

/// Philox4x32-10: 128 random bits for each 128-bit counter, under a 64-bit key.
///
/// ```
/// use lepton_tensor::random::Philox;
/// let stream = Philox::stream(7, 0);
/// let (mut whole, mut end) = ([0.0f32; 9], [0.0f32; 4]);
/// stream.uniform_f32(0, &mut whole);
/// stream.uniform_f32(5, &mut end);
/// assert_eq!(whole[5..], end);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// The generator under `key`.
    pub fn new(key: [u32; 2]) -> Philox {
        Philox { key }
    }

    /// Stream number `stream` of `seed`.
    ///
    /// ```
    /// use lepton_tensor::random::Philox;
    /// assert_eq!(Philox::stream(7, 3), Philox::stream(7, 3));
    /// assert_ne!(Philox::stream(7, 3), Philox::stream(7, 4));
    /// ```
    pub fn stream(seed: u64, stream: u64) -> Philox {
        Philox::new(split(seed)).fork(stream)
    }

    /// Stream number `stream` below this one.
    pub fn fork(&self, stream: u64) -> Philox {
        Philox::new(Threefry::new(self.key).block(split(stream)))
    }

    /// The random words that belong to `counter`.
    #[inline]
    pub fn block(&self, counter: [u32; 4]) -> [u32; 4] {
        const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
        // The golden ratio and sqrt(3) - 1, as a Weyl sequence over the key.
        const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
        let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, self.key);
        for _ in 0..10 {
            let p = MULTIPLIERS[0] * u64::from(a);
            let q = MULTIPLIERS[1] * u64::from(c);
            let [p_low, p_high] = split(p);
            let [q_low, q_high] = split(q);
            (a, b, c, d) = (q_high ^ b ^ k0, q_low, p_high ^ d ^ k1, p_low);
            (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
        }
        [a, b, c, d]
    }

    /// Block number `index` of the stream.
    #[inline]
    pub(super) fn at(&self, index: u64) -> [u32; 4] {
        let [low, high] = split(index);
        self.block([low, high, 0, 0])
    }

    /// Elements `first ..` of the stream's 32-bit words.
    ///
    /// ```
    /// use lepton_tensor::random::Philox;
    /// let (mut all, mut tail) = ([0; 6], [0; 2]);
    /// Philox::stream(1, 0).words(0, &mut all);
    /// Philox::stream(1, 0).words(4, &mut tail); // a stream may be cut anywhere
    /// assert_eq!(all[4..], tail);
    /// ```
    pub fn words(&self, first: u64, out: &mut [u32]) {
        self.fill(first, out, |block| block);
    }

    /// Elements `first ..` of the stream's uniform numbers in `[0, 1)`, multiples of `2^-24`.
    pub fn uniform_f32(&self, first: u64, out: &mut [f32]) {
        self.fill(first, out, |block| {
            block.map(|w| (w >> 8) as f32 / (1u32 << 24) as f32)
        });
    }

    /// Elements `first ..` of the stream's uniform numbers in `[0, 1)`, multiples of `2^-53`.
    ///
    /// ```
    /// use lepton_tensor::random::Philox;
    /// let mut x = [0.0; 3];
    /// Philox::stream(1, 0).uniform_f64(0, &mut x);
    /// assert!(x.iter().all(|v| (0.0..1.0).contains(v)));
    /// ```
    pub fn uniform_f64(&self, first: u64, out: &mut [f64]) {
        self.fill(first, out, uniform_pair);
    }

    /// Elements `first ..` of the stream's standard normal numbers: those of
    /// [`normal_f64`](Philox::normal_f64), rounded.
    pub fn normal_f32(&self, first: u64, out: &mut [f32]) {
        self.fill(first, out, |block| normal_pair(block).map(|x| x as f32));
    }

    /// Elements `first ..` of the stream's standard normal numbers (Box and Muller 1958).
    ///
    /// ```
    /// use lepton_tensor::random::Philox;
    /// let (mut wide, mut narrow) = ([0.0f64; 4], [0.0f32; 4]);
    /// Philox::stream(1, 0).normal_f64(0, &mut wide);
    /// Philox::stream(1, 0).normal_f32(0, &mut narrow);
    /// assert_eq!(wide.map(|x| x as f32), narrow);
    /// ```
    pub fn normal_f64(&self, first: u64, out: &mut [f64]) {
        self.fill(first, out, normal_pair);
    }

    /// Elements `first ..` of a stream that makes `N` elements of each block.
    fn fill<T: Copy, const N: usize>(
        &self,
        first: u64,
        out: &mut [T],
        make: impl Fn([u32; 4]) -> [T; N],
    ) {
        let mut index = first / N as u64;
        let mut skip = (first % N as u64) as usize;
        let mut rest = out;
        while !rest.is_empty() {
            let made = make(self.at(index));
            let n = rest.len().min(N - skip);
            let (now, later) = rest.split_at_mut(n);
            now.copy_from_slice(&made[skip..skip + n]);
            (index, skip, rest) = (index.wrapping_add(1), 0, later);
        }
    }
}

/// Threefry2x32-20: 64 random bits for each 64-bit counter, under a 64-bit key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threefry {
    key: [u32; 2],
}

impl Threefry {
    /// The generator under `key`.
    pub fn new(key: [u32; 2]) -> Threefry {
        Threefry { key }
    }

    /// The random words that belong to `counter`.
    pub fn block(&self, counter: [u32; 2]) -> [u32; 2] {
        const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
        const PARITY: u32 = 0x1BD1_1BDA; // of Skein, which Threefry comes from
        let keys = [self.key[0], self.key[1], PARITY ^ self.key[0] ^ self.key[1]];
        let mut x = counter[0].wrapping_add(keys[0]);
        let mut y = counter[1].wrapping_add(keys[1]);
        for round in 0..20 {
            x = x.wrapping_add(y);
            y = y.rotate_left(ROTATIONS[round % 8]) ^ x;
            if round % 4 == 3 {
                let i = round / 4 + 1;
                x = x.wrapping_add(keys[i % 3]);
                y = y.wrapping_add(keys[(i + 1) % 3]).wrapping_add(i as u32);
            }
        }
        [x, y]
    }
}

/// Philox4x64-10: 256 random bits for each 256-bit counter, under a 128-bit key (NumPy's `Philox`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox64 {
    key: [u64; 2],
}

impl Philox64 {
    /// The generator under `key`.
    pub fn new(key: [u64; 2]) -> Philox64 {
        Philox64 { key }
    }

    /// The random words that belong to `counter`.
    pub fn block(&self, counter: [u64; 4]) -> [u64; 4] {
        const MULTIPLIERS: [u128; 2] = [0xD2E7_470E_E14C_6C93, 0xCA5A_8263_9512_1157];
        const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];
        let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, self.key);
        for _ in 0..10 {
            let p = MULTIPLIERS[0] * u128::from(a);
            let q = MULTIPLIERS[1] * u128::from(c);
            let (p_high, q_high) = ((p >> 64) as u64, (q >> 64) as u64);
            (a, b, c, d) = (q_high ^ b ^ k0, q as u64, p_high ^ d ^ k1, p as u64);
            (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
        }
        [a, b, c, d]
    }
}

/// The low and the high half.
#[inline]
fn split(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// Two words as one.
#[inline]
pub(super) fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The upper 53 bits as a number in `[0, 1)`.
#[inline]
pub(super) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Two uniform numbers of a block.
#[inline]
fn uniform_pair([a, b, c, d]: [u32; 4]) -> [f64; 2] {
    [unit(join(a, b)), unit(join(c, d))]
}

/// Two standard normal numbers of a block (Box and Muller 1958).
#[inline]
pub(super) fn normal_pair(block: [u32; 4]) -> [f64; 2] {
    let [u, v] = uniform_pair(block);
    let radius = (-2.0 * (1.0 - u).ln()).sqrt(); // 1 - u is never 0
    let (sin, cos) = (TAU * v).sin_cos();
    [radius * cos, radius * sin]
}
