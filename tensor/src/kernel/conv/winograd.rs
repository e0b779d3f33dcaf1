//! 3 x 3 kernels with 4 products for each output instead of 9 (Winograd 1980; Lavin and Gray 2016,
//! F(2 x 2, 3 x 3)).
//!
//! Two neighbouring outputs of a row of three taps are `[m0 + m1 + m2, m1 - m2 - m3]` of four products,
//! each of a sum of taps and a difference of elements. The same down the columns makes four outputs of
//! sixteen products; over channels, each of the sixteen is a product of matrices.

use std::ops::Range;

use super::padded_image::{PaddedImage, Region, apart};
use super::problem::{Correlation, PARALLEL};
use super::tile::SLACK;
use crate::kernel::gemm::{MatMut, MatRef, tile};
use crate::kernel::scratch::Scratch;
use crate::kernel::split::even;
use crate::simd::{Float, Kernel, Level, Num, Simd, Vector};
use crate::threads::parallel_for;

/// Products of a tile.
const PRODUCTS: usize = 16;
/// Half the harmonic mean of input and output channels from which fewer products outweigh the transforms.
const CHANNELS: usize = 24;
/// Tiles of an image from which they outweigh the filter transform. (Were other images counted, an image's
/// bits would depend on them.)
const TILES: usize = 48;
/// Output channels whose products are held at once, at most.
const OUTPUTS: usize = 32;
/// Elements of a block's transformed input and products, which stay in L2.
const BLOCK: usize = 3 << 16;
/// Tiles of a block, where there are as many, even if it is larger: a product of fewer columns is slow.
const COLUMNS: usize = 96;
/// Parts that images are cut into at least, for threads.
const PARTS: usize = 8;

/// Whether `job` is computed by this algorithm: f32 (where the differences cost the last bits only), three
/// adjacent taps, enough channels and tiles.
pub(super) fn applies<T: Float>(job: &Correlation<T>) -> bool {
    let tiles = job.axes.map(|a| a.out.div_ceil(2));
    T::EPSILON > f64::EPSILON
        && job
            .axes
            .iter()
            .all(|a| a.is_plain() && a.neighbours::<3>().is_some())
        && job.inputs * job.outputs >= CHANNELS * (job.inputs + job.outputs)
        && tiles.iter().all(|&n| n > 1)
        && tiles[0] * tiles[1] >= TILES
}

/// [`correlate`](super::correlate()) of a `job` to which this [`applies`].
pub(super) fn correlate<T: Float>(
    level: Level,
    job: &Correlation<T>,
    out: &MatMut<T>,
    columns: usize,
) {
    let axes = job.axes.map(|a| a.tiles(2, 4));
    let [down, across] = [axes[0].out, axes[1].out];
    let most = (BLOCK / (PRODUCTS * (job.inputs + OUTPUTS))).max(COLUMNS);
    let rows = even(down, most / across, 1);
    let together = (most / (down * across)).clamp(1, job.images.div_ceil(PARTS));
    let images = even(job.images, together, 1);
    let padded = PaddedImage::new([&axes[0], &axes[1]], images, rows);
    let mut taps = [0; PRODUCTS];
    for (i, tap) in taps.iter_mut().enumerate() {
        *tap = padded.offset(i / 4, i % 4);
    }
    let pitch = apart(images * rows * across + SLACK);
    let whole = Winograd {
        level,
        job,
        out,
        columns,
        weights: filter_transform(job),
        padded,
        taps,
        pitch,
        planes: [job.inputs, OUTPUTS].map(|n| apart(n * pitch)),
    };
    let blocks = down.div_ceil(rows);
    let task = |t: usize| {
        let part = |i: usize, step: usize, n: usize| i * step..n.min((i + 1) * step);
        let images = part(t / blocks, images, job.images);
        whole.task(images, part(t % blocks, rows, down));
    };
    let tasks = job.images.div_ceil(images) * blocks;
    let work = job.groups * job.outputs * job.inputs * job.images * down * across * PRODUCTS;
    if work >= PARALLEL {
        parallel_for(tasks, task);
    } else {
        (0..tasks).for_each(task);
    }
}

