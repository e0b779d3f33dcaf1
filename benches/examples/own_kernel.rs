//! Kernels of your own, watched like lepton's: check, history, report.
//!
//! ```text
//! cargo run --release -p lepton-benches --example own_kernel -- record --out own.jsonl
//! cargo run --release -p lepton-benches --example own_kernel -- report own.jsonl --out own.html
//! ```

use std::process::ExitCode;

use lepton_autograd::Var;
use lepton_benches::alloc::Counting;
use lepton_benches::inputs::tensor;
use lepton_benches::{Harness, Id, Work, check};

// Optional: with it, rows tell how often an iteration asks for memory.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The kernel: `x / (1 + |x|)`, put together from ops.
fn softsign(x: &Var) -> Var {
    x / (x.abs() + 1.0)
}

fn main() -> ExitCode {
    let n = 1 << 18;
    let id = Id::new("softsign", "f32", &[n], "contiguous");
    let work = Work::bytes(8.0 * n as f64, 2.0 * n as f64);
    let harness = Harness::new().case("softsign", id, work, move || {
        let x = tensor(&[n], 1);
        // The same by plain means, in f64: a wrong result is an error and never timed.
        let plain = |x: f64| x / (1.0 + x.abs());
        let want: Vec<f64> = x.tensor().to_f64().into_iter().map(plain).collect();
        (
            move || softsign(&x),
            move |y: &Var| check::close(y, want, 1e-6),
        )
    });
    harness.run()
}
