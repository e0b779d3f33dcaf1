//! Weights in the order in which the innermost loop reads them.

use std::ops::Range;

/// Where the weight of an output channel, an input channel and a tap stands.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, T> {
    /// All weights.
    pub data: &'a [T],
    /// From one group of channels to the next.
    pub group: usize,
    /// From one output channel of a group to the next.
    pub out: usize,
    /// From one input channel of a group to the next.
    pub input: usize,
}

/// Tiles of as many output channels each.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    /// Output channels of a tile.
    pub(super) rows: usize,
    /// The strip's output channels.
    pub(super) channels: Range<usize>,
}

/// `channels` output channels as strips of tiles, of the sizes that `rows` lists (largest first).
pub(super) fn strips(channels: usize, rows: &[usize]) -> Vec<Strip> {
    let (mut strips, mut start) = (Vec::new(), 0);
    for &rows in rows {
        let n = (channels - start) / rows * rows;
        if n > 0 {
            strips.push(Strip {
                rows,
                channels: start..start + n,
            });
        }
        start += n;
    }
    strips
}

/// The weights of `strips` for input channels `inputs` of `group`: by tile, by input channel, by tap
/// of `taps` (its distance in the data), the tile's output channels adjacent.
pub(super) fn pack<T: Copy>(
    weights: &Weights<T>,
    group: usize,
    strips: &[Strip],
    inputs: Range<usize>,
    taps: &[usize],
    out: &mut Vec<T>,
) {
    for strip in strips {
        for tile in strip.channels.clone().step_by(strip.rows) {
            for input in inputs.clone() {
                let at = group * weights.group + tile * weights.out + input * weights.input;
                for &tap in taps {
                    for r in 0..strip.rows {
                        out.push(weights.data[at + r * weights.out + tap]);
                    }
                }
            }
        }
    }
}
