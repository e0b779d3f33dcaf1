//! One engine's half of a comparison: cases timed and printed as JSON lines.
//!
//! `compare [--case CASE].. [--threads N] [--list] [--check]`. One thread is measured in CPU time of
//! the process, more in wall-clock time. Each line has the median and the best of five samples.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use lepton_benches::{Case, Clock, Measured, Unit, find, known, measure, sum};

const USAGE: &str = "usage: compare [--case CASE].. [--threads N] [--list] [--check]";

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    cases: Vec<String>,
    threads: Option<usize>,
    list: bool,
    check: bool,
    help: bool,
}

fn parse(args: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut out = Arguments::default();
    let mut args = args;
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or(format!("{flag} wants a value; {USAGE}"));
        match flag.as_str() {
            "--case" => out.cases.push(value()?),
            "--threads" => out.threads = Some(threads(&value()?)?),
            "--list" => out.list = true,
            "--check" => out.check = true,
            "--help" | "-h" => out.help = true,
            _ => return Err(format!("unknown argument '{flag}'; {USAGE}")),
        }
    }
    Ok(out)
}

fn threads(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (1..=1024).contains(n));
    n.ok_or_else(|| format!("--threads wants a number from 1 to 1024, got '{text}'"))
}

/// Runs what is asked for; an error is one sentence.
fn run(args: Arguments) -> Result<(), String> {
    if args.help {
        return print(&format!(
            "{USAGE}\nexample: compare --case gemm_f32_512 --case ew:tanh@65536 --threads 1"
        ));
    }
    let threads = args.threads.unwrap_or(1);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| format!("no pool of {threads} threads: {e}"))?;
    if args.list {
        return known().iter().try_for_each(|c| print(c.name()));
    }
    let cases: Vec<Case> = if args.cases.is_empty() {
        known()
    } else {
        let found: Result<_, _> = args.cases.iter().map(|c| find(c)).collect();
        found?
    };
    cases
        .iter()
        .try_for_each(|c| print(&line(c, threads, args.check)))
}

/// One case measured, as JSON.
fn line(case: &Case, threads: usize, check: bool) -> String {
    let mut iteration = case.start();
    let sum = check.then(|| sum(&iteration()));
    let time = measure(Clock::of(threads), case.work(), iteration);
    let Measured { median, best } = time;
    let mut out = format!(
        r#"{{"peer":"lepton","case":"{}","threads":{threads},"ns_per_iter":{median:.1},"ns_best":{best:.1}"#,
        case.name()
    );
    if let Some((median, best)) = time.rates(case.work()) {
        let unit = if case.work().unit == Unit::Flops {
            "gflops"
        } else {
            "gbps"
        };
        out += &format!(r#","{unit}":{median:.3},"{unit}_best":{best:.3}"#);
    }
    match sum {
        // JSON has no other way to say it.
        Some(s) if !s.is_finite() => out += &format!(r#","sum":"{s}""#),
        Some(s) => out += &format!(r#","sum":{s:?}"#),
        None => {}
    }
    out + "}"
}

fn print(line: &str) -> Result<(), String> {
    let written = writeln!(std::io::stdout(), "{line}");
    written.map_err(|e| format!("standard output: {e}"))
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::from(2)
        }
    }
}
