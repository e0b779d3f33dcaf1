//! The direct algorithm: any correlation, block by block.

use std::marker::PhantomData;

use super::finish::StoreSums;
use super::padded_image::{Region, apart};
use super::plan::{BlockRange, DirectPlan};
use super::problem::{Correlation, PARALLEL};
use super::tile::{GetTileSizes, Places, SLACK, Segment, Tiles};
use super::weights::ChannelStrip;
use crate::kernel::matrix::MatMut;
use crate::kernel::scratch::Scratch;
use crate::simd::{Float, Level};
use crate::threads::parallel_for;

/// [`correlate`](super::correlate()) block by block, for any `job`.
pub(super) fn correlate<T: Float>(
    level: Level,
    job: &Correlation<T>,
    out: MatMut<T>,
    columns: usize,
) {
    let level = suited::<T>(level, job);
    let plan = DirectPlan::new(level, job, columns);
    let packed = plan.pack_all(job);
    let whole = Direct {
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
        let lanes = level.dispatch(GetTileSizes::<T>(PhantomData)).lanes;
        across.out.next_multiple_of(lanes)
    };
    let narrow = level.narrower();
    // Narrow vectors take up to a sixth longer for the same products.
    match rows_apart && taken(level) * 8 > taken(narrow) * 10 {
        true => narrow,
        false => level,
    }
}

/// What every block works on.
struct Direct<'a, 'b, T> {
    /// The level of all kernels.
    level: Level,
    /// How the problem is cut.
    plan: DirectPlan,
    /// The problem.
    job: &'a Correlation<'b, T>,
    /// The weights of all blocks.
    packed: Vec<T>,
    /// The result.
    out: MatMut<'a, T>,
    /// The length of the result's rows.
    columns: usize,
}

impl<T: Float> Direct<'_, '_, T> {
    /// Region `t`.
    fn task(&self, t: usize) {
        let (plan, job) = (&self.plan, self.job);
        let part = plan.part(job, t);
        let images = part.images.len();
        let len = (part.rows.len() - 1) * plan.padded.pitch + plan.padded.width;
        let segment = |i| Segment {
            padded: i * plan.padded.image,
            sums: if plan.direct { 0 } else { i * (len + SLACK) },
            len,
        };
        let segments: Vec<Segment> = (0..images).map(segment).collect();
        let (mut left, mut right) = (Scratch::lhs(), Scratch::rhs());
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
                let block = Region {
                    images: &part.images,
                    group,
                    inputs: &inputs,
                    rows: &part.rows,
                };
                let padded =
                    (plan.padded).block(self.level, &mut right, &job.image(), &block, slack);
                let k = inputs.len() * plan.taps.len();
                let weights = &self.packed[at..at + part.channels.len() * k];
                at += weights.len();
                let pass = ChannelPass {
                    weights,
                    offsets: &plan.offsets[..k],
                    padded,
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
    fn needed_next(&self, part: &BlockRange, group: usize, t: usize, next: &mut Vec<*const [T]>) {
        if group + 1 < part.groups.end {
            self.needed(part, group + 1, next);
        } else if t + 1 < self.plan.tasks() {
            let part = self.plan.part(self.job, t + 1);
            self.needed(&part, part.groups.start, next);
        }
    }

    /// What a group of a block reads, and where its result goes if that exceeds the cache.
    fn needed(&self, part: &BlockRange, group: usize, parts: &mut Vec<*const [T]>) {
        (self.plan).reads(self.job, &part.images, group, &part.rows, parts);
        for image in part.images.clone().filter(|_| self.plan.prefetch_result) {
            let first = group * self.job.outputs + part.channels.start;
            let result = self.result(part, image, first, 1);
            let [_, len] = result.shape();
            parts.push(std::ptr::slice_from_raw_parts(result.at(0, 0), len));
        }
    }

    /// Where the block's result of image `image` stands, for channels from `first` on.
    fn result(
        &self,
        part: &BlockRange,
        image: usize,
        first: usize,
        channels: usize,
    ) -> MatMut<'_, T> {
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
    fn write(
        &self,
        pass: &ChannelPass<T>,
        part: &BlockRange,
        group: usize,
        mut next: &[*const [T]],
    ) {
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
                    // The first strip, which is the largest, prefetches all of it.
                    next: std::mem::take(&mut next),
                    ..pass.tiles(strip, self.result(part, image, first, n))
                });
            }
        }
    }

    /// One pass of several, or one whose rows do not suit the result, to sums beside it.
    fn collect(&self, pass: &ChannelPass<T>, part: &BlockRange, sums: &mut [T], pitch: usize) {
        for strip in &self.plan.strips[part.channel] {
            let sums = &mut sums[strip.channels.start * pitch..];
            let sums = MatMut::rows_of(sums, [strip.channels.len(), pitch]);
            self.level.dispatch(pass.tiles(strip, sums));
        }
    }

    /// From the sums to the result.
    fn finish(
        &self,
        part: &BlockRange,
        group: usize,
        all: &[Segment],
        sums: &[T],
        sums_pitch: usize,
    ) {
        let [down, across] = self.job.axes;
        let (n, first) = (
            part.channels.len(),
            group * self.job.outputs + part.channels.start,
        );
        for (segment, image) in all.iter().zip(part.images.clone()) {
            self.level.dispatch(StoreSums {
                sums: &sums[segment.sums..],
                sums_pitch,
                pitch: self.plan.padded.pitch,
                bias: self.job.bias.map(|b| &b[first..first + n]),
                out: self.result(part, image, first, n),
                rows: part.rows.len(),
                columns: across.out,
                spread: [down.spread * self.columns, across.spread],
            });
        }
    }
}

/// A padded image and the weights of some input channels.
struct ChannelPass<'a, T> {
    /// Those of all strips, one after the other.
    weights: &'a [T],
    /// The distance of each tap of each input channel.
    offsets: &'a [usize],
    /// The padded images.
    padded: &'a [T],
    /// The parts of them that have outputs.
    segments: &'a [Segment],
    /// Whether there are sums of passes before.
    add: bool,
}

impl<'a, T> ChannelPass<'a, T> {
    /// The tiles of one strip, for all places of all segments.
    fn tiles(&self, strip: &ChannelStrip, sums: MatMut<'a, T>) -> Tiles<'a, T> {
        let k = self.offsets.len();
        Tiles {
            rows: strip.rows,
            weights: &self.weights[strip.channels.start * k..strip.channels.end * k],
            offsets: self.offsets,
            padded: self.padded,
            segments: self.segments,
            places: Places::All,
            sums,
            add: self.add,
            bias: None,
            next: &[],
        }
    }
}
