//! Cutting a correlation into blocks that fit the caches.

use std::marker::PhantomData;
use std::ops::Range;

use super::axis::Axis;
use super::field::{Field, apart};
use super::finish::Finish;
use super::tile::{AskShape, Places, SLACK, Segment, Shape, Tiles};
use super::weights::{Strip, Weights, pack, strips};
use crate::kernel::gemm::{MatMut, Scratch};
use crate::simd::{Float, Level};
use crate::threads::parallel_for;

/// Multiplications of one output in one pass: a tile's weights and its part of the field stay in the
/// first cache together.
const DEPTH: usize = 320;
/// Elements of field and sums of a block, which stay in the second cache.
const BLOCK: usize = 1 << 17;
/// Output channels in a block at most.
const CHANNELS: usize = 256;
/// Multiplications below which a correlation stays on one thread: some 25 microseconds.
pub(super) const PARALLEL: usize = 1 << 21;
/// Multiplications of a task that is worth a fork.
const TASK: usize = 1 << 18;
/// Tasks that a parallel correlation is cut into at least, where its shape allows.
const TASKS: usize = 8;

/// Images and weights that are correlated.
pub struct Correlation<'a, T> {
    /// The images, `[images, groups * inputs, rows, columns]`.
    pub x: &'a [T],
    /// Number of images.
    pub images: usize,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// The weights; tap `[r, c]` of a kernel has distance `taps[0][r] + taps[1][c]`.
    pub weights: Weights<'a, T>,
    /// From one row of taps to the next, and from one column to the next.
    pub taps: [usize; 2],
    /// Rows and columns.
    pub axes: [&'a Axis; 2],
    /// One number for each output channel, added at the end.
    pub bias: Option<&'a [T]>,
}

/// The size of nearly equal parts of `n`, none above `most` (which is at least 1).
pub(super) fn even(n: usize, most: usize) -> usize {
    n.div_ceil(n.div_ceil(most.max(1)).max(1)).max(1)
}

/// Writes the correlation to `out`: a row for each image and output channel, in which output
/// `[r, c]` stands where the axes say, rows of the result being `columns` long.
///
/// Each sum runs over input channels and taps in an order that the shapes of the weights fix, so its
/// bits depend neither on threads nor on the other images.
///
/// # Panics
/// Where a slice is shorter than the shapes say.
pub fn correlate<T: Float>(level: Level, job: &Correlation<T>, out: MatMut<T>, columns: usize) {
    let [down, across] = job.axes;
    if job.images * job.groups * job.outputs * down.out * across.out == 0 {
        return;
    }
    let plan = Plan::new(level, job, columns);
    assert!(
        out.shape()[0] == job.images * job.groups * job.outputs
            && (down.first + (down.out - 1) * down.spread) * columns
                + (across.first + (across.out - 1) * across.spread)
                < out.shape()[1]
            && across.first + (across.out - 1) * across.spread < columns,
        "correlate: outputs {} by {} do not fit a result of {:?}",
        down.out,
        across.out,
        out.shape()
    );
    let packed = plan.pack_all(job);
    let task = |t: usize| plan.task(level, job, &packed, &out, columns, t);
    if plan.work >= PARALLEL {
        parallel_for(plan.tasks(), task);
    } else {
        (0..plan.tasks()).for_each(task);
    }
}

/// Whether sums may be written at once where the result stands: they are complete after one pass, and
/// rows of whole vectors waste no more than the field's borders do.
fn direct<T>(job: &Correlation<T>, field: &Field, shape: Shape, columns: usize) -> bool {
    let [down, across] = job.axes;
    let (width, lanes) = (field.width, shape.lanes);
    let dense = field.pitch == width && down.spread * columns == width;
    let vectors = width.next_multiple_of(lanes);
    across.spread == 1 && width >= lanes && (dense || vectors * 8 <= field.pitch * 9)
}

/// How a correlation is cut.
struct Plan {
    field: Field,
    /// Distances in the field for every input channel of a pass and every tap.
    offsets: Vec<usize>,
    /// Distances in the weights for every tap.
    taps: Vec<usize>,
    strips: Vec<Vec<Strip>>,
    /// In a block: images, rows of outputs, output channels, groups.
    block: [usize; 4],
    /// As many blocks of each.
    count: [usize; 4],
    /// Input channels in a pass.
    depth: usize,
    /// Whether sums are written where the result stands.
    direct: bool,
    work: usize,
}

/// A block: some images, rows of outputs, output channels (block number `channel`) and groups.
struct Part {
    images: Range<usize>,
    rows: Range<usize>,
    channel: usize,
    channels: Range<usize>,
    groups: Range<usize>,
}

