//! Counting ops, flops and bytes of any code, on data or on `Meta`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lepton_tensor::{Meta, Result, Tensor};

use crate::engine::op::{AnyOp, Cost, Ins};
use crate::engine::watch::{Watch, watch};

/// Totals over the ops that ran.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    ops: AtomicU64,
    flops: AtomicU64,
    bytes: AtomicU64,
}

impl Watch for Counter {
    fn op(&self, op: &dyn AnyOp, x: &[Tensor], y: &[Tensor]) -> Result<()> {
        let x: Ins<&Meta> = x.iter().map(Tensor::meta).collect();
        let y: Vec<Meta> = y.iter().map(|t| t.meta().clone()).collect();
        let cost = op.cost(&x, &y);
        self.ops.fetch_add(1, Ordering::Relaxed);
        self.flops.fetch_add(cost.flops, Ordering::Relaxed);
        self.bytes.fetch_add(cost.bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// What a closure cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Ops applied.
    pub ops: u64,
    /// Their flops and bytes.
    pub cost: Cost,
}

/// Runs `f` and counts the ops it applies, backward passes included.
///
/// ```
/// use lepton_autograd::{DType, Device, Var, count};
/// let x = Var::zeros(&[32, 64], DType::F32, Device::Meta);
/// let w = Var::zeros(&[64, 10], DType::F32, Device::Meta);
/// let (y, counts) = count(|| x.matmul(&w));
/// assert_eq!(y.shape(), [32, 10]);
/// assert_eq!(counts.cost.flops, 2 * 32 * 64 * 10);
/// ```
pub fn count<R>(f: impl FnOnce() -> R) -> (R, Counts) {
    let counter = Arc::new(Counter::default());
    let out = watch(Arc::<Counter>::clone(&counter), f);
    let get = |a: &AtomicU64| a.load(Ordering::Relaxed);
    let cost = Cost {
        flops: get(&counter.flops),
        bytes: get(&counter.bytes),
    };
    (
        out,
        Counts {
            ops: get(&counter.ops),
            cost,
        },
    )
}