/// The weights of every product: by group a matrix `[outputs, inputs]` for each, [`apart`] from the next.
fn filter_transform<T: Float>(job: &Correlation<T>) -> Vec<T> {
    let half = T::splat(0.5);
    let sums = |g: [T; 3]| {
        let (ends, middle) = ((g[0] + g[2]) * half, g[1] * half);
        [g[0], ends + middle, ends - middle, g[2]]
    };
    let of = |axis: usize| {
        let ids = job.axes[axis].neighbours::<3>().expect("three taps");
        ids.map(|id| id * job.taps[axis])
    };
    let [down, across] = [of(0), of(1)];
    let plane = apart(job.outputs * job.inputs);
    let mut all = vec![T::default(); job.groups * PRODUCTS * plane];
    for (group, all) in all.chunks_exact_mut(PRODUCTS * plane).enumerate() {
        for at in 0..job.outputs * job.inputs {
            let (output, input) = (at / job.inputs, at % job.inputs);
            let w = &job.weights;
            let w = &w.data[group * w.group + output * w.out + input * w.input..];
            let rows = down.map(|d| sums(across.map(|a| w[d + a])));
            for c in 0..4 {
                let column = sums(rows.map(|r| r[c]));
                for r in 0..4 {
                    all[(r * 4 + c) * plane + at] = column[r];
                }
            }
        }
    }
    all
}

/// What every block works on.
struct Winograd<'a, 'b, T> {
    /// The level of all kernels.
    level: Level,
    /// The problem.
    job: &'a Correlation<'b, T>,
    /// The result.
    out: &'a MatMut<'a, T>,
    /// The length of the result's rows.
    columns: usize,
    /// The filter transform.
    weights: Vec<T>,
    /// The layout of a block's padded images.
    padded: PaddedImage,
    /// From a tile's place to its sixteen elements.
    taps: [usize; PRODUCTS],
    /// From one channel's tiles to the next.
    pitch: usize,
    /// From one product's inputs, and one product's results, to the next: in other sets of a cache.
    planes: [usize; 2],
}

impl<T: Float> Winograd<'_, '_, T> {
    /// Rows of tiles of some images, all groups.
    fn task(&self, images: Range<usize>, rows: Range<usize>) {
        let job = self.job;
        let (inputs, width) = (job.inputs, self.padded.width);
        let n = images.len() * rows.len() * width;
        let mut memory = Scratch::tiles();
        let sizes = [
            inputs * self.padded.channel + SLACK,
            PRODUCTS * self.planes[0],
            PRODUCTS * self.planes[1],
        ];
        let (padded, rest) = memory.get::<T>(sizes.iter().sum()).split_at_mut(sizes[0]);
        let (sums, products) = rest.split_at_mut(sizes[1]);
        for group in 0..job.groups {
            let block = Region {
                images: &images,
                group,
                inputs: &(0..inputs),
                rows: &rows,
            };
            (self.padded).copy_block(self.level, padded, &job.image(), &block);
            self.level.dispatch(InputTransform {
                padded,
                channel: self.padded.channel,
                row: self.padded.pitch,
                taps: self.taps,
                image: self.padded.image,
                size: [inputs, images.len(), rows.len(), width],
                out: sums,
                pitch: self.pitch,
                plane: self.planes[0],
            });
            let step = even(job.outputs, OUTPUTS, 1);
            for first in (0..job.outputs).step_by(step) {
                let outputs = step.min(job.outputs - first);
                for p in 0..PRODUCTS {
                    let at = (group * PRODUCTS + p) * apart(job.outputs * inputs) + first * inputs;
                    let a = MatRef::rows_of(&self.weights[at..], [outputs, inputs]);
                    let steps = [self.pitch as isize, 1];
                    let b = MatRef::new(sums, p * self.planes[0], [inputs, n], steps);
                    let c = &mut products[p * self.planes[1]..][..outputs * self.pitch];
                    let c = MatMut::rows_of(c, [outputs, self.pitch]);
                    // SAFETY: the first `n` columns of `c`, which nothing else uses.
                    let c = unsafe { c.block(0, 0, [outputs, n]) };
                    tile(self.level, a, b, c, false);
                }
                let channel = group * job.outputs + first;
                for (i, image) in images.clone().enumerate() {
                    let products = &products[i * rows.len() * width..];
                    self.finish(products, image, &rows, channel..channel + outputs);
                }
            }
        }
    }

    /// From the products to the result.
    fn finish(&self, products: &[T], image: usize, rows: &Range<usize>, channels: Range<usize>) {
        let job = self.job;
        let down = 2 * rows.start..job.axes[0].out.min(2 * rows.end);
        // SAFETY: tasks differ in image or rows, which end before the next task's begin, and a task
        // uses one such block after the other.
        let out = unsafe { job.part_of(self.out, self.columns, image, &down, &channels) };
        self.level.dispatch(OutputTransform {
            products,
            pitch: self.pitch,
            plane: self.planes[1],
            bias: job.bias.map(|b| &b[channels]),
            out,
            columns: self.columns,
            size: [down.len(), job.axes[1].out],
        });
    }
}