impl Plan {
    fn new<T: Float>(level: Level, job: &Correlation<T>, columns: usize) -> Plan {
        let [down, across] = job.axes;
        let taps = down.taps.len() * across.taps.len();
        let depth = even(job.inputs, DEPTH / taps.max(1));
        let channels = even(job.outputs, CHANNELS);
        let whole = Field::new(job.axes, 1, down.out);
        let planes = whole.rows.used.len() * whole.columns.used.len();
        let rows = BLOCK / (whole.pitch * (depth * planes + channels));
        let work = (down.out * across.out * taps)
            .saturating_mul(job.inputs * job.outputs)
            .saturating_mul(job.groups * job.images);
        let wish = if work >= PARALLEL { TASKS } else { 1 };
        let images = (rows / down.out).clamp(1, job.images.div_ceil(wish));
        let images = even(job.images, images);
        let rows = even(down.out, rows);
        let blocks =
            job.images.div_ceil(images) * down.out.div_ceil(rows) * job.outputs.div_ceil(channels);
        let each = work / (blocks * job.groups);
        let most = job.groups.div_ceil(wish.div_ceil(blocks));
        let groups = even(job.groups, (TASK / each.max(1)).clamp(1, most));
        let field = Field::new(job.axes, images, rows);
        let mut offsets = Vec::with_capacity(depth * taps);
        for input in 0..depth.min(job.inputs) {
            for r in 0..down.taps.len() {
                for c in 0..across.taps.len() {
                    offsets.push(input * field.channel + field.offset(r, c));
                }
            }
        }
        let distances = down.taps.iter().flat_map(|r| {
            let of = |c: &super::Tap| r.id * job.taps[0] + c.id * job.taps[1];
            across.taps.iter().map(of)
        });
        let shape = level.dispatch(AskShape::<T>(PhantomData));
        let of = |start| strips(channels.min(job.outputs - start), shape.rows);
        let direct = job.inputs <= depth && direct(job, &field, shape, columns);
        Plan {
            taps: distances.collect(),
            strips: (0..job.outputs).step_by(channels).map(of).collect(),
            block: [images, rows, channels, groups],
            count: [
                job.images.div_ceil(images),
                down.out.div_ceil(rows),
                job.outputs.div_ceil(channels),
                job.groups.div_ceil(groups),
            ],
            field,
            offsets,
            depth,
            direct,
            work,
        }
    }

    fn tasks(&self) -> usize {
        self.count.iter().product()
    }

