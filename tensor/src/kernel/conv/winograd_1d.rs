//! One-dimensional Winograd for five taps of a column: 2 products for each output instead of 5 (Winograd 1980,
//! F(4, 5)).
//!
//! Four outputs of a column are sums of eight products, each of a sum of its five taps and a sum of the
//! eight elements that they meet: polynomials of degree 4 and 3 are multiplied by their values at 0, 1, -1,
//! 2, -2, 1/2, -1/2 and infinity. The columns of a kernel and the input channels are added up before
//! products are made outputs, so eight sums of a vector of tiles stay in registers while they go by.

use std::ops::Range;

use super::padded_image::{PaddedImage, Region, apart};
use super::problem::{Correlation, PARALLEL};
use super::tile::SLACK;
use crate::kernel::gemm::MatMut;
use crate::kernel::scratch::Scratch;
use crate::kernel::split::even;
use crate::simd::{Float, Kernel, Lane, Level, Num, Simd, Vector};
use crate::threads::parallel_for;

const TAPS: usize = 5;
/// OutputTransform of a tile.
const OUTPUTS: usize = 4;
/// Products, and elements of the image.
const PRODUCTS: usize = 8;
/// Output channels whose products stay in registers at the same time.
const CHANNELS: usize = 3;
/// Output channels from which fewer products outweigh the sums of elements.
const LEAST_CHANNELS: usize = 8;
/// Rows of outputs from which those that the last tile wastes cost little.
const LEAST_ROWS: usize = 12;
/// Elements of a block's transformed input, about, and of one row of tiles at most: they stay in L2.
const BLOCK: usize = 1 << 15;
const MOST: usize = 1 << 17;

/// Whether a level has the registers for this, and the lanes of a vector.
struct GetRegisters<T>(std::marker::PhantomData<T>);

impl<T: Float> Kernel for GetRegisters<T> {
    type Out = (bool, usize);
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> (bool, usize) {
        (S::TILE_ROWS >= PRODUCTS, T::Vec::<S>::LANES)
    }
}

/// Whether `job` is computed by this algorithm: f32 (where the sums cost the last bits only), five adjacent taps
/// down the columns, and rows of a vector or more. (Were other images counted, an image's bits would depend on
/// them.)
pub(super) fn applies<T: Float>(level: Level, job: &Correlation<T>) -> bool {
    let [down, across] = job.axes;
    let (registers, lanes) = level.dispatch(GetRegisters::<T>(std::marker::PhantomData));
    T::EPSILON > f64::EPSILON
        && registers
        && down.is_plain()
        && down.neighbours::<TAPS>().is_some()
        && across.is_plain()
        && !across.taps.is_empty()
        && job.outputs >= LEAST_CHANNELS
        && down.out >= LEAST_ROWS
        && across.out >= lanes
        && (1..=MOST).contains(&(job.inputs * across.taps.len() * PRODUCTS * across.out))
}

/// [`correlate`](super::correlate()) of a `job` to which this [`applies`].
pub(super) fn correlate<T: Float>(
    level: Level,
    job: &Correlation<T>,
    out: &MatMut<T>,
    columns: usize,
) {
    let (down, across) = (job.axes[0].tiles(OUTPUTS, PRODUCTS), job.axes[1]);
    let k = job.inputs * across.taps.len();
    let rows = even(down.out, BLOCK / (k * PRODUCTS * across.out), 1);
    let padded = PaddedImage::new([&down, across], 1, rows);
    let left = (0..across.taps.len()).map(|c| padded.offset(0, c)).min();
    let left = left.unwrap_or(0);
    let reach = padded.columns.reach;
    let whole = Winograd1d {
        level,
        job,
        out,
        columns,
        weights: filter_transform(job),
        elements: std::array::from_fn(|r| padded.offset(r, 0) - padded.offset(0, 0) + left),
        shifts: (0..across.taps.len())
            .map(|c| padded.offset(0, c) - left)
            .collect(),
        places: (rows - 1) * padded.pitch + padded.width + reach,
        pitch: apart(rows * across.out + SLACK),
        padded,
    };
    let blocks = down.out.div_ceil(rows);
    let task = |t: usize| {
        let first = t % blocks * rows;
        whole.task(t / blocks, first..down.out.min(first + rows));
    };
    let tasks = job.images * blocks;
    let work = job.groups * job.outputs * k * job.images * down.out * across.out * PRODUCTS;
    if work >= PARALLEL {
        parallel_for(tasks, task);
    } else {
        (0..tasks).for_each(task);
    }
}

