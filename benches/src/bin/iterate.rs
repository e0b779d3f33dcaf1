//! Runs one case a fixed number of times: for counting instructions, and for watching memory.
//!
//! `iterate CASE N` prints the bytes of tensors alive after the first and after the last iteration,
//! and the most in between. Instructions of one iteration are the difference of two runs:
//! `valgrind --tool=callgrind iterate train_smallop 10` against `iterate train_smallop 20`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use lepton_benches::find;
use lepton_tensor::{memory_usage, reset_peak_memory};

fn run(args: &[String]) -> Result<String, String> {
    let [case, n] = args else {
        return Err("usage: iterate CASE N".into());
    };
    let n: usize = n
        .parse()
        .map_err(|_| format!("N must be a whole number, got '{n}'"))?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .map_err(|e| format!("no pool of one thread: {e}"))?;
    let mut iteration = find(case)?.start();
    drop(iteration());
    let (first, _) = memory_usage();
    reset_peak_memory();
    (1..n).for_each(|_| drop(iteration()));
    let (last, most) = memory_usage();
    Ok(format!(
        r#"{{"case":"{case}","iterations":{n},"bytes_first":{first},"bytes_last":{last},"bytes_most":{most}}}"#
    ))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("iterate: {message}");
            ExitCode::from(2)
        }
    }
}
