//! How a correlation is cut into blocks that fit the caches.

use std::marker::PhantomData;
use std::ops::Range;

use super::padded_image::PaddedImage;
use super::problem::{Correlation, PARALLEL};
use super::tile::{GetTileSizes, Places, TileSizes};
use super::weights::{ChannelStrip, Weights, pack, strips};
use crate::kernel::split::even;
use crate::simd::{self, Float, Level};

/// Multiplications of one output in one pass: a tile's weights and its part of the padded image stay in L1
/// together.
const DEPTH: usize = 320;
/// The same where there is one tap: no two taps share elements, and what a tile reads comes from L2 at any
/// depth.
const PLAIN_DEPTH: usize = 512;
/// Elements of a block's padded images and sums, which stay in L2.
const BLOCK: usize = 1 << 17;
/// The same where a group has one output channel (depthwise): its tiles read rows several times, and find
/// them in L1.
const SMALL_BLOCK: usize = 1 << 13;
/// Bytes whose multiples fall into few sets of L2.
const ALIAS: usize = 1 << 11;
/// Rows of outputs of such a block are a multiple of this.
const ROWS: usize = 8;
/// Output channels in a block at most.
const CHANNELS: usize = 256;
/// Multiplications of a task that is worth a fork.
const TASK: usize = 1 << 18;
/// Tasks that a parallel correlation is cut into at least, where its shape allows.
const TASKS: usize = 8;

/// How a correlation is cut.
pub(super) struct DirectPlan {
    /// The layout of a block's padded images.
    pub(super) padded: PaddedImage,
    /// Distances in the padded image for every input channel of a pass and every tap.
    pub(super) offsets: Vec<usize>,
    /// Distances in the weights for every tap.
    pub(super) taps: Vec<usize>,
    /// The strips of each block of output channels.
    pub(super) strips: Vec<Vec<ChannelStrip>>,
    /// In a block: images, rows of outputs, output channels, groups.
    pub(super) block: [usize; 4],
    /// As many blocks of each.
    pub(super) count: [usize; 4],
    /// Input channels in a pass.
    pub(super) depth: usize,
    /// Whether sums are written directly to the result.
    pub(super) direct: bool,
    /// Whether the result's lines are prefetched before they are written: a store first reads its line, and
    /// a depthwise convolution waits for memory.
    pub(super) prefetch_result: bool,
    /// Multiplications in all.
    pub(super) work: usize,
}

/// A block: some images, rows of outputs, output channels (block number `channel`) and groups.
pub(super) struct BlockRange {
    /// Its images.
    pub(super) images: Range<usize>,
    /// Its rows of outputs.
    pub(super) rows: Range<usize>,
    /// The number of its block of output channels.
    pub(super) channel: usize,
    /// The output channels of that block.
    pub(super) channels: Range<usize>,
    /// Its groups.
    pub(super) groups: Range<usize>,
}

impl DirectPlan {
    /// The plan for a result whose rows are `columns` long. It depends on the shapes and the level alone.
    pub(super) fn new<T: Float>(level: Level, job: &Correlation<T>, columns: usize) -> DirectPlan {
        let [down, across] = job.axes;
        let taps = down.taps.len() * across.taps.len();
        let depth = if taps == 1 { PLAIN_DEPTH } else { DEPTH };
        let depth = even(job.inputs, depth / taps.max(1), 1);
        let channels = even(job.outputs, CHANNELS, 1);
        let in_place = in_place(job);
        let whole = in_place.unwrap_or_else(|| PaddedImage::new(job.axes, 1, down.out));
        let planes = whole.rows.used.len() * whole.columns.used.len();
        let alone = job.outputs == 1;
        let block = if alone { SMALL_BLOCK } else { BLOCK };
        let rows = block / (whole.pitch * (depth * planes + channels));
        let work = (down.out * across.out * taps)
            .saturating_mul(job.inputs * job.outputs)
            .saturating_mul(job.groups * job.images);
        let wish = if work >= PARALLEL { TASKS } else { 1 };
        let images = (rows / down.out).clamp(1, job.images.div_ceil(wish));
        let images = even(job.images, images, 1);
        let rows = match even(down.out, rows, 1) {
            rows if alone => rows.next_multiple_of(ROWS).min(down.out),
            rows => rows,
        };
        let blocks =
            job.images.div_ceil(images) * down.out.div_ceil(rows) * job.outputs.div_ceil(channels);
        let each = work / (blocks * job.groups);
        let most = job.groups.div_ceil(wish.div_ceil(blocks));
        let groups = even(job.groups, (TASK / each.max(1)).clamp(1, most), 1);
        let padded = match whole.in_place {
            true => whole,
            false => PaddedImage::new(job.axes, images, rows),
        };
        let order = order(job, &padded);
        let mut offsets = Vec::with_capacity(depth * taps);
        for input in 0..depth.min(job.inputs) {
            let of = |&[r, c]: &[usize; 2]| input * padded.channel + padded.offset(r, c);
            offsets.extend(order.iter().map(of));
        }
        let distance =
            |&[r, c]: &[usize; 2]| down.taps[r].id * job.taps[0] + across.taps[c].id * job.taps[1];
        let shape = level.dispatch(GetTileSizes::<T>(PhantomData));
        let of = |start| strips(channels.min(job.outputs - start), shape.rows);
        let direct = job.inputs <= depth && direct(job, &padded, shape, columns);
        let bytes = job.images * job.groups * down.out * across.out * size_of::<T>();
        DirectPlan {
            taps: order.iter().map(distance).collect(),
            strips: (0..job.outputs).step_by(channels).map(of).collect(),
            block: [images, rows, channels, groups],
            count: [
                job.images.div_ceil(images),
                down.out.div_ceil(rows),
                job.outputs.div_ceil(channels),
                job.groups.div_ceil(groups),
            ],
            padded,
            offsets,
            depth,
            direct,
            prefetch_result: direct && alone && simd::exceeds_cache(bytes),
            work,
        }
    }

