//! The image as the innermost loop reads it: zero padding around it, one plane for each phase of the strides,
//! so that every tap of every output is a constant distance from the output's own place.

use std::ops::Range;

use super::axis::{Axis, PhaseRun, Phases};
use super::lines::PadRows;
use super::tile::SLACK;
use crate::kernel::scratch::Scratch;
use crate::simd::{Float, Level};

/// The layout of a padded image: for each channel, phase of rows and phase of columns a plane that holds the
/// block's images one after the other, rows `pitch` apart.
///
/// Output `[row, column]` of the block's image `i` has place `i * image + row * pitch + column`, and
/// meets a channel's tap at `channel * self.channel + offset(tap)` from there.
pub(super) struct PaddedImage {
    /// The phases of rows.
    pub(super) rows: Phases,
    /// The phases of columns.
    pub(super) columns: Phases,
    /// Outputs in a row.
    pub(super) width: usize,
    /// From one row of a plane to the next.
    pub(super) pitch: usize,
    /// Rows of a plane for one image.
    tall: usize,
    /// From one image of the block to the next.
    pub(super) image: usize,
    /// From one plane to the next.
    plane: usize,
    /// From one channel to the next.
    pub(super) channel: usize,
    /// Whether the images themselves are read in place.
    pub(super) in_place: bool,
}

/// What a block reads: input channels of a group of some images, for some rows of outputs.
pub(super) struct Region<'a> {
    /// Its images.
    pub(super) images: &'a Range<usize>,
    /// Its group.
    pub(super) group: usize,
    /// Its input channels.
    pub(super) inputs: &'a Range<usize>,
    /// Its rows of outputs.
    pub(super) rows: &'a Range<usize>,
}

/// Images `[images, groups * inputs, size]`.
pub(super) struct Images<'a, T> {
    /// The elements.
    pub(super) x: &'a [T],
    /// Groups of channels.
    pub(super) groups: usize,
    /// Input channels of a group.
    pub(super) inputs: usize,
    /// Height and width.
    pub(super) size: [usize; 2],
}

impl PaddedImage {
    /// For blocks of at most `images` images by `outputs` rows of outputs.
    pub(super) fn new([rows, columns]: [&Axis; 2], images: usize, outputs: usize) -> PaddedImage {
        let width = columns.out;
        let (rows, columns) = (rows.phases(), columns.phases());
        let pitch = width + columns.reach - columns.shared(width);
        let tall = outputs + rows.reach;
        let image = tall * pitch;
        // The last row's end has no next row to share.
        let plane = images * image + columns.reach;
        let planes = rows.used.len() * columns.used.len();
        PaddedImage {
            width,
            pitch,
            tall,
            image,
            plane,
            // Without taps nothing is copied or read, but there are places.
            channel: apart(planes.max(1) * plane),
            in_place: false,
            rows,
            columns,
        }
    }

    /// The images themselves, of `channels` channels in all, where no tap meets a border and outputs are as
    /// far apart as elements; `None` elsewhere.
    pub(super) fn of_images(axes: [&Axis; 2], channels: usize) -> Option<PaddedImage> {
        if !axes.iter().all(|a| a.inside()) {
            return None;
        }
        let pixels = axes[0].size * axes[1].size;
        Some(PaddedImage {
            pitch: axes[1].size,
            image: channels * pixels,
            channel: pixels,
            in_place: true,
            ..PaddedImage::new(axes, 1, axes[0].out)
        })
    }

    /// The distance of tap `[row, column]` from an output's place.
    pub(super) fn offset(&self, row: usize, column: usize) -> usize {
        let ([r, down], [c, across]) = (self.rows.places[row], self.columns.places[column]);
        (r * self.columns.used.len() + c) * self.plane + down * self.pitch + across
    }