/// The input transform: differences of elements for each product, channel and tile.
struct InputTransform<'a, T> {
    /// The padded images of the block.
    padded: &'a [T],
    /// From one channel, one image and one row of tiles to the next.
    channel: usize,
    /// From one image to the next.
    image: usize,
    /// From one row of tiles to the next.
    row: usize,
    /// From a tile's place to its sixteen elements.
    taps: [usize; PRODUCTS],
    /// Channels, images, rows of tiles, tiles of a row.
    size: [usize; 4],
    /// For each product a row for each channel, `pitch` apart.
    out: &'a mut [T],
    /// From one channel to the next.
    pitch: usize,
    /// From one product to the next.
    plane: usize,
}

/// `[d0 - d2, d1 + d2, d2 - d1, d1 - d3]`.
#[inline(always)]
fn differences<V: Num>(d: [V; 4]) -> [V; 4] {
    [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]
}

impl<T: Float> Kernel for InputTransform<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let [channels, images, rows, width] = self.size;
        for channel in 0..channels {
            for image in 0..images {
                for row in 0..rows {
                    let from = channel * self.channel + image * self.image + row * self.row;
                    let to = channel * self.pitch + (image * rows + row) * width;
                    // What is written behind a row is overwritten by the next one.
                    for q in (0..width).step_by(lanes) {
                        self.tiles::<S>(from + q, to + q);
                    }
                }
            }
        }
    }
}

impl<T: Float> InputTransform<'_, T> {
    /// A vector of tiles.
    #[inline(always)]
    fn tiles<S: Simd>(&mut self, from: usize, to: usize) {
        let mut d = [[<T::Vec<S> as Num>::splat(0.0); 4]; 4];
        for r in 0..4 {
            for c in 0..4 {
                d[c][r] = Vector::load(&self.padded[from + self.taps[r * 4 + c]..]);
            }
        }
        for c in 0..4 {
            d[c] = differences(d[c]);
        }
        for r in 0..4 {
            let across = differences([d[0][r], d[1][r], d[2][r], d[3][r]]);
            for c in 0..4 {
                across[c].store(&mut self.out[(r * 4 + c) * self.plane + to..]);
            }
        }
    }
}

/// The output transform, plus bias.
struct OutputTransform<'a, T> {
    /// For each product a row of tiles for each channel, `pitch` apart.
    products: &'a [T],
    /// From one channel to the next.
    pitch: usize,
    /// From one product to the next.
    plane: usize,
    /// A number for each output channel.
    bias: Option<&'a [T]>,
    /// A row for each output channel, in it rows of outputs `columns` apart.
    out: MatMut<'a, T>,
    /// The length of the result's rows.
    columns: usize,
    /// Rows and columns of outputs.
    size: [usize; 2],
}

/// `[m0 + m1 + m2, m1 - m2 - m3]`.
#[inline(always)]
fn sums<V: Num>(m: [V; 4]) -> [V; 2] {
    [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
}

impl<T: Float> Kernel for OutputTransform<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        const WIDE: usize = crate::simd::MAX_LANES;
        let lanes = T::Vec::<S>::LANES;
        let [rows, columns] = self.size;
        let width = columns.div_ceil(2);
        for channel in 0..self.out.shape()[0] {
            let bias = self.bias.map_or(T::default(), |b| b[channel]);
            let bias: T::Vec<S> = Vector::repeat(bias);
            let from = &self.products[channel * self.pitch..];
            let out = self.out.row(channel);
            for row in 0..rows.div_ceil(2) {
                for q in (0..width).step_by(lanes) {
                    let at = row * width + q;
                    let mut m = [[bias; 2]; 4];
                    for r in 0..4 {
                        let mut four = [bias; 4];
                        for c in 0..4 {
                            four[c] = Vector::load(&from[(r * 4 + c) * self.plane + at..]);
                        }
                        m[r] = sums(four);
                    }
                    let n = (columns - 2 * q).min(2 * lanes);
                    let even = sums([m[0][0], m[1][0], m[2][0], m[3][0]]);
                    let odd = sums([m[0][1], m[1][1], m[2][1], m[3][1]]);
                    for r in 0..2 {
                        if 2 * row + r == rows {
                            break;
                        }
                        let mut pair = [[T::default(); WIDE]; 2];
                        (even[r] + bias).store(&mut pair[0]);
                        (odd[r] + bias).store(&mut pair[1]);
                        let to = &mut out[(2 * row + r) * self.columns + 2 * q..][..n];
                        let (pairs, last) = to.as_chunks_mut::<2>();
                        let [evens, odds] = &pair;
                        for i in 0..pairs.len().min(WIDE) {
                            pairs[i] = [evens[i], odds[i]];
                        }
                        if let [last] = last {
                            *last = evens[n / 2];
                        }
                    }
                }
            }
        }
    }
}
