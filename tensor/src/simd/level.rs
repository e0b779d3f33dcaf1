//! The instruction sets, which of them this machine has, and how one is chosen.

use std::cell::Cell;
use std::sync::OnceLock;

use super::{Kernel, Portable, Simd};
use crate::sys::cpu;

/// An instruction set that kernels are compiled for.
///
/// ```
/// use lepton_tensor::simd::Level;
/// assert!(Level::available().contains(&Level::Portable));
/// assert_eq!(Level::Avx2.name(), "avx2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// What the build target always has (SSE2, NEON, WASM simd128), through the crate `wide`.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 (F, BW, DQ and VL).
    Avx512,
}

impl Level {
    /// Every level, weakest first.
    const ALL: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

    /// The levels of this machine, weakest first.
    ///
    /// ```
    /// use lepton_tensor::simd::{Level, level};
    /// let all = Level::available();
    /// assert_eq!(all[0], Level::Portable);
    /// assert!(all.contains(&level()));
    /// ```
    pub fn available() -> Vec<Level> {
        let mut levels = Level::ALL.to_vec();
        levels.retain(|l| l.is_available());
        levels
    }

    /// The name that `LEPTON_SIMD` accepts.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// True where this machine can run the level.
    pub fn is_available(self) -> bool {
        match self {
            Level::Portable => true,
            Level::Avx2 => cpu::has_avx2_fma(),
            Level::Avx512 => cpu::has_avx512(),
        }
    }

    /// Runs `kernel` compiled for this level.
    ///
    /// A parallel loop reads [`level`] once at its caller and hands it to its workers, so that
    /// [`with_level`] reaches them too.
    ///
    /// ```
    /// use lepton_tensor::simd::{Kernel, Level, Simd, Vector};
    /// struct Width;
    /// impl Kernel for Width {
    ///     type Out = usize;
    ///     #[inline(always)]
    ///     fn run<S: Simd>(self, _: S) -> usize {
    ///         S::F32::LANES
    ///     }
    /// }
    /// assert_eq!(Level::Portable.dispatch(Width), 8);
    /// ```
    ///
    /// # Panics
    /// Where the machine lacks the level.
    #[inline]
    pub fn dispatch<K: Kernel>(self, kernel: K) -> K::Out {
        if K::SCALAR {
            return Portable::new().vectorize(kernel);
        }
        match self {
            Level::Portable => Portable::new().vectorize(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => match super::Avx2::detect() {
                Some(token) => token.vectorize(kernel),
                None => missing(self),
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => match super::Avx512::detect() {
                Some(token) => token.vectorize(kernel),
                None => missing(self),
            },
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => missing(self),
        }
    }

    /// The level for kernels that wait for memory: wider registers gain nothing there, and cost up to a tenth
    /// on Zen 4.
    pub(crate) fn streaming(self) -> Level {
        self.narrower()
    }

    /// The level with vectors of half the length where there is one that does as much with them.
    pub(crate) fn narrower(self) -> Level {
        match self {
            Level::Avx512 => Level::Avx2,
            other => other,
        }
    }

    /// The strongest level of this machine.
    fn best() -> Level {
        let best = Level::ALL.into_iter().rfind(|l| l.is_available());
        best.unwrap_or(Level::Portable)
    }

    /// The level of that name, which the machine must have.
    fn parse(name: &str) -> Level {
        match Level::ALL.into_iter().find(|l| l.name() == name) {
            Some(l) if l.is_available() => l,
            Some(l) => missing(l),
            None => panic!(
                "LEPTON_SIMD: no SIMD level is called {name:?}; this machine has {}",
                names()
            ),
        }
    }
}

/// The level that kernels run at on this thread: [`with_level`]'s, else that of `LEPTON_SIMD`, else
/// the best of the machine.
///
/// # Panics
/// Where `LEPTON_SIMD` names an unknown level or one that the machine lacks.
#[inline]
pub fn level() -> Level {
    static CHOSEN: OnceLock<Level> = OnceLock::new();
    OVERRIDE.get().unwrap_or_else(|| {
        *CHOSEN.get_or_init(|| cpu::simd_override().map_or_else(Level::best, |s| Level::parse(&s)))
    })
}

/// Runs `f` with `level` as this thread's level, also when `f` panics; meant for tests.
///
/// ```
/// use lepton_tensor::simd::{Level, level, with_level};
/// with_level(Level::Portable, || assert_eq!(level(), Level::Portable));
/// ```
///
/// # Panics
/// Where the machine lacks the level.
pub fn with_level<R>(level: Level, f: impl FnOnce() -> R) -> R {
    /// Puts the old level back.
    struct Restore(Option<Level>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OVERRIDE.set(self.0);
        }
    }
    if !level.is_available() {
        missing(level);
    }
    let _restore = Restore(OVERRIDE.replace(Some(level)));
    f()
}

/// Runs `kernel` at this thread's [`level`].
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Out {
    level().dispatch(kernel)
}

thread_local! {
    static OVERRIDE: Cell<Option<Level>> = const { Cell::new(None) };
}

/// Panics: the machine lacks `level`.
#[cold]
fn missing(level: Level) -> ! {
    panic!(
        "SIMD level {:?}: this machine lacks it; it has {}",
        level.name(),
        names()
    )
}

/// The names of this machine's levels.
fn names() -> String {
    let names: Vec<_> = Level::available().iter().map(|l| l.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_ends_with_its_closure_even_by_panic() {
        let before = level();
        let caught = std::panic::catch_unwind(|| with_level(Level::Portable, || panic!("out")));
        assert!(caught.is_err());
        assert_eq!(level(), before);
    }

    #[test]
    #[should_panic(expected = "no SIMD level is called \"sse9\"")]
    fn an_unknown_name_is_refused() {
        Level::parse("sse9");
    }

    #[test]
    fn every_name_is_understood() {
        for l in Level::available() {
            assert_eq!(Level::parse(l.name()), l);
        }
    }
}