    /// A block's padded images: in place, else copied to `memory`.
    ///
    /// The images are copied too where fewer than the `slack` places that a tile may read behind its own
    /// follow in memory.
    pub(super) fn block<'f, T: Float>(
        &self,
        level: Level,
        memory: &'f mut Scratch,
        of: &Images<'f, T>,
        at: &Region,
        slack: usize,
    ) -> &'f [T] {
        let Region {
            images,
            group,
            inputs,
            rows,
        } = at;
        if !self.in_place {
            let padded = memory.get::<T>(inputs.len().max(1) * self.channel + SLACK);
            self.copy_block(level, padded, of, at);
            return padded;
        }
        let pixels = of.size[0] * of.size[1];
        let channel = (images.start * of.groups + group) * of.inputs + inputs.start;
        let [down, across] = [&self.rows, &self.columns].map(|p| p.run(0, 0, 1).from);
        let start = (down + rows.start) * of.size[1] + across;
        let from = &of.x[channel * pixels + start..];
        let deep = (images.len() - 1) * self.image + inputs.len().saturating_sub(1) * pixels;
        let tall = rows.len() - 1 + self.rows.reach;
        let need = deep + tall * self.pitch + self.width + self.columns.reach + slack;
        if need <= from.len() {
            return from;
        }
        let padded = memory.get::<T>(need);
        let (inside, behind) = padded.split_at_mut(from.len());
        inside.copy_from_slice(from);
        behind.fill(T::default());
        padded
    }

    /// Copies a block, with its padding.
    pub(super) fn copy_block<T: Float>(
        &self,
        level: Level,
        padded: &mut [T],
        of: &Images<T>,
        at: &Region,
    ) {
        let pixels = of.size[0] * of.size[1];
        for (slot, input) in at.inputs.clone().enumerate() {
            let channel = &mut padded[slot * self.channel..];
            for (i, image) in at.images.clone().enumerate() {
                let from = (image * of.groups + at.group) * of.inputs + input;
                let image = &of.x[from * pixels..][..pixels];
                self.copy_channel(
                    level,
                    &mut channel[i * self.image..],
                    image,
                    of.size[1],
                    at.rows.start,
                );
            }
        }
    }

    /// Copies one channel of an image of the block, for outputs from row `first` on.
    fn copy_channel<T: Float>(
        &self,
        level: Level,
        padded: &mut [T],
        image: &[T],
        columns_of_image: usize,
        first: usize,
    ) {
        let width = self.width + self.columns.reach;
        for r in 0..self.rows.used.len() {
            let down = self.rows.run(r, first, self.tall);
            for c in 0..self.columns.used.len() {
                let across = self.columns.run(c, 0, width);
                let plane = (r * self.columns.used.len() + c) * self.plane;
                let plane = &mut padded[plane..plane + (self.tall - 1) * self.pitch + width];
                self.copy_plane(level, plane, image, columns_of_image, [down, across]);
            }
        }
    }

    /// Copies one phase of a channel to its plane.
    fn copy_plane<T: Float>(
        &self,
        level: Level,
        plane: &mut [T],
        image: &[T],
        columns: usize,
        [down, across]: [PhaseRun; 2],
    ) {
        if down.inside * across.inside == 0 {
            return plane.fill(T::default());
        }
        let pitch = self.pitch;
        let (start, end) = (down.before, down.before + down.inside);
        plane[..start * pitch].fill(T::default());
        if down.after > 0 {
            plane[end * pitch..].fill(T::default());
        }
        let (from, to) = (&image[down.from * columns..], &mut plane[start * pitch..]);
        let steps = [down.step, across.step];
        if across.inside == pitch && columns == pitch && across.before == 0 && steps == [1, 1] {
            // Rows of the image follow each other as those of the plane do.
            let n = down.inside * pitch;
            return to[..n].copy_from_slice(&from[..n]);
        }
        level.dispatch(PadRows {
            from: &from[across.from..],
            from_pitch: down.step * columns,
            step: across.step,
            to,
            to_pitch: pitch,
            rows: down.inside,
            widths: [across.before, across.inside, across.after],
        });
    }
}

/// A distance of at least `n` elements whose multiples fall into different sets of a cache.
pub(super) fn apart(n: usize) -> usize {
    const LINE: usize = 16;
    (n.div_ceil(LINE) | 1) * LINE
}
