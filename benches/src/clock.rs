//! The clocks that samples are taken by.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// CPU time of the whole process, which other load on the machine does not lengthen. Where the
    /// system has no such clock it is the wall clock.
    Cpu,
    /// The wall clock.
    Wall,
}

impl Clock {
    /// CPU time for one thread, the wall clock for more.
    pub fn of(threads: usize) -> Clock {
        if threads == 1 {
            Clock::Cpu
        } else {
            Clock::Wall
        }
    }

    /// Time since a fixed moment.
    ///
    /// ```
    /// use lepton_benches::Clock;
    /// let t = Clock::Cpu.now();
    /// assert!(Clock::Cpu.now() >= t);
    /// ```
    pub fn now(self) -> Duration {
        match self {
            Clock::Cpu => cpu(),
            Clock::Wall => wall(),
        }
    }
}

fn wall() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(unix)]
fn cpu() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let t = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(t.tv_sec.unsigned_abs(), t.tv_nsec as u32)
}

#[cfg(not(unix))]
fn cpu() -> Duration {
    wall()
}
