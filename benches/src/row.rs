//! One line of a history: what was measured of one case at one time.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::ab::git;
use crate::machine::{Fingerprint, Roof};

/// A measurement of a case. Lines are only ever appended, and fields only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `op/dtype/shape/layout/simd/threads`.
    pub id: String,
    /// The name that the command line knows.
    pub case: String,
    /// Nanoseconds of an iteration: the shortest sample.
    pub ns_min: f64,
    /// The median sample.
    pub ns_median: f64,
    /// The median distance of the samples from the median.
    pub ns_mad: f64,
    /// Samples taken.
    pub samples: usize,
    /// What one thread is timed by (`cpu`), and more (`wall`).
    pub clock: String,
    /// Units in an iteration, such as ops of a chain.
    pub units: f64,
    /// Instructions of an iteration, where they were counted.
    pub instructions: Option<f64>,
    /// The SIMD level they were counted at.
    pub instructions_simd: Option<String>,
    /// Floating-point operations of an iteration.
    pub flops: f64,
    /// Bytes that an iteration must at least move.
    pub bytes: f64,
    /// The limits measured in the same run.
    pub roof: Roof,
    /// The least time that those allow, as a share of the shortest sample.
    pub share: Option<f64>,
    /// Calls of the allocator in an iteration, where they were counted.
    pub allocations: Option<f64>,
    /// Bytes asked for by them.
    pub allocated_bytes: Option<f64>,
    /// What it was measured with.
    pub machine: Fingerprint,
    /// The SIMD level.
    pub simd: String,
    /// Threads.
    pub threads: usize,
    /// The revision, where there is one.
    pub commit: Option<String>,
    /// Whether files differed from the revision.
    pub dirty: bool,
    /// When, in UTC.
    pub time: String,
}

/// The revision checked out here, and whether files differ from it.
pub(crate) fn revision() -> (Option<String>, bool) {
    let commit = git(&["rev-parse", "HEAD"]).ok();
    let dirty = git(&["status", "--porcelain"]).is_ok_and(|s| !s.is_empty());
    (commit, dirty)
}

/// Now, as `2026-01-31T23:59:59Z`.
pub(crate) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    stamp(since.map_or(0, |d| d.as_secs()))
}

/// Seconds since 1970 as a date (Hinnant's `civil_from_days`, for years of our time).
fn stamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (h, m, s) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        assert_eq!(super::stamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(super::stamp(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(super::stamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(super::stamp(1_798_761_599), "2026-12-31T23:59:59Z");
    }
}