/// Output channels, a few together.
fn strips(outputs: usize) -> impl Iterator<Item = Range<usize>> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let n = match outputs - first {
            0 => return None,
            // Two and two, since one alone reads as much.
            4 => 2,
            n => n.min(CHANNELS),
        };
        first += n;
        Some(first - n..first)
    })
}

/// The filter transform of a column of taps: the values of their polynomial, over the product of each point's
/// distances from the others.
fn values(g: [f64; TAPS]) -> [f64; PRODUCTS] {
    let even = |x: f64| g[0] + x * x * (g[2] + x * x * g[4]);
    let odd = |x: f64| x * (g[1] + x * x * g[3]);
    let pair = |x: f64, by: f64| [by * (even(x) + odd(x)), by * (even(x) - odd(x))];
    let [a, b] = pair(1.0, -2.0 / 9.0);
    let [c, d] = pair(2.0, 1.0 / 90.0);
    let [e, f] = pair(0.5, 32.0 / 45.0);
    [g[0], a, b, c, d, e, f, g[4]]
}

/// The weights of every product as they are read: by group, strip, input channel, column and product
/// one for each output channel of the strip.
fn filter_transform<T: Float>(job: &Correlation<T>) -> Vec<T> {
    let ids: [usize; TAPS] = job.axes[0].neighbours().expect("five taps");
    let across = &job.axes[1].taps;
    let all = job.groups * job.outputs * job.inputs * across.len() * PRODUCTS;
    let mut packed = vec![T::default(); all];
    let mut rest = &mut packed[..];
    let w = &job.weights;
    for group in 0..job.groups {
        for strip in strips(job.outputs) {
            for input in 0..job.inputs {
                for tap in across {
                    let (part, behind) = rest.split_at_mut(PRODUCTS * strip.len());
                    rest = behind;
                    for (n, output) in strip.clone().enumerate() {
                        let at = group * w.group + output * w.out + input * w.input;
                        let w = &w.data[at + tap.id * job.taps[1]..];
                        let values = values(ids.map(|id| w[id * job.taps[0]].to_f64()));
                        for p in 0..PRODUCTS {
                            part[p * strip.len() + n] = T::splat(values[p]);
                        }
                    }
                }
            }
        }
    }
    packed
}

/// What every block works on.
struct Winograd1d<'a, 'b, T> {
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
    /// From a place to the eight elements of its column.
    elements: [usize; PRODUCTS],
    /// From a place to the columns that its taps meet.
    shifts: Vec<usize>,
    /// Places of a block, those that only a shift reaches included.
    places: usize,
    /// From one product's sums for every tile to the next.
    pitch: usize,
}

impl<T: Float> Winograd1d<'_, '_, T> {
    /// Rows of tiles of an image, all groups.
    fn task(&self, image: usize, rows: Range<usize>) {
        let job = self.job;
        let k = job.inputs * self.shifts.len();
        let plane = apart(self.places + SLACK);
        let sizes = [
            job.inputs * self.padded.channel + SLACK,
            PRODUCTS * plane,
            k * PRODUCTS * self.pitch,
        ];
        let mut memory = Scratch::tiles();
        let (padded, rest) = memory.get::<T>(sizes.iter().sum()).split_at_mut(sizes[0]);
        let (planes, sums) = rest.split_at_mut(sizes[1]);
        let each = self.weights.len() / job.groups;
        for group in 0..job.groups {
            let block = Region {
                images: &(image..image + 1),
                group,
                inputs: &(0..job.inputs),
                rows: &rows,
            };
            (self.padded).copy_block(self.level, padded, &job.image(), &block);
            self.level.dispatch(InputTransform {
                whole: self,
                padded,
                rows: rows.len(),
                planes: &mut *planes,
                plane,
                out: &mut *sums,
            });
            let down = OUTPUTS * rows.start..job.axes[0].out.min(OUTPUTS * rows.end);
            let channels = group * job.outputs..(group + 1) * job.outputs;
            // SAFETY: tasks differ in image or rows, which end before the next task's begin, and a task
            // uses one such block after the other.
            let out = unsafe { job.part_of(self.out, self.columns, image, &down, &channels) };
            self.level.dispatch(OutputTransform {
                sums,
                pitch: self.pitch,
                k,
                weights: &self.weights[group * each..][..each],
                bias: job.bias.map(|b| &b[channels]),
                out,
                columns: self.columns,
                size: [down.len(), job.axes[1].out],
            });
        }
    }
}

