//! The element types that a tensor file may hold, also those lepton does not compute with.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::str::FromStr;

use lepton_tensor::{Error, Result};

/// An element type as safetensors names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the format's own")]
#[expect(non_camel_case_types, reason = "the names are the format's own")]
pub enum Stored {
    BOOL,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F64,
    F32,
    F16,
    BF16,
    F8_E5M2,
    F8_E4M3,
    F8_E8M0,
    F8_E4M3FNUZ,
    F8_E5M2FNUZ,
    F6_E2M3,
    F6_E3M2,
    F4,
    C64,
}

use Stored::*;

impl Stored {
    /// Every element type.
    pub const ALL: [Stored; 22] = [
        BOOL,
        U8,
        I8,
        U16,
        I16,
        U32,
        I32,
        U64,
        I64,
        F64,
        F32,
        F16,
        BF16,
        F8_E5M2,
        F8_E4M3,
        F8_E8M0,
        F8_E4M3FNUZ,
        F8_E5M2FNUZ,
        F6_E2M3,
        F6_E3M2,
        F4,
        C64,
    ];

    /// The bits of one element.
    pub fn bits(self) -> u64 {
        match self {
            U64 | I64 | F64 | C64 => 64,
            U32 | I32 | F32 => 32,
            U16 | I16 | F16 | BF16 => 16,
            BOOL | U8 | I8 | F8_E5M2 | F8_E4M3 | F8_E8M0 | F8_E4M3FNUZ | F8_E5M2FNUZ => 8,
            F6_E2M3 | F6_E3M2 => 6,
            F4 => 4,
        }
    }

    /// The bytes that elements of `shape` take.
    ///
    /// # Errors
    /// When the number does not fit, or a byte would be shared.
    pub fn size_of(self, shape: &[u64]) -> Result<u64> {
        // The elements first, as the reference reader counts: no axis of size 0 makes up for an overflow.
        let elements = shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        match elements.and_then(|n| n.checked_mul(self.bits())) {
            Some(bits) if bits % 8 == 0 => Ok(bits / 8),
            Some(_) => Err(Error::format(format!(
                "{self} of shape {shape:?} ends inside a byte"
            ))),
            None => Err(Error::format(format!(
                "the size of shape {shape:?} does not fit 64 bits"
            ))),
        }
    }

    /// The sum in f64, in order, of the elements that fill the next `bytes` bytes of `reader`.
    ///
    /// # Errors
    /// When the bytes end early, or a truth value is neither 0 nor 1.
    ///
    /// ```
    /// use lepton_nn::files::safetensors::{Stored, Sum};
    /// let halves = [0x00, 0x3C, 0x00, 0xC0]; // 1 and -2
    /// assert_eq!(Stored::F16.sum(&halves[..], 4)?, Sum::Real(-1.0));
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    pub fn sum(self, mut reader: impl Read, bytes: u64) -> Result<Sum> {
        let mut buffer = [0; 1 << 13]; // whole elements of every type whose elements are decoded
        let (mut sum, mut left) = (self.zero(), bytes);
        while left > 0 {
            let n = left.min(buffer.len() as u64) as usize;
            let chunk = &mut buffer[..n];
            reader.read_exact(chunk).map_err(|e| match e.kind() {
                ErrorKind::UnexpectedEof => {
                    Error::format("the file ends inside the tensor; is it cut short?")
                }
                _ => Error::io("the tensor's bytes cannot be read", &e),
            })?;
            sum = self.add(sum, chunk)?;
            left -= n as u64;
        }
        Ok(sum)
    }

    fn zero(self) -> Sum {
        match self {
            C64 => Sum::Complex(0.0, 0.0),
            _ => Sum::Real(0.0),
        }
    }

    fn add(self, sum: Sum, bytes: &[u8]) -> Result<Sum> {
        if self == BOOL
            && let Some(b) = bytes.iter().find(|b| **b > 1)
        {
            let message = format!("a truth value is the byte {b}, neither 0 nor 1");
            return Err(Error::format(message));
        }
        Ok(match (self, sum) {
            // The format does not say in which order 6-bit numbers share bytes; zeros are zeros in any.
            (F6_E2M3 | F6_E3M2, _) if bytes.iter().any(|b| *b != 0) => Sum::Unknown,
            (F6_E2M3 | F6_E3M2, sum) => sum,
            (C64, Sum::Complex(re, im)) => {
                let part = |b: &[u8]| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                let (re, im) = bytes
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .fold((re, im), |(re, im), b| {
                        (re + part(&b[..4]), im + part(&b[4..]))
                    });
                Sum::Complex(re, im)
            }
            (_, Sum::Real(sum)) => Sum::Real(self.add_real(sum, bytes)),
            (_, other) => other,
        })
    }

