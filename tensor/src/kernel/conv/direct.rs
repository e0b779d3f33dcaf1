//! Correlation, block by block.

use std::marker::PhantomData;
use std::ops::Range;

use super::axis::Axis;
use super::finish::Finish;
use super::padded_image::{Block, Images, apart};
use super::plan::{PARALLEL, Part, Plan};
use super::pointwise;
use super::tile::{AskShape, Places, SLACK, Segment, Tiles};
use super::weights::{Strip, Weights};
use super::winograd;
use super::winograd_1d;
use crate::kernel::gemm::{MatMut, Scratch};
use crate::simd::{Float, Level};
use crate::threads::parallel_for;

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

impl<'a, T> Correlation<'a, T> {
    pub(super) fn image(&self) -> Images<'a, T> {
        Images {
            x: self.x,
            groups: self.groups,
            inputs: self.inputs,
            size: self.axes.map(|a| a.size),
        }
    }

    /// Some rows of outputs of some channels of all groups of an image, in `out` with rows of `columns`: a row
    /// for each channel. Outputs follow each other along both axes.
    ///
    /// # Safety
    /// `out` is the result of `self`, as [`correlate`] checks, and nothing else uses these outputs meanwhile.
    pub(super) unsafe fn part_of<'o>(
        &self,
        out: &MatMut<'o, T>,
        columns: usize,
        image: usize,
        rows: &Range<usize>,
        channels: &Range<usize>,
    ) -> MatMut<'o, T> {
        let len = (rows.len() - 1) * columns + self.axes[1].out;
        let top = image * self.groups * self.outputs + channels.start;
        // SAFETY: all of it lies within `out`, and the caller vouches that nothing else uses it.
        unsafe { out.block(top, rows.start * columns, [channels.len(), len]) }
    }
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
    if winograd::applies(job) {
        return winograd::correlate(level, job, &out, columns);
    }
    if winograd_1d::applies(level, job) {
        return winograd_1d::correlate(level, job, &out, columns);
    }
    if pointwise::applies(job, out.shape()[1]) {
        return pointwise::correlate(level, job, out);
    }
    let level = suited::<T>(level, job);
    let plan = Plan::new(level, job, columns);
    let packed = plan.pack_all(job);
    let whole = Whole {
        level,
        plan,
        job,
        packed,
        out,
        columns,
    };
    let tasks = whole.plan.tasks();
    if whole.plan.work >= PARALLEL {
        parallel_for(tasks, |t| whole.task(t));
    } else {
        (0..tasks).for_each(|t| whole.task(t));
    }
}

/// The level whose vectors suit the rows of the result: a row of 24 is three vectors of eight, but two
/// of sixteen, of which a quarter is wasted.
fn suited<T: Float>(level: Level, job: &Correlation<T>) -> Level {
    let [_, across] = job.axes;
    let rows_apart = across.taps.len() > 1;
    let taken = |level: Level| {
        let lanes = level.dispatch(AskShape::<T>(PhantomData)).lanes;
        across.out.next_multiple_of(lanes)
    };
    let narrow = level.narrower();
    // Narrow vectors take longer for the same products: by a sixth for 1 x 1 on 56 x 56 (Zen 4).
    match rows_apart && taken(level) * 8 > taken(narrow) * 10 {
        true => narrow,
        false => level,
    }
}

/// What every block works on.
struct Whole<'a, 'b, T> {
    level: Level,
    plan: Plan,
    job: &'a Correlation<'b, T>,
    /// The weights of all blocks.
    packed: Vec<T>,
    out: MatMut<'a, T>,
    /// The length of the result's rows.
    columns: usize,
}

impl<T: Float> Whole<'_, '_, T> {
    /// Block `t`.
    fn task(&self, t: usize) {
        let (plan, job) = (&self.plan, self.job);
        let part = plan.part(job, t);
        let images = part.images.len();
        let len = (part.rows.len() - 1) * plan.field.pitch + plan.field.width;
        let segment = |i| Segment {
            field: i * plan.field.image,
            sums: if plan.direct { 0 } else { i * (len + SLACK) },
            len,
        };
        let segments: Vec<Segment> = (0..images).map(segment).collect();
        let (mut left, mut right) = (Scratch::left(), Scratch::right());
        let pitch = apart(images * (len + SLACK));
        let beside = if plan.direct { 0 } else { part.channels.len() };
        let sums = left.get::<T>(beside * pitch);
        let slack = if plan.direct { 0 } else { SLACK };
        let mut next = Vec::new();
        for group in part.groups.clone() {
            if plan.direct {
                next.clear();
                self.needed_next(&part, group, t, &mut next);
            }
            let mut at = (group * job.outputs + part.channels.start) * job.inputs * plan.taps.len();
            for inputs in plan.passes(job) {
                let block = Block {
                    images: &part.images,
                    group,
                    inputs: &inputs,
                    rows: &part.rows,
                };
                let field = (plan.field).block(self.level, &mut right, &job.image(), &block, slack);
                let k = inputs.len() * plan.taps.len();
                let weights = &self.packed[at..at + part.channels.len() * k];
                at += weights.len();
                let pass = Pass {
                    weights,
                    offsets: &plan.offsets[..k],
                    field,
                    segments: &segments,
                    add: inputs.start > 0,
                };
                match plan.direct {
                    true => self.write(&pass, &part, group, &next),
                    false => self.collect(&pass, &part, sums, pitch),
                }
            }
            if !plan.direct {
                self.finish(&part, group, &segments, sums, pitch);
            }
        }
    }