/// The input transform: for each input channel, column of taps and product the sums of elements of every
/// tile, row by row.
struct InputTransform<'a, 'b, 'c, T> {
    /// The convolution.
    whole: &'a Winograd1d<'b, 'c, T>,
    /// The padded images of the block.
    padded: &'a [T],
    /// Rows of tiles.
    rows: usize,
    /// Room for one channel's sums in the order of its places: a plane for each product.
    planes: &'a mut [T],
    /// From one product's plane to the next.
    plane: usize,
    /// The transform: `pitch` elements for each input channel, column of taps and product.
    out: &'a mut [T],
}

impl<T: Float> Kernel for InputTransform<'_, '_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let w = self.whole;
        for input in 0..w.job.inputs {
            for place in (0..w.places).step_by(T::Vec::<S>::LANES) {
                self.place::<S>(input * w.padded.channel + place, place);
            }
            for (c, &shift) in w.shifts.iter().enumerate() {
                self.column::<S>(input * w.shifts.len() + c, shift);
            }
        }
    }
}

impl<T: Float> InputTransform<'_, '_, '_, T> {
    /// The sums of a vector of places.
    #[inline(always)]
    fn place<S: Simd>(&mut self, from: usize, to: usize) {
        let mut d = [<T::Vec<S> as Num>::splat(0.0); PRODUCTS];
        for r in 0..PRODUCTS {
            d[r] = Vector::load(&self.padded[from + self.whole.elements[r]..]);
        }
        let v = sums(d);
        for p in 0..PRODUCTS {
            v[p].store(&mut self.planes[p * self.plane + to..]);
        }
    }

    /// A column's sums for the tiles alone.
    #[inline(always)]
    fn column<S: Simd>(&mut self, at: usize, shift: usize) {
        let (w, lanes) = (self.whole, T::Vec::<S>::LANES);
        let width = w.padded.width;
        for p in 0..PRODUCTS {
            let from = &self.planes[p * self.plane + shift..];
            let to = &mut self.out[(at * PRODUCTS + p) * w.pitch..][..w.pitch];
            for row in 0..self.rows {
                // What is written behind a row is overwritten by the next one.
                for x in (0..width).step_by(lanes) {
                    let v: T::Vec<S> = Vector::load(&from[row * w.padded.pitch + x..]);
                    v.store(&mut to[row * width + x..]);
                }
            }
        }
    }
}

/// The input transform: the coefficients of the polynomials that are 0 at all points but one.
#[inline(always)]
fn sums<V: Lane>(d: [V; PRODUCTS]) -> [V; PRODUCTS] {
    let add = |x: V, by: f64, y: V| y.mul_add(V::splat(by), x);
    let even = |a: f64, b: f64| add(add(d[6], a, d[2]), b, d[4]);
    let odd = |a: f64, b: f64, c: f64| add(add(d[1] * V::splat(a), b, d[3]), c, d[5]);
    let pair = |even: V, odd: V| [even + odd, even - odd];
    let [a, b] = pair(even(1.0, -4.25), odd(1.0, -4.25, 1.0));
    let [c, d2] = pair(even(0.25, -1.25), odd(0.5, -2.5, 2.0));
    let [e, f] = pair(even(4.0, -5.0), odd(2.0, -2.5, 0.5));
    let first = add(d[0] - d[6], 5.25, d[4] - d[2]);
    let last = add(d[7] - d[1], 5.25, d[3] - d[5]);
    [first, a, b, c, d2, e, f, last]
}

/// The products, and the output transform, plus bias.
struct OutputTransform<'a, T> {
    /// `k` times eight rows of tiles' sums, `pitch` apart.
    sums: &'a [T],
    /// From one product's sums to the next.
    pitch: usize,
    /// Input channels times columns of taps.
    k: usize,
    /// As [`filter_transform`] has them, of one group.
    weights: &'a [T],
    /// A number for each output channel.
    bias: Option<&'a [T]>,
    /// A row for each output channel, in it rows of outputs `columns` apart.
    out: MatMut<'a, T>,
    /// The length of the result's rows.
    columns: usize,
    /// Rows and columns of outputs.
    size: [usize; 2],
}