    fn add_real(self, sum: f64, bytes: &[u8]) -> f64 {
        match self {
            BOOL | U8 => each(sum, bytes, |[b]| f64::from(b)),
            I8 => each(sum, bytes, |b| f64::from(i8::from_le_bytes(b))),
            U16 => each(sum, bytes, |b| f64::from(u16::from_le_bytes(b))),
            I16 => each(sum, bytes, |b| f64::from(i16::from_le_bytes(b))),
            U32 => each(sum, bytes, |b| f64::from(u32::from_le_bytes(b))),
            I32 => each(sum, bytes, |b| f64::from(i32::from_le_bytes(b))),
            U64 => each(sum, bytes, |b| u64::from_le_bytes(b) as f64),
            I64 => each(sum, bytes, |b| i64::from_le_bytes(b) as f64),
            F64 => each(sum, bytes, f64::from_le_bytes),
            F32 => each(sum, bytes, |b| f64::from(f32::from_le_bytes(b))),
            F16 => each(sum, bytes, |b| float::<5, 10>(u16::from_le_bytes(b))),
            BF16 => each(sum, bytes, |b| float::<8, 7>(u16::from_le_bytes(b))),
            F8_E5M2 => each(sum, bytes, |[b]| float::<5, 2>(u16::from(b))),
            F8_E4M3 => each(sum, bytes, |[b]| match b & 0x7F {
                0x7F => f64::NAN, // the one NaN; there is no infinity
                _ => finite::<4, 3>(u16::from(b)),
            }),
            F8_E8M0 => each(sum, bytes, |[b]| match b {
                0xFF => f64::NAN,
                _ => power_of_two(i32::from(b) - 127),
            }),
            F8_E4M3FNUZ => each(sum, bytes, |[b]| unsigned_zero::<4, 3>(b)),
            F8_E5M2FNUZ => each(sum, bytes, |[b]| unsigned_zero::<5, 2>(b)),
            F4 => each(sum, bytes, |[b]| {
                finite::<2, 1>(u16::from(b & 15)) + finite::<2, 1>(u16::from(b >> 4))
            }),
            F6_E2M3 | F6_E3M2 | C64 => sum, // not sums of reals that can be told
        }
    }
}

/// The sum of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sum {
    /// Of real numbers.
    Real(f64),
    /// Of complex numbers: the real and the imaginary part.
    Complex(f64, f64),
    /// Of numbers whose place in the bytes the format does not say.
    Unknown,
}