    /// The input channels of each pass; one pass at least, as the sums must be written.
    fn passes<T>(&self, job: &Correlation<T>) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (depth, inputs) = (self.depth, job.inputs);
        (0..inputs.max(1))
            .step_by(depth)
            .map(move |i| i..inputs.min(i + depth))
    }

    /// All weights as the tiles read them: by group, block of output channels, pass and strip.
    fn pack_all<T: Float>(&self, job: &Correlation<T>) -> Vec<T> {
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

    /// Block `t`: some images, rows of outputs, output channels and groups.
    fn task<T: Float>(
        &self,
        level: Level,
        job: &Correlation<T>,
        packed: &[T],
        out: &MatMut<T>,
        columns: usize,
        t: usize,
    ) {
        let Part {
            images,
            rows,
            channel,
            channels,
            groups,
        } = self.part(job, t);
        let pitch = self.field.pitch;
        let len = (rows.len() - 1) * pitch + self.field.width;
        let segments: Vec<Segment> = (0..images.len())
            .map(|i| Segment {
                field: i * self.field.image,
                sums: if self.direct { 0 } else { i * (len + SLACK) },
                len,
            })
            .collect();
        let [down, across] = job.axes;
        let start = (down.first + rows.start * down.spread) * columns + across.first;
        let last = (rows.len() - 1) * down.spread * columns + (across.out - 1) * across.spread + 1;
        // The result of image `image` for channels from `first` on.
        let result = |image: usize, first: usize, channels: usize| {
            let top = image * job.groups * job.outputs + first;
            // SAFETY: tasks differ in image, channel or rows of outputs, and within a task blocks are
            // used one after the other; the rows of a task begin and end apart from those of others,
            // as `start + last` lies before the next task's first row. `correlate` has checked that
            // all lies within `out`.
            unsafe { out.block(top, start, [channels, last]) }
        };
        let (mut left, mut right) = (Scratch::left(), Scratch::right());
        let sums_pitch = apart(images.len() * (len + SLACK));
        let size = if self.direct {
            0
        } else {
            channels.len() * sums_pitch
        };
        let sums = left.get::<T>(size);
        let laid = self.depth.min(job.inputs).max(1) * self.field.channel;
        let field = right.get::<T>(laid + SLACK);
        let mut next = Vec::new();
        for group in groups.clone() {
            let each = job.inputs * self.taps.len();
            let first = group * job.outputs + channels.start;
            let mut at = first * each;
            for inputs in self.passes(job) {
                self.lay(job, field, &images, group, &inputs, rows.start);
                let k = inputs.len() * self.taps.len();
                if self.direct {
                    // One pass: what is laid next is the next group, or the next task.
                    next.clear();
                    if group + 1 < groups.end {
                        self.reads(job, &images, group + 1, &rows, &mut next);
                    } else if t + 1 < self.tasks() {
                        let part = self.part(job, t + 1);
                        self.reads(job, &part.images, part.groups.start, &part.rows, &mut next);
                    }
                }
                let mut next = next.as_slice();
                for strip in &self.strips[channel] {
                    let n = strip.channels.len();
                    let tiles = |segments, places, sums, bias, next| Tiles {
                        rows: strip.rows,
                        weights: &packed[at..at + n * k],
                        offsets: &self.offsets[..k],
                        field,
                        segments,
                        places,
                        sums,
                        add: inputs.start > 0,
                        bias,
                        next,
                    };
                    if self.direct {
                        let places = self.places(rows.len(), down.spread * columns);
                        let first = first + strip.channels.start;
                        let bias = job.bias.map(|b| &b[first..first + n]);
                        for (segment, image) in segments.chunks(1).zip(images.clone()) {
                            let sums = result(image, first, n);
                            // The first strip, which is the largest, asks for all of it.
                            let next = std::mem::take(&mut next);
                            level.dispatch(tiles(segment, places, sums, bias, next));
                        }
                    } else {
                        let sums = &mut sums[strip.channels.start * sums_pitch..];
                        let sums = MatMut::rows_of(sums, [n, sums_pitch]);
                        level.dispatch(tiles(&segments, Places::All, sums, None, &[]));
                    }
                    at += n * k;
                }
            }
            if self.direct {
                continue;
            }
            for (segment, image) in segments.iter().zip(images.clone()) {
                level.dispatch(Finish {
                    sums: &sums[segment.sums..],
                    sums_pitch,
                    pitch,
                    bias: job.bias.map(|b| &b[first..first + channels.len()]),
                    out: result(image, first, channels.len()),
                    rows: rows.len(),
                    columns: across.out,
                    spread: [down.spread * columns, across.spread],
                });
            }
        }
    }

    /// What block `t` is made of.
    fn part<T>(&self, job: &Correlation<T>, t: usize) -> Part {
        let [_, rows, channels, groups] = self.count;
        let (t, group) = (t / groups, t % groups);
        let (t, channel) = (t / channels, t % channels);
        let part = |i: usize, axis: usize, n: usize| {
            let start = i * self.block[axis];
            start..n.min(start + self.block[axis])
        };
        Part {
            images: part(t / rows, 0, job.images),
            rows: part(t % rows, 1, job.axes[0].out),
            channel,
            channels: part(channel, 2, job.outputs),
            groups: part(group, 3, job.groups),
        }
    }

    /// The images' elements that `rows` of outputs read of a group, a run for each channel.
    fn reads<'a, T>(
        &self,
        job: &Correlation<'a, T>,
        images: &Range<usize>,
        group: usize,
        rows: &Range<usize>,
        runs: &mut Vec<&'a [T]>,
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
    fn places(&self, rows: usize, out: usize) -> Places {
        let (pitch, width) = (self.field.pitch, self.field.width);
        let dense = pitch == width && out == width;
        Places::Rows {
            rows: if dense { 1 } else { rows },
            width: if dense { rows * width } else { width },
            pitch,
            out,
        }
    }

    fn lay<T: Float>(
        &self,
        job: &Correlation<T>,
        field: &mut [T],
        images: &Range<usize>,
        group: usize,
        inputs: &Range<usize>,
        first: usize,
    ) {
        let [down, across] = job.axes;
        let pixels = down.size * across.size;
        for (slot, input) in inputs.clone().enumerate() {
            let channel = &mut field[slot * self.field.channel..];
            for (i, image) in images.clone().enumerate() {
                let at = (image * job.groups + group) * job.inputs + input;
                let image = &job.x[at * pixels..][..pixels];
                self.field.lay(channel, i, image, across.size, first);
            }
        }
    }
}