impl<T: Float> Kernel for OutputTransform<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let [rows, width] = self.size;
        let tiles = rows.div_ceil(OUTPUTS) * width;
        for q in (0..tiles).step_by(lanes) {
            let place = [q / width * OUTPUTS, q % width];
            let mut at = 0;
            for strip in strips(self.out.shape()[0]) {
                let weights = &self.weights[at..][..self.k * PRODUCTS * strip.len()];
                at += weights.len();
                match strip.len() {
                    1 => self.strip::<S, 1>(q, place, strip.start, weights),
                    2 => self.strip::<S, 2>(q, place, strip.start, weights),
                    _ => self.strip::<S, CHANNELS>(q, place, strip.start, weights),
                }
            }
        }
    }
}

impl<T: Float> OutputTransform<'_, T> {
    /// A vector of tiles, from tile `q` on, for `N` channels. (Where an index is no constant, sums would be kept
    /// in memory; a loop over channels is not unrolled.)
    #[inline(always)]
    fn strip<S: Simd, const N: usize>(
        &mut self,
        q: usize,
        place: [usize; 2],
        channel: usize,
        weights: &[T],
    ) {
        let m = self.products::<S, N>(q, weights);
        self.finish::<S>(m[0], place, channel);
        if N > 1 {
            self.finish::<S>(m[1 % N], place, channel + 1);
        }
        if N > 2 {
            self.finish::<S>(m[2 % N], place, channel + 2);
        }
    }

    /// The sums of eight products for each of `N` channels.
    #[inline(always)]
    fn products<S: Simd, const N: usize>(
        &self,
        q: usize,
        weights: &[T],
    ) -> [[T::Vec<S>; PRODUCTS]; N] {
        let mut m = [[<T::Vec<S> as Num>::splat(0.0); PRODUCTS]; N];
        let steps = self.sums.chunks_exact(PRODUCTS * self.pitch);
        let weights = weights.chunks_exact(PRODUCTS * N);
        for (sums, w) in steps.zip(weights) {
            for p in 0..PRODUCTS {
                let x: T::Vec<S> = Vector::load(&sums[p * self.pitch + q..]);
                for n in 0..N {
                    m[n][p] = x.mul_add(Vector::repeat(w[p * N + n]), m[n][p]);
                }
            }
        }
        m
    }

    /// A channel's outputs of a vector of tiles.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, m: [T::Vec<S>; PRODUCTS], place: [usize; 2], channel: usize) {
        let bias = self.bias.map_or(T::default(), |b| b[channel]);
        let bias: T::Vec<S> = Vector::repeat(bias);
        let [a, b, c, d] = outputs(m);
        self.write::<S>(a + bias, place, channel, 0);
        self.write::<S>(b + bias, place, channel, 1);
        self.write::<S>(c + bias, place, channel, 2);
        self.write::<S>(d + bias, place, channel, 3);
    }

    /// Row `r` of the outputs of tiles from `place` on, to the row or two of the result in which they stand.
    #[inline(always)]
    fn write<S: Simd>(
        &mut self,
        y: T::Vec<S>,
        [row, column]: [usize; 2],
        channel: usize,
        r: usize,
    ) {
        let ([rows, width], columns) = (self.size, self.columns);
        let out = self.out.row(channel);
        let lanes = T::Vec::<S>::LANES;
        if row + r < rows {
            let here = lanes.min(width - column);
            y.store_first(&mut out[(row + r) * columns + column..][..here]);
        }
        let (next, behind) = (row + r + OUTPUTS, (column + lanes).saturating_sub(width));
        if behind > 0 && next < rows {
            y.store_last(&mut out[next * columns..][..behind]);
        }
    }
}

/// The output transform: four outputs from eight products.
#[inline(always)]
fn outputs<V: Lane>(m: [V; PRODUCTS]) -> [V; OUTPUTS] {
    let add = |x: V, by: f64, y: V| y.mul_add(V::splat(by), x);
    let (a, b, c) = (m[1] + m[2], m[3] + m[4], m[5] + m[6]);
    let (d, e, f) = (m[1] - m[2], m[3] - m[4], m[5] - m[6]);
    [
        m[0] + a + (b + c),
        add(add(d, 2.0, e), 0.5, f),
        add(add(a, 4.0, b), 0.25, c),
        add(add(d + m[7], 8.0, e), 0.125, f),
    ]
}
