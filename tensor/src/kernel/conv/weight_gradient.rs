//! The gradient of a correlation in its weights.

use std::ops::Range;

use super::axis::Axis;

use super::dots::GradientDots;
use super::lines::PadRows;
use super::padded_image::{Images, PaddedImage, Region, apart};
use super::problem::PARALLEL;
use super::tile::{SLACK, Segment};
use crate::kernel::scratch::Scratch;
use crate::kernel::split::even;
use crate::simd::{Float, Level, MAX_LANES};
use crate::threads::parallel_chunks;

/// Places of a block: a channel of the padded image and two of the gradient stay in L1.
const PLACES: usize = 1 << 10;
/// Elements of padded images that are copied at once, which stay in L2.
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
/// ```
/// use lepton_tensor::kernel::conv::{Axis, WeightGradient, weight_gradient};
/// use lepton_tensor::simd::level;
/// let (x, g) = ([1.0f32, 2.0, 3.0, 4.0], [1.0, 0.0, 10.0]); // a row of an image, and its windows' gradient
/// let rows = Axis::forward(1, 1, [1, 1, 0, 1]);
/// let columns = Axis::forward(4, 3, [2, 1, 0, 1]);
/// let job = WeightGradient {
///     x: &x,
///     g: &g,
///     images: 1,
///     groups: 1,
///     inputs: 1,
///     outputs: 1,
///     axes: [&rows, &columns],
/// };
/// let mut dw = [0.0; 2];
/// weight_gradient(level(), &job, &mut dw);
/// assert_eq!(dw, [1.0 + 30.0, 2.0 + 40.0]);
/// ```
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
    let part = even(job.images, job.images.div_ceil(parts), 1);
    let parts = job.images.div_ceil(part);
    let plan = GradientPlan::new(job, part);
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

/// How the sums over images and places are cut.
struct GradientPlan {
    /// The layout of a block's padded images.
    padded: PaddedImage,
    /// The distance of each tap of each input channel.
    offsets: Vec<usize>,
    /// In a block: images, rows of outputs.
    block: [usize; 2],
    /// Input channels copied at once.
    depth: usize,
    /// Taps of the kernel.
    taps: usize,
}

impl GradientPlan {
    /// The plan for parts of `images` images.
    fn new<T>(job: &WeightGradient<T>, images: usize) -> GradientPlan {
        let [down, across] = job.axes;
        let taps = down.taps.len() * across.taps.len();
        let pitch = PaddedImage::new(job.axes, 1, down.out).pitch;
        let rows = PLACES / pitch;
        let together = even(images, (rows / down.out).clamp(1, images), 1);
        let rows = even(down.out, rows, 1);
        let padded = PaddedImage::new(job.axes, together, rows);
        let depth = even(job.inputs, FIELD / padded.channel, 1);
        let mut offsets = Vec::with_capacity(depth * taps);
        for input in 0..depth {
            for r in 0..down.taps.len() {
                for c in 0..across.taps.len() {
                    offsets.push(input * padded.channel + padded.offset(r, c));
                }
            }
        }
        GradientPlan {
            padded,
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
        let images_of = Images {
            x: job.x,
            groups: job.groups,
            inputs: job.inputs,
            size: job.axes.map(|a| a.size),
        };
        let (mut left, mut right) = (Scratch::lhs(), Scratch::rhs());
        let len = (self.block[1] - 1) * self.padded.pitch + self.padded.width;
        let step = len.next_multiple_of(MAX_LANES);
        let pitch = apart(self.block[0] * step + SLACK);
        let g = left.get::<T>(job.outputs * pitch);
        let padded = right.get::<T>(self.depth * self.padded.channel + SLACK);
        // What lies between the planes is multiplied by zeros of the gradient, and must be finite.
        padded.fill(T::default());
        g.fill(T::default());
        for start in images.clone().step_by(self.block[0]) {
            let images = start..images.end.min(start + self.block[0]);
            for top in (0..job.axes[0].out).step_by(self.block[1]) {
                let rows = top..job.axes[0].out.min(top + self.block[1]);
                let len = (rows.len() - 1) * self.padded.pitch + self.padded.width;
                let segments: Vec<Segment> = (0..images.len())
                    .map(|i| Segment {
                        padded: i * self.padded.image,
                        sums: i * step,
                        len,
                    })
                    .collect();
                for (group, sums) in sums.chunks_exact_mut(job.outputs * row).enumerate() {
                    let group = first + group;
                    let block = Region {
                        images: &images,
                        group,
                        inputs: &(0..job.inputs),
                        rows: &rows,
                    };
                    self.copy_gradient(level, job, g, [pitch, step], &block);
                    for input in (0..job.inputs).step_by(self.depth) {
                        let inputs = input..job.inputs.min(input + self.depth);
                        let block = Region {
                            inputs: &inputs,
                            ..block
                        };
                        (self.padded).copy_block(level, padded, &images_of, &block);
                        level.dispatch(GradientDots {
                            g,
                            pitch,
                            padded,
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

    /// Copies the gradient with the padded image's pitch, zeros between rows.
    fn copy_gradient<T: Float>(
        &self,
        level: Level,
        job: &WeightGradient<T>,
        g: &mut [T],
        [pitch, step]: [usize; 2],
        at: &Region,
    ) {
        let [height, width] = [job.axes[0].out, job.axes[1].out];
        for channel in 0..job.outputs {
            for (i, image) in at.images.clone().enumerate() {
                let start = (image * job.groups + at.group) * job.outputs + channel;
                let from = &job.g[start * height * width..][..height * width];
                let to = &mut g[channel * pitch + i * step..][..step];
                level.dispatch(PadRows {
                    from: &from[at.rows.start * width..],
                    from_pitch: width,
                    step: 1,
                    to: &mut *to,
                    to_pitch: self.padded.pitch,
                    rows: at.rows.len(),
                    widths: [0, width, 0],
                });
                // A shorter block than the one before leaves its rest behind.
                to[(at.rows.len() - 1) * self.padded.pitch + width..].fill(T::default());
            }
        }
    }
}
