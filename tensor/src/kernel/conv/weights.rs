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
pub(super) struct ChannelStrip {
    /// Output channels of a tile.
    pub(super) rows: usize,
    /// The strip's output channels.
    pub(super) channels: Range<usize>,
}

/// `channels` output channels as strips of tiles, of the sizes that `rows` lists (largest first).
pub(super) fn strips(channels: usize, rows: &[usize]) -> Vec<ChannelStrip> {
    let (mut strips, mut start) = (Vec::new(), 0);
    for &rows in rows {
        let n = (channels - start) / rows * rows;
        if n > 0 {
            strips.push(ChannelStrip {
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
pub(super) fn pack<T: Copy + Default>(
    weights: &Weights<T>,
    group: usize,
    strips: &[ChannelStrip],
    inputs: Range<usize>,
    taps: &[usize],
    out: &mut Vec<T>,
) {
    // Where an input channel's taps follow those of the channel before, as a convolution has them,
    // an output channel's weights are one run.
    let run = inputs.len() * taps.len();
    let whole = weights.input == taps.len() && taps.iter().enumerate().all(|(i, &t)| i == t);
    for strip in strips {
        let rows = strip.rows;
        for tile in strip.channels.clone().step_by(rows) {
            let start = out.len();
            out.resize(start + run * rows, T::default());
            let out = &mut out[start..];
            for r in 0..rows {
                let at = group * weights.group + (tile + r) * weights.out;
                let mut to = out.iter_mut().skip(r).step_by(rows);
                if whole {
                    let from = &weights.data[at + inputs.start * weights.input..][..run];
                    to.zip(from).for_each(|(y, &w)| *y = w);
                    continue;
                }
                for input in inputs.clone() {
                    let at = at + input * weights.input;
                    let taps = taps.iter().map(|tap| weights.data[at + tap]);
                    // The taps first: at their end nothing more is taken of `to`.
                    taps.zip(to.by_ref()).for_each(|(w, y)| *y = w);
                }
            }
        }
    }
}
