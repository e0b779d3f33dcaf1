//! Windows over images as columns, and their adjoint.

use lepton_tensor::ops::{self, Window};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use super::{join_batch, output, split_batch};
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Fold2d, Unfold2d
}

/// Windows as columns: `[n, c, h, w]` to `[n, c, kernel rows, kernel columns, rows, columns]`.
#[derive(Clone, Debug)]
pub struct Unfold2d {
    /// The window.
    pub window: Window,
}

/// The adjoint of [`Unfold2d`]: columns added back to images of `size`.
#[derive(Clone, Debug)]
pub struct Fold2d {
    /// The window.
    pub window: Window,
    /// Height and width of the images.
    pub size: [usize; 2],
}

impl Op for Unfold2d {
    const NAME: &'static str = "unfold2d";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let [oh, ow] = output("unfold2d", &self.window, x[0])?;
        let [kh, kw] = self.window.kernel;
        let shape = [x[0].shape[0], x[0].shape[1], kh, kw, oh, ow];
        lepton_tensor::numel(&shape)?;
        Ok(smallvec![x[0].with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::im2col(&x[0], &self.window)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let size = [k.shape(0)[2], k.shape(0)[3]];
        smallvec![g[0].as_ref().map(|g| fold(g, self.window, size))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| unfold(t, self.window))]
    }

    fn batch(&self, x: &[Var], _: &[bool], n: usize) -> Result<Outs<Var>> {
        Ok(smallvec![split_batch(
            &unfold(&join_batch(&x[0]), self.window),
            [n, x[0].shape()[1]]
        )])
    }

    crate::fields!(window);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let window = Window {
            kernel: [2, 3],
            stride: [1, 2],
            padding: [1, 0],
            dilation: [1, 1],
        };
        let x = floats(rng, &[2, 2, 3, 5], -1.0, 1.0);
        let [oh, ow] = window.output([3, 5]).expect("it fits");
        let v = x.to_f64();
        let want = (0..2 * 2 * 6 * oh * ow).map(|i| {
            let (image, tap, o) = (i / (6 * oh * ow), i / (oh * ow) % 6, i % (oh * ow));
            let (r, c) = (
                (o / ow + tap / 3) as isize - 1,
                (o % ow * 2 + tap % 3) as isize,
            );
            if (0..3).contains(&r) && (0..5).contains(&c) {
                v[image * 15 + r as usize * 5 + c as usize]
            } else {
                0.0
            }
        });
        let want = Tensor::from_vec(want.collect(), &[2, 2, 2, 3, oh, ow]).expect("as many");
        vec![Case::new(Unfold2d { window }, vec![x]).want(vec![want])]
    }
}

impl Op for Fold2d {
    const NAME: &'static str = "fold2d";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("fold2d")?;
        let want = self
            .window
            .output(self.size)
            .map(|o| [self.window.kernel, o].concat());
        if x[0].rank() != 6 || want.as_deref() != Some(&x[0].shape[2..]) {
            return Err(Error::shape(format!(
                "fold2d: columns {:?} do not come from an image of {:?}",
                x[0].shape, self.size
            )));
        }
        Ok(smallvec![x[0].with_shape(&[
            x[0].shape[0],
            x[0].shape[1],
            self.size[0],
            self.size[1]
        ])])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::col2im(&x[0], &self.window, self.size)])
    }

    fn vjp(&self, _: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| unfold(g, self.window))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| fold(t, self.window, self.size))]
    }

    fn batch(&self, x: &[Var], _: &[bool], n: usize) -> Result<Outs<Var>> {
        Ok(smallvec![split_batch(
            &fold(&join_batch(&x[0]), self.window, self.size),
            [n, x[0].shape()[1]]
        )])
    }

    crate::fields!(window, size);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let window = Window {
            kernel: [2, 2],
            stride: [1, 1],
            padding: [1, 0],
            dilation: [1, 2],
        };
        let [oh, ow] = window.output([3, 4]).expect("it fits");
        vec![Case::new(
            Fold2d {
                window,
                size: [3, 4],
            },
            vec![floats(rng, &[1, 2, 2, 2, oh, ow], -1.0, 1.0)],
        )]
    }
}

fn unfold(x: &Var, window: Window) -> Var {
    crate::engine::apply::one(Unfold2d { window }, smallvec![x.clone()])
}

fn fold(x: &Var, window: Window, size: [usize; 2]) -> Var {
    crate::engine::apply::one(Fold2d { window, size }, smallvec![x.clone()])
}
