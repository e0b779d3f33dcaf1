//! `exp`, `ln`, `tanh` and `erf`, each written once for scalars and for the vectors of every level.
//!
//! | | f32 | f64 |
//! |---|---|---|
//! | `exp` | `e^x = 2^n e^r`, `abs(r) <= ln 2 / 2`, minimax polynomial of degree 7 | the same, degree 11 |
//! | `exp2` | `2^x = 2^n 2^f`, `abs(f) <= 1/2`, the same polynomial of `f ln 2` | the same |
//! | `ln` | fdlibm's `log(1 + f)` in `s = f / (2 + f)`, 4 terms | the same, 7 terms |
//! | `tanh` | `t / (t + 2)` with `t = e^(2x) - 1` from the same reduction | the same |
//! | `erf` | `x + x P(x^2)`, and `1 - e^Q(x)` from 0.92 on | fdlibm's rational pieces |
//!
//! The worst relative errors that the tests allow are 2e-7 in f32 and 1e-15 in f64 on every level
//! (seen: 8e-8, 8e-8, 1.6e-7, 1e-7 in f32, below 5e-16 in f64), and infinities, NaN, signed zeros and subnormals come out as in the C library. The polynomials of
//! `exp` and of the f32 `erf` were fitted by the Remez exchange; those of `ln` and of the f64 `erf`
//! are the coefficients published in fdlibm (Sun Microsystems, 1993: `e_log.c`, `s_erf.c`; the f32
//! `ln` from FreeBSD's `e_logf.c`).
//!
//! Every step acts on each lane alone, so an element has the same bits wherever it stands.

mod erf;
mod exp;
mod float32;
mod float64;
mod ln;
mod normal;
mod poly;
mod tables;

pub(super) use exp::{exp, exp2, scale, tanh};
pub(super) use ln::ln;
pub(super) use tables::Tables;
