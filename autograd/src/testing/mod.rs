//! The derived tests: every op of a catalogue, from its cases, with nothing to remember.
//!
//! A case is an op with inputs. From it alone follow: values against plainer means and in f32;
//! every SIMD level; first and second derivatives against numeric ones, forward against reverse
//! mode; batches of every subset of inputs, nested and under derivatives; attributes, traces and
//! replays; shapes on `Meta`; views of every layout; what a node holds; the same bits from any
//! number of threads. Each check is a function in a file of its own; [`CHECKS`] is the list.
//!
//! A failure says op, seed, case, shapes, strides and SIMD level; the same seed shows it again.

mod batch;
mod compare;
mod forward;
mod gradients;
mod keeps;
mod layouts;
mod levels;
mod meta;
mod replay;
mod tangents;
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::catalogue::{Entry, Listed};
use crate::engine::op::Op;
use crate::engine::subject::{Subject, subjects};
use compare::Verdict;

/// A name and what it does to a case.
type Check = (&'static str, fn(&Subject) -> Verdict);

/// Every check of a case. What comes first explains what comes later.
const CHECKS: [Check; 17] = [
    ("values", forward::values),
    ("attributes", replay::attributes),
    ("layouts", layouts::views_equal_copies),
    ("gradients", gradients::exact),
    ("surrogate gradients", gradients::surrogate),
    ("parts of gradients", gradients::parts),
    ("tangents", tangents::against_vjp),
    ("second tangents", tangents::second),
    ("f32", forward::single),
    ("reuse of buffers", forward::reuse),
    ("long form", forward::long_form),
    ("SIMD levels", levels::agree),
    ("shapes on meta", meta::shapes),
    ("traces", replay::traces),
    ("batches", batch::values),
    ("derivatives of batches", batch::derivatives),
    ("memory", keeps::freed),
];

/// Checks that involve other threads.
const THREADS: Check = ("threads", threads::same);
const LARGE: Check = ("threads on a large batch", threads::same_when_large);

/// Runs the derived tests of `O` on the cases that `seed` gives; the number of cases.
///
/// ```
/// use lepton_autograd::{Map, ops::activation::sigmoid::Tanh, testing};
/// assert!(testing::check::<Map<Tanh>>(7).unwrap() > 0);
/// ```
///
/// # Errors
/// The first failure, in one line that names the op and the check.
pub fn check<O: Op + Listed>(seed: u64) -> Result<usize, String> {
    let subjects = subjects::<O>(seed);
    let checks = CHECKS.iter().chain([&THREADS]);
    run(&subjects, &checks.copied().collect::<Vec<_>>())
}

/// Runs the derived tests of every op of a catalogue.
///
/// # Panics
/// With every failure, one line each.
pub fn check_catalogue(entries: &[Entry], seed: u64) {
    let checks: Vec<Check> = CHECKS.iter().chain([&THREADS]).copied().collect();
    check_all(entries, seed, &checks);
}

/// Runs the ops of a catalogue on batches so large that kernels split, on 1, 2 and 7 threads.
///
/// # Panics
/// With every failure, one line each.
pub fn check_catalogue_large(entries: &[Entry], seed: u64) {
    check_all(entries, seed, &[LARGE]);
}

fn check_all(entries: &[Entry], seed: u64, checks: &[Check]) {
    let failures: Vec<String> = entries
        .iter()
        .filter_map(|e| run(&(e.subjects)(seed), checks).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(subjects: &[Subject], checks: &[Check]) -> Result<usize, String> {
    for s in subjects {
        for (name, check) in checks {
            // A rule may panic, such as by reading what it does not keep: that is a failure as well.
            let verdict = catch_unwind(AssertUnwindSafe(|| check(s)))
                .unwrap_or_else(|panic| Err(sentence(panic.as_ref())));
            verdict.map_err(|e| format!("{}: {name}: {e}", s.describe()))?;
        }
    }
    Ok(subjects.len())
}

fn sentence(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    format!("panic: {}", text.unwrap_or_default())
}
