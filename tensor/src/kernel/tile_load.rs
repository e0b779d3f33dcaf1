//! Tile loads: elements of any layout, in row-major order, into a contiguous buffer.

use crate::Layout;

/// Elements in one tile: two inputs and an output of f64 fit a 32 KiB L1 cache.
pub(crate) const TILE: usize = 1024;
/// Copies the elements `first ..` of `layout` (collapsed, see [`Layout::collapse`]) to `out`.
pub(crate) fn load<T: Copy>(src: &[T], layout: &Layout, first: usize, out: &mut [T]) {
    runs(layout, first, out.len(), |at, stride, done, n| {
        let to = &mut out[done..done + n];
        match stride {
            1 => to.copy_from_slice(&src[at..at + n]),
            0 => to.fill(src[at]),
            _ => (0..n).for_each(|i| to[i] = src[(at as isize + i as isize * stride) as usize]),
        }
    });
}

/// Where elements `first .. first + n` begin, where they are adjacent in memory.
pub(crate) fn contiguous_run(layout: &Layout, first: usize, n: usize) -> Option<usize> {
    let (shape, strides) = (layout.shape(), layout.strides());
    let inner = shape.len().checked_sub(1)?;
    if strides[inner] != 1 || shape[inner] < n {
        return None;
    }
    let (mut at, mut rest) = (layout.offset() as isize, first);
    for a in (0..=inner).rev() {
        let index = rest % shape[a];
        if a == inner && index + n > shape[a] {
            return None;
        }
        rest /= shape[a];
        at += index as isize * strides[a];
    }
    Some(at as usize)
}

/// Calls `run(offset, stride, done, n)` for each stretch of the innermost axis that holds elements
/// `first .. first + count` in row-major order; `done` counts the elements before it.
pub(crate) fn runs(
    layout: &Layout,
    first: usize,
    count: usize,
    mut run: impl FnMut(usize, isize, usize, usize),
) {
    let (shape, strides) = (layout.shape(), layout.strides());
    let Some(inner) = shape.len().checked_sub(1) else {
        if count > 0 {
            run(layout.offset(), 1, 0, count);
        }
        return;
    };
    let mut index: crate::Shape = shape.into();
    let mut at = layout.offset() as isize;
    let mut rest = first;
    for a in (0..shape.len()).rev() {
        (index[a], rest) = (rest % shape[a].max(1), rest / shape[a].max(1));
        at += index[a] as isize * strides[a];
    }
    let mut done = 0;
    while done < count {
        let n = (shape[inner] - index[inner]).min(count - done);
        run(at as usize, strides[inner], done, n);
        done += n;
        if done == count {
            return;
        }
        // The run ended the innermost axis: rewind it and carry into the outer ones.
        at -= index[inner] as isize * strides[inner];
        index[inner] = 0;
        for a in (0..inner).rev() {
            index[a] += 1;
            at += strides[a];
            if index[a] < shape[a] {
                break;
            }
            at -= shape[a] as isize * strides[a];
            index[a] = 0;
        }
    }
}
