//! Indices as places, checked once.

use crate::layout::contiguous_strides;
use crate::{Error, Result};

/// The index as a position on an axis of `size`.
pub(crate) fn position(what: &str, index: i64, size: usize) -> Result<usize> {
    usize::try_from(index)
        .ok()
        .filter(|&i| i < size)
        .ok_or_else(|| {
            Error::index(format!(
                "{what}: index {index} is out of range for an axis of size {size} (0 to {})",
                size as i64 - 1
            ))
        })
}

/// Checks that `ids` are positions on an axis of `size`.
///
/// # Errors
/// When one is outside the axis.
pub(crate) fn check_positions(what: &str, ids: &[i64], size: usize) -> Result<()> {
    let outside = |&&i: &&i64| i as u64 >= size as u64; // a negative one is a large one
    match ids.iter().find(outside) {
        Some(&i) => position(what, i, size).map(|_| ()),
        None => Ok(()),
    }
}

/// Offsets, in the contiguous `shape`, of the places that an index of `index_shape` with elements `ids` names
/// along `axis`.
///
/// # Errors
/// When an index is outside the axis.
pub(crate) fn places(
    what: &str,
    shape: &[usize],
    axis: usize,
    ids: &[i64],
    index_shape: &[usize],
) -> Result<Vec<usize>> {
    let strides = contiguous_strides(shape);
    let mut at = vec![0usize; shape.len()];
    ids.iter()
        .map(|&i| {
            let i = position(what, i, shape[axis])?;
            let offset = (0..at.len())
                .map(|a| strides[a] as usize * if a == axis { i } else { at[a] })
                .sum();
            for a in (0..at.len()).rev() {
                at[a] += 1;
                if at[a] < index_shape[a] {
                    break;
                }
                at[a] = 0;
            }
            Ok(offset)
        })
        .collect()
}