    /// The number of blocks.
    pub(super) fn tasks(&self) -> usize {
        self.count.iter().product()
    }

    /// The input channels of each pass; one pass at least, as the sums must be written.
    pub(super) fn passes<T>(
        &self,
        job: &Correlation<T>,
    ) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (depth, inputs) = (self.depth, job.inputs);
        (0..inputs.max(1))
            .step_by(depth)
            .map(move |i| i..inputs.min(i + depth))
    }

    /// All weights as the tiles read them: by group, block of output channels, pass and strip.
    pub(super) fn pack_all<T: Float>(&self, job: &Correlation<T>) -> Vec<T> {
        let each = job.outputs * job.inputs * self.taps.len();
        let mut packed = Vec::with_capacity(job.groups * each);
        for group in 0..job.groups {
            for (b, strips) in self.strips.iter().enumerate() {
                let weights = Weights {
                    data: &job.weights.data[b * self.block[2] * job.weights.out..],
                    ..job.weights
                };
                for inputs in self.passes(job) {
                    pack(&weights, group, strips, inputs, &self.taps, &mut packed);
                }
            }
        }
        packed
    }

    /// What block `t` is made of.
    pub(super) fn part<T>(&self, job: &Correlation<T>, t: usize) -> BlockRange {
        let [_, rows, channels, groups] = self.count;
        let (t, group) = (t / groups, t % groups);
        let (t, channel) = (t / channels, t % channels);
        let part = |i: usize, axis: usize, n: usize| {
            let start = i * self.block[axis];
            start..n.min(start + self.block[axis])
        };
        BlockRange {
            images: part(t / rows, 0, job.images),
            rows: part(t % rows, 1, job.axes[0].out),
            channel,
            channels: part(channel, 2, job.outputs),
            groups: part(group, 3, job.groups),
        }
    }

    /// The images' elements that `rows` of outputs read of a group, a run for each channel.
    pub(super) fn reads<T>(
        &self,
        job: &Correlation<T>,
        images: &Range<usize>,
        group: usize,
        rows: &Range<usize>,
        runs: &mut Vec<*const [T]>,
    ) {
        let [down, across] = job.axes;
        let at = |o: usize, tap: isize| {
            let row = (o * down.step) as isize + tap;
            row.clamp(0, down.size as isize).unsigned_abs() * across.size
        };
        let taps = || down.taps.iter().map(|t| t.at);
        let first = at(rows.start, taps().min().unwrap_or(0));
        let end = at(rows.end - 1, taps().max().unwrap_or(0) + 1);
        let pixels = down.size * across.size;
        for image in images.clone() {
            let channel = (image * job.groups + group) * job.inputs;
            for channel in channel..channel + job.inputs {
                runs.push(&job.x[channel * pixels..][..pixels][first..end.max(first)]);
            }
        }
    }

    /// The places of `rows` rows of outputs, `out` apart in the result.
    pub(super) fn places(&self, rows: usize, out: usize) -> Places {
        let (pitch, width) = (self.padded.pitch, self.padded.width);
        let dense = pitch == width && out == width;
        Places::Rows {
            rows: if dense { 1 } else { rows },
            width: if dense { rows * width } else { width },
            pitch,
            out,
        }
    }
}

/// The images themselves as the padded image, where they can be read in place: no tap meets a border, and not
/// where only a part of each channel would be in L2 and all parts fell into the same of its sets.
fn in_place<T>(job: &Correlation<T>) -> Option<PaddedImage> {
    let channel = job.axes[0].size * job.axes[1].size;
    let whole = job.inputs * channel <= BLOCK;
    let spread = !(channel * size_of::<T>()).is_multiple_of(ALIAS);
    let padded = PaddedImage::of_images(job.axes, job.groups * job.inputs);
    padded.filter(|_| whole || spread)
}

/// The taps, `[row, column]`, in the order of their products: row by row; where a group has one output
/// channel, column by column and in each as they lie in the padded image, so that a tile finds neighbours
/// below each other (see `tile.rs`).
fn order<T>(job: &Correlation<T>, padded: &PaddedImage) -> Vec<[usize; 2]> {
    let [rows, columns] = job.axes.map(|a| a.taps.len());
    let all = (0..rows).flat_map(|r| (0..columns).map(move |c| [r, c]));
    let mut order: Vec<[usize; 2]> = all.collect();
    if job.outputs == 1 {
        order.sort_by_key(|&[r, c]| (c, padded.offset(r, c)));
    }
    order
}

/// Whether sums may be written directly to the result: they are complete after one pass, and
/// rows of whole vectors waste no more than the padding does. (One output channel alone gains more
/// from its neighbours below than it wastes.)
fn direct<T>(job: &Correlation<T>, padded: &PaddedImage, shape: TileSizes, columns: usize) -> bool {
    let [down, across] = job.axes;
    let (width, lanes) = (padded.width, shape.lanes);
    let dense = padded.pitch == width && down.spread * columns == width;
    let vectors = width.next_multiple_of(lanes);
    let few = vectors * 8 <= padded.pitch * 9 || job.outputs == 1;
    across.spread == 1 && width >= lanes && (dense || few)
}
