//! The gradient of a correlation in its weights.

use std::ops::Range;

use super::axis::Axis;

use super::dots::Dots;
use super::lines::Lines;
use super::padded_image::{Block, Field, Images, apart};
use super::plan::{PARALLEL, even};
use super::tile::{SLACK, Segment};
use crate::kernel::gemm::Scratch;
use crate::simd::{Float, Level, MAX_LANES};
use crate::threads::parallel_chunks;

/// Places of a block: a channel of the field and two of the gradient stay in the first cache.
const PLACES: usize = 1 << 10;
/// Elements of the field that is laid at once, which stays in the second cache.
const FIELD: usize = 1 << 16;
/// Parts that the images are cut into at most, each with sums of its own.
const PARTS: usize = 8;

/// Images and the gradient of their correlation with weights of `outputs` by `inputs` channels.
pub struct WeightGradient<'a, T> {
    /// The images, `[images, groups * inputs, rows, columns]`.
    pub x: &'a [T],
    /// The result's gradient, `[images, groups * outputs, rows, columns]`.
    pub g: &'a [T],
    /// Number of images.
    pub images: usize,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// Rows and columns.
    pub axes: [&'a Axis; 2],
}

/// Writes the gradient, `[groups * outputs, inputs, taps of rows, taps of columns]`.
///
/// How the images are cut into parts whose sums are added in order depends on the shapes alone.
///
/// # Panics
/// Where a slice is shorter than the shapes say.
pub fn weight_gradient<T: Float>(level: Level, job: &WeightGradient<T>, out: &mut [T]) {
    let [down, across] = job.axes;
    out.fill(T::default());
    let pixels = down.out * across.out;
    if out.is_empty() || job.images * pixels == 0 {
        return;
    }
    let work = out.len().saturating_mul(job.images * pixels);
    let parts = (work / PARALLEL)
        .min(PARTS / job.groups)
        .clamp(1, job.images);
    let part = even(job.images, job.images.div_ceil(parts));
    let parts = job.images.div_ceil(part);
    let plan = Plan::new(job, part);
    let group = out.len() / job.groups;
    // Small groups share a task.
    let each = (PARALLEL / 8 / (work / (parts * job.groups)).max(1)).clamp(1, job.groups);
    let task = |part_of: usize, groups: usize, sums: &mut [T]| {
        let images = part_of * part..job.images.min((part_of + 1) * part);
        plan.task(level, job, images, groups * each, sums);
    };
    if work < PARALLEL {
        return task(0, 0, out);
    }
    if parts == 1 {
        return parallel_chunks(out, group * each, |i, sums| task(0, i, sums));
    }
    // There are several parts only where there are few groups.
    let mut all = vec![T::default(); parts * out.len()];
    parallel_chunks(&mut all, group, |i, sums| {
        let (part_of, first) = (i / job.groups, i % job.groups);
        let images = part_of * part..job.images.min((part_of + 1) * part);
        plan.task(level, job, images, first, sums);
    });
    for sums in all.chunks_exact(out.len()) {
        for (y, &s) in out.iter_mut().zip(sums) {
            *y = *y + s;
        }
    }
}

struct Plan {
    field: Field,
    offsets: Vec<usize>,
    /// In a block: images, rows of outputs.
    block: [usize; 2],
    /// Input channels laid at once.
    depth: usize,
    taps: usize,
}

impl Plan {
    fn new<T>(job: &WeightGradient<T>, images: usize) -> Plan {
        let [down, across] = job.axes;
        let taps = down.taps.len() * across.taps.len();
        let pitch = Field::new(job.axes, 1, down.out).pitch;
        let rows = PLACES / pitch;
        let together = even(images, (rows / down.out).clamp(1, images));
        let rows = even(down.out, rows);
        let field = Field::new(job.axes, together, rows);
        let depth = even(job.inputs, FIELD / field.channel);
        let mut offsets = Vec::with_capacity(depth * taps);
        for input in 0..depth {
            for r in 0..down.taps.len() {
                for c in 0..across.taps.len() {
                    offsets.push(input * field.channel + field.offset(r, c));
                }
            }
        }
        Plan {
            field,
            offsets,
            block: [together, rows],
            depth,
            taps,
        }
    }

    /// Adds what `images` give to `sums`, the gradients of groups from `first` on.
    fn task<T: Float>(
        &self,
        level: Level,
        job: &WeightGradient<T>,
        images: Range<usize>,
        first: usize,
        sums: &mut [T],
    ) {
        let row = job.inputs * self.taps;
        let laid = Images {
            x: job.x,
            groups: job.groups,
            inputs: job.inputs,
            size: job.axes.map(|a| a.size),
        };
        let (mut left, mut right) = (Scratch::left(), Scratch::right());
        let len = (self.block[1] - 1) * self.field.pitch + self.field.width;
        let step = len.next_multiple_of(MAX_LANES);
        let pitch = apart(self.block[0] * step + SLACK);
        let g = left.get::<T>(job.outputs * pitch);
        let field = right.get::<T>(self.depth * self.field.channel + SLACK);
        // What lies between the planes meets zeros of the gradient, and must be a number.
        field.fill(T::default());
        g.fill(T::default());
        for start in images.clone().step_by(self.block[0]) {
            let images = start..images.end.min(start + self.block[0]);
            for top in (0..job.axes[0].out).step_by(self.block[1]) {
                let rows = top..job.axes[0].out.min(top + self.block[1]);
                let len = (rows.len() - 1) * self.field.pitch + self.field.width;
                let segments: Vec<Segment> = (0..images.len())
                    .map(|i| Segment {
                        field: i * self.field.image,
                        sums: i * step,
                        len,
                    })
                    .collect();
                for (group, sums) in sums.chunks_exact_mut(job.outputs * row).enumerate() {
                    let group = first + group;
                    let block = Block {
                        images: &images,
                        group,
                        inputs: &(0..job.inputs),
                        rows: &rows,
                    };
                    self.lay_gradient(level, job, g, [pitch, step], &block);
                    for input in (0..job.inputs).step_by(self.depth) {
                        let inputs = input..job.inputs.min(input + self.depth);
                        let block = Block {
                            inputs: &inputs,
                            ..block
                        };
                        (self.field).lay_block(level, field, &laid, &block);
                        level.dispatch(Dots {
                            g,
                            pitch,
                            field,
                            offsets: &self.offsets[..inputs.len() * self.taps],
                            segments: &segments,
                            out: &mut sums[input * self.taps..],
                            row,
                            channels: job.outputs,
                        });
                    }
                }
            }
        }
    }

    /// The gradient with rows as far apart as the field has them, zeros between.
    fn lay_gradient<T: Float>(
        &self,
        level: Level,
        job: &WeightGradient<T>,
        g: &mut [T],
        [pitch, step]: [usize; 2],
        at: &Block,
    ) {
        let [height, width] = [job.axes[0].out, job.axes[1].out];
        for channel in 0..job.outputs {
            for (i, image) in at.images.clone().enumerate() {
                let start = (image * job.groups + at.group) * job.outputs + channel;
                let from = &job.g[start * height * width..][..height * width];
                let to = &mut g[channel * pitch + i * step..][..step];
                level.dispatch(Lines {
                    from: &from[at.rows.start * width..],
                    from_pitch: width,
                    step: 1,
                    to: &mut *to,
                    to_pitch: self.field.pitch,
                    rows: at.rows.len(),
                    widths: [0, width, 0],
                });
                // A shorter block than the one before leaves its rest behind.
                to[(at.rows.len() - 1) * self.field.pitch + width..].fill(T::default());
            }
        }
    }
}