    /// What is needed after `group` of block `t`: by its next group, or by the next block's first.
    fn needed_next(&self, part: &Part, group: usize, t: usize, next: &mut Vec<*const [T]>) {
        if group + 1 < part.groups.end {
            self.needed(part, group + 1, next);
        } else if t + 1 < self.plan.tasks() {
            let part = self.plan.part(self.job, t + 1);
            self.needed(&part, part.groups.start, next);
        }
    }

    /// What is laid of a group of a block, and where its result goes if that is far.
    fn needed(&self, part: &Part, group: usize, parts: &mut Vec<*const [T]>) {
        (self.plan).reads(self.job, &part.images, group, &part.rows, parts);
        for image in part.images.clone().filter(|_| self.plan.far) {
            let first = group * self.job.outputs + part.channels.start;
            let result = self.result(part, image, first, 1);
            let [_, len] = result.shape();
            parts.push(std::ptr::slice_from_raw_parts(result.at(0, 0), len));
        }
    }

    /// Where the block's result of image `image` stands, for channels from `first` on.
    fn result(&self, part: &Part, image: usize, first: usize, channels: usize) -> MatMut<'_, T> {
        let [down, across] = self.job.axes;
        let start = (down.first + part.rows.start * down.spread) * self.columns + across.first;
        let rows = (part.rows.len() - 1) * down.spread * self.columns;
        let len = rows + (across.out - 1) * across.spread + 1;
        let top = image * self.job.groups * self.job.outputs + first;
        // SAFETY: tasks differ in image, channel or rows of outputs, and a task uses one such block
        // after the other; its rows end before the next task's first row begins. `correlate` has
        // checked that all lies within `out`.
        unsafe { self.out.block(top, start, [channels, len]) }
    }

    /// One pass whose sums are complete, to where the result stands.
    fn write(&self, pass: &Pass<T>, part: &Part, group: usize, mut next: &[*const [T]]) {
        let (plan, job) = (&self.plan, self.job);
        let places = plan.places(part.rows.len(), job.axes[0].spread * self.columns);
        for strip in &plan.strips[part.channel] {
            let (n, first) = (
                strip.channels.len(),
                part.channels.start + strip.channels.start,
            );
            let first = group * job.outputs + first;
            for (i, image) in part.images.clone().enumerate() {
                self.level.dispatch(Tiles {
                    segments: &pass.segments[i..=i],
                    places,
                    bias: job.bias.map(|b| &b[first..first + n]),
                    // The first strip, which is the largest, asks for all of it.
                    next: std::mem::take(&mut next),
                    ..pass.tiles(strip, self.result(part, image, first, n))
                });
            }
        }
    }

    /// One pass of several, or one whose rows do not suit the result, to sums beside it.
    fn collect(&self, pass: &Pass<T>, part: &Part, sums: &mut [T], pitch: usize) {
        for strip in &self.plan.strips[part.channel] {
            let sums = &mut sums[strip.channels.start * pitch..];
            let sums = MatMut::rows_of(sums, [strip.channels.len(), pitch]);
            self.level.dispatch(pass.tiles(strip, sums));
        }
    }

    /// From the sums to the result.
    fn finish(&self, part: &Part, group: usize, all: &[Segment], sums: &[T], sums_pitch: usize) {
        let [down, across] = self.job.axes;
        let (n, first) = (
            part.channels.len(),
            group * self.job.outputs + part.channels.start,
        );
        for (segment, image) in all.iter().zip(part.images.clone()) {
            self.level.dispatch(Finish {
                sums: &sums[segment.sums..],
                sums_pitch,
                pitch: self.plan.field.pitch,
                bias: self.job.bias.map(|b| &b[first..first + n]),
                out: self.result(part, image, first, n),
                rows: part.rows.len(),
                columns: across.out,
                spread: [down.spread * self.columns, across.spread],
            });
        }
    }
}

/// A field and the weights of some input channels.
struct Pass<'a, T> {
    /// Those of all strips, one after the other.
    weights: &'a [T],
    offsets: &'a [usize],
    field: &'a [T],
    segments: &'a [Segment],
    /// Whether there are sums of passes before.
    add: bool,
}

impl<'a, T> Pass<'a, T> {
    /// The tiles of one strip, for all places of all segments.
    fn tiles(&self, strip: &Strip, sums: MatMut<'a, T>) -> Tiles<'a, T> {
        let k = self.offsets.len();
        Tiles {
            rows: strip.rows,
            weights: &self.weights[strip.channels.start * k..strip.channels.end * k],
            offsets: self.offsets,
            field: self.field,
            segments: self.segments,
            places: Places::All,
            sums,
            add: self.add,
            bias: None,
            next: &[],
        }
    }
}