fn each<const N: usize>(sum: f64, bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> f64 {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().fold(sum, |sum, &e| sum + value(e))
}

/// A float of a sign, `E` exponent and `M` mantissa bits as IEEE 754 reads them.
fn float<const E: u32, const M: u32>(bits: u16) -> f64 {
    let top = (1 << E) - 1;
    match ((bits >> M) & top == top, bits & ((1 << M) - 1)) {
        (false, _) => finite::<E, M>(bits),
        (true, 0) if bits >> (E + M) == 0 => f64::INFINITY,
        (true, 0) => f64::NEG_INFINITY,
        (true, _) => f64::NAN,
    }
}

/// The same where the highest exponent is one like the others.
fn finite<const E: u32, const M: u32>(bits: u16) -> f64 {
    let bias = (1 << (E - 1)) - 1;
    let exponent = i32::from((bits >> M) & ((1 << E) - 1));
    let mantissa = f64::from(bits & ((1 << M) - 1));
    let one = f64::from(1u16 << M);
    let size = match exponent {
        0 => mantissa * power_of_two(1 - bias - M as i32),
        _ => (one + mantissa) * power_of_two(exponent - bias - M as i32),
    };
    if bits >> (E + M) & 1 == 1 {
        -size
    } else {
        size
    }
}

/// A float without infinities and without a negative zero, whose bits are the one NaN; its exponents are
/// one lower.
fn unsigned_zero<const E: u32, const M: u32>(bits: u8) -> f64 {
    match bits {
        0x80 => f64::NAN,
        _ => 0.5 * finite::<E, M>(u16::from(bits)),
    }
}

/// `2^n`, exact for a normal f64.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Stored {
    type Err = Error;

    fn from_str(name: &str) -> Result<Stored> {
        let found = Stored::ALL.into_iter().find(|s| s.to_string() == name);
        found.ok_or_else(|| {
            let shown: String = name.chars().take(20).collect();
            Error::unsupported(format!(
                "the element type `{}` is not one that lepton can read",
                shown.escape_debug()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(stored: Stored, bytes: &[u8]) -> f64 {
        match stored.sum(bytes, bytes.len() as u64).unwrap() {
            Sum::Real(sum) => sum,
            other => panic!("{stored}: {other:?}"),
        }
    }

    #[test]
    fn every_type_is_decoded() {
        assert_eq!(sum(BOOL, &[1, 0, 1]), 2.0);
        assert_eq!(sum(U8, &[255, 1]), 256.0);
        assert_eq!(sum(I8, &[255, 1, 128]), -128.0);
        assert_eq!(sum(U16, &[0, 1]), 256.0);
        assert_eq!(sum(I16, &[255, 255]), -1.0);
        assert_eq!(sum(U32, &u32::MAX.to_le_bytes()), 4294967295.0);
        assert_eq!(sum(I32, &(-7i32).to_le_bytes()), -7.0);
        assert_eq!(sum(U64, &u64::MAX.to_le_bytes()), 18446744073709551615.0);
        assert_eq!(sum(I64, &i64::MIN.to_le_bytes()), -9223372036854775808.0);
        assert_eq!(sum(F64, &1.5f64.to_le_bytes()), 1.5);
        assert_eq!(
            sum(F32, &[1.5f32.to_le_bytes(), 0.25f32.to_le_bytes()].concat()),
            1.75
        );
        for f in [-2.5f32, 0.0, 1e-40, 3e38] {
            let top = f.to_bits() >> 16;
            let kept = f64::from(f32::from_bits(top << 16));
            assert_eq!(sum(BF16, &(top as u16).to_le_bytes()), kept);
        }
    }

    /// The largest, the smallest normal and subnormal values and the specials, from the formats' papers
    /// (IEEE 754; Micikevicius et al. 2022; OCP Microscaling v1.0).
    #[test]
    fn small_floats_have_their_published_values() {
        let half = |bits: u16| sum(F16, &bits.to_le_bytes());
        assert_eq!(half(0x7BFF), 65504.0);
        assert_eq!(half(0x0400), 2f64.powi(-14));
        assert_eq!(half(0x8001), -(2f64.powi(-24)));
        assert_eq!(
            [half(0x7C00), half(0xFC00)],
            [f64::INFINITY, f64::NEG_INFINITY]
        );
        assert!(half(0x7E00).is_nan());
        assert_eq!(sum(F8_E5M2, &[0x7B]), 57344.0);
        assert_eq!(sum(F8_E5M2, &[0x01]), 2f64.powi(-16));
        assert_eq!(sum(F8_E5M2, &[0xFC]), f64::NEG_INFINITY);
        assert_eq!(sum(F8_E4M3, &[0x7E]), 448.0);
        assert_eq!(sum(F8_E4M3, &[0x01]), 2f64.powi(-9));
        assert!(sum(F8_E4M3, &[0xFF]).is_nan());
        assert_eq!(sum(F8_E8M0, &[0]), 2f64.powi(-127));
        assert_eq!(sum(F8_E8M0, &[254]), 2f64.powi(127));
        assert!(sum(F8_E8M0, &[255]).is_nan());
        assert_eq!(sum(F4, &[0x70]), 6.0);
        assert_eq!(sum(F4, &[0x9F]), -6.5);
        assert_eq!(sum(F8_E4M3FNUZ, &[0x7F]), 240.0);
        assert_eq!(sum(F8_E4M3FNUZ, &[0x01]), 2f64.powi(-10));
        assert_eq!(sum(F8_E5M2FNUZ, &[0xFF]), -57344.0);
        assert_eq!(sum(F8_E5M2FNUZ, &[0x01]), 2f64.powi(-17));
        assert!(sum(F8_E4M3FNUZ, &[0x80]).is_nan() && sum(F8_E5M2FNUZ, &[0x80]).is_nan());
    }

    #[test]
    fn complex_numbers_have_two_sums_and_those_of_six_bits_none() {
        let parts = [1.5f32, -2.0, 0.25, 4.0].map(f32::to_le_bytes).concat();
        assert_eq!(C64.sum(&parts[..], 16).unwrap(), Sum::Complex(1.75, 2.0));
        assert_eq!(C64.sum(&[][..], 0).unwrap(), Sum::Complex(0.0, 0.0));
        for six in [F6_E2M3, F6_E3M2] {
            assert_eq!(six.size_of(&[4, 5]).unwrap(), 15);
            assert!(six.size_of(&[3]).is_err());
            assert_eq!(six.sum(&[1, 2, 3][..], 3).unwrap(), Sum::Unknown);
            assert_eq!(sum(six, &[0; 3]), 0.0);
        }
    }

    #[test]
    fn bad_bytes_are_refused() {
        assert!(BOOL.sum(&[2u8][..], 1).is_err());
        assert!(F32.sum(&[0u8; 3][..], 4).is_err());
        assert!("F128".parse::<Stored>().is_err());
        for s in Stored::ALL {
            assert_eq!(s.to_string().parse::<Stored>().unwrap(), s);
            assert_eq!(s.size_of(&[2, 0, 3]).unwrap(), 0);
            assert_eq!(s.size_of(&[1 << 62, 0]).unwrap(), 0);
            assert!(s.size_of(&[1 << 62, 8, 0]).is_err());
        }
    }

    #[test]
    fn sums_cross_chunks() {
        let many: Vec<u8> = (0..5000u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(sum(U32, &many), 4999.0 * 2500.0);
    }
}
