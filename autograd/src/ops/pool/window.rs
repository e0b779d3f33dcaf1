//! What the pools share: windows as attributes, their number, the batch of `vmap` as more images.

use lepton_tensor::ops::{Pool, Window};
use lepton_tensor::{Error, Meta, Result};
use smallvec::smallvec;

use crate::engine::attrs::{Attrs, Field};
use crate::engine::lift::all_batched;
use crate::engine::op::{Ins, Op, Outs};
use crate::engine::var::Var;
use crate::ops::conv::{join_batch, split_batch};

impl Field for Pool {
    fn put(&self, _: &str, attrs: Attrs) -> Attrs {
        self.window.put("window", attrs).flag("ceil", self.ceil)
    }

    fn take(_: &str, attrs: &Attrs) -> Result<Pool> {
        Ok(Pool {
            window: Window::take("window", attrs)?,
            ceil: attrs.get_flag("ceil")?,
        })
    }
}

/// The number of windows, or why there are none.
pub(super) fn output(what: &str, pool: &Pool, x: &Meta) -> Result<[usize; 2]> {
    x.dtype.want_float(what)?;
    let [_, _, h, wd] = x.shape[..] else {
        return Err(Error::shape(format!(
            "{what}: wants [batch, channels, height, width], got {:?}",
            x.shape
        )));
    };
    let w = &pool.window;
    if (0..2).any(|a| w.padding[a] > (w.dilation[a] * w.kernel[a].saturating_sub(1)).div_ceil(2)) {
        return Err(Error::shape(format!(
            "{what}: padding {:?} should be at most half of a window of {:?}, dilated {:?}",
            w.padding, w.kernel, w.dilation
        )));
    }
    pool.output([h, wd]).ok_or_else(|| {
        Error::shape(format!(
            "{what}: a window of {:?} by {:?}, dilated {:?}, does not fit an image of [{h}, {wd}] with padding {:?}",
            w.kernel, w.stride, w.dilation, w.padding
        ))
    })
}

/// `n` and `c` of `x` with other heights and widths.
pub(super) fn resized(x: &Meta, size: [usize; 2]) -> Result<Outs<Meta>> {
    let shape = [x.shape[0], x.shape[1], size[0], size[1]];
    lepton_tensor::numel(&shape)?;
    Ok(smallvec![x.with_shape(&shape)])
}

/// The batch of `vmap` as more images.
pub(super) fn batch<O: Op + crate::engine::catalogue::Listed>(
    op: &O,
    x: &[Var],
    batched: &[bool],
    n: usize,
) -> Result<Outs<Var>> {
    let images = x[batched.iter().position(|&b| b).unwrap_or(0)].shape()[1];
    let x = all_batched(x, batched, n);
    let joined: Ins<Var> = x.iter().map(join_batch).collect();
    let y = crate::apply(op.clone(), joined)?;
    Ok(smallvec![split_batch(&y[0], [n, images])])
}
