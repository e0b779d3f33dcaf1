//! Two-dimensional convolution, and the windows it is made of.

use lepton_tensor::ops::{self, Window};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::attrs::Attrs;
use crate::case::{Case, floats};
use crate::lift::all_batched;
use crate::node::Saved;
use crate::op::{Cost, Ins, Keeps, Op, Outs};
use crate::var::Var;

fn window_attrs(w: &Window) -> Attrs {
    Attrs::new()
        .ints("kernel", &w.kernel)
        .ints("stride", &w.stride)
        .ints("padding", &w.padding)
        .ints("dilation", &w.dilation)
}

fn window_from(a: &Attrs) -> Result<Window> {
    Ok(Window {
        kernel: a.get_pair("kernel")?,
        stride: a.get_pair("stride")?,
        padding: a.get_pair("padding")?,
        dilation: a.get_pair("dilation")?,
    })
}

/// The output size of a window over an image, or why there is none.
fn output(what: &str, w: &Window, x: &Meta) -> Result<[usize; 2]> {
    x.dtype.want_float(what)?;
    let [_, _, h, wd] = x.shape[..] else {
        return Err(Error::shape(format!(
            "{what}: wants [batch, channels, height, width], got {:?}",
            x.shape
        )));
    };
    w.output([h, wd]).ok_or_else(|| {
        Error::shape(format!(
            "{what}: a window of {:?} by {:?}, dilated {:?}, does not fit an image of [{h}, {wd}] with padding {:?}",
            w.kernel, w.stride, w.dilation, w.padding
        ))
    })
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

    fn attrs(&self) -> Attrs {
        window_attrs(&self.window)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Unfold2d {
            window: window_from(a)?,
        })
    }

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

    fn attrs(&self) -> Attrs {
        window_attrs(&self.window).ints("size", &self.size)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Fold2d {
            window: window_from(a)?,
            size: a.get_pair("size")?,
        })
    }

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
    crate::apply::one(Unfold2d { window }, smallvec![x.clone()])
}

fn fold(x: &Var, window: Window, size: [usize; 2]) -> Var {
    crate::apply::one(Fold2d { window, size }, smallvec![x.clone()])
}

/// The batch of `vmap` and the images' own as one axis, and back.
fn join_batch(x: &Var) -> Var {
    let s = x.shape();
    x.reshape(&[&[s[0] * s[1]], &s[2..]].concat())
}

fn split_batch(y: &Var, [n, images]: [usize; 2]) -> Var {
    y.reshape(&[&[n, images], &y.shape()[1..]].concat())
}

/// Cross-correlation of `x [n, c, h, w]` with `w [k, c / groups, rows, columns]`: PyTorch's
/// `conv2d`, without bias.
#[derive(Clone, Debug)]
pub struct Conv2dOp {
    /// The window; its kernel is that of the weights.
    pub window: Window,
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl Conv2dOp {
    /// Columns as `[n, groups, taps of a group, pixels]`.
    fn columns(&self, x: &Var) -> Var {
        let cols = unfold(x, self.window);
        let s = cols.shape();
        cols.reshape(&[
            s[0],
            self.groups,
            s[1] / self.groups * s[2] * s[3],
            s[4] * s[5],
        ])
    }
}

impl Op for Conv2dOp {
    const NAME: &'static str = "conv2d";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let [oh, ow] = output("conv2d", &self.window, x[0])?;
        let (c, w) = (x[0].shape[1], x[1]);
        let g = self.groups;
        let fits = g > 0
            && w.rank() == 4
            && c % g == 0
            && w.shape[0] % g == 0
            && w.shape[1] == c / g
            && w.shape[2..] == self.window.kernel
            && w.dtype == x[0].dtype;
        if !fits {
            return Err(Error::shape(format!(
                "conv2d: weights {} {:?} do not fit an input of {} {:?} in {g} groups; they are [out, in / groups, rows, columns]",
                w.dtype, w.shape, x[0].dtype, x[0].shape
            )));
        }
        let shape = [x[0].shape[0], w.shape[0], oh, ow];
        lepton_tensor::numel(&shape)?;
        Ok(smallvec![x[0].with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], out: &[Meta]) -> Result<Outs<Tensor>> {
        let (n, k) = (x[0].shape()[0], x[1].shape()[0]);
        let taps = x[1].shape()[1..].iter().product::<usize>();
        let pixels = out[0].shape[2..].iter().product::<usize>();
        let g = self.groups;
        let cols = ops::im2col(&x[0], &self.window).reshape(&[n, g, taps, pixels])?;
        let w = x[1]
            .reshape(&[1, g, k / g, taps])?
            .expand(&[n, g, k / g, taps])?;
        Ok(smallvec![
            ops::matmul(&w, &cols, None, ops::Activation::None).reshape(&out[0].shape)?
        ])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None];
        };
        let (x, w, groups) = (k.input(0), k.input(1), self.groups);
        let (n, out) = (x.shape()[0], w.shape()[0]);
        let taps = w.shape()[1..].iter().product::<usize>();
        let (oh, ow) = (g.shape()[2], g.shape()[3]);
        let g = g.reshape(&[n, groups, out / groups, oh * ow]);
        let gx = || {
            let cols = w.reshape(&[groups, out / groups, taps]).t().matmul(&g);
            let [kh, kw] = self.window.kernel;
            fold(
                &cols.reshape(&[n, x.shape()[1], kh, kw, oh, ow]),
                self.window,
                [x.shape()[2], x.shape()[3]],
            )
        };
        let gw = || g.matmul(&self.columns(&x).t()).sum(&[0]).reshape(w.shape());
        smallvec![k.needs(0).then(gx), k.needs(1).then(gw)]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let again =
            |a: &Var, b: &Var| crate::apply::one(self.clone(), smallvec![a.clone(), b.clone()]);
        let left = t[0].as_ref().map(|t| again(t, &x[1]));
        let right = t[1].as_ref().map(|t| again(&x[0], t));
        smallvec![match (left, right) {
            (Some(l), Some(r)) => Some(l + r),
            (l, r) => l.or(r),
        }]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if !batched[1] {
            let y = crate::apply(self.clone(), smallvec![join_batch(&x[0]), x[1].clone()])?;
            return Ok(smallvec![split_batch(&y[0], [n, x[0].shape()[1]])]);
        }
        // Weights of their own: each example is a group of groups of one wide image.
        let x = all_batched(x, batched, n);
        let (s, w) = (x[0].shape(), x[1].shape());
        if n == 0 {
            let [oh, ow] = output("conv2d", &self.window, &x[0].meta().with_shape(&s[1..]))?;
            let none = [0, s[1], w[1], oh, ow];
            return Ok(smallvec![Var::zeros(&none, x[0].dtype(), x[0].device())]);
        }
        let wide = x[0]
            .permute(&[1, 0, 2, 3, 4])
            .reshape(&[s[1], n * s[2], s[3], s[4]]);
        let op = Conv2dOp {
            window: self.window,
            groups: n * self.groups,
        };
        let y = crate::apply(
            op,
            smallvec![wide, x[1].reshape(&[&[n * w[1]], &w[2..]].concat())],
        )?;
        let o = y[0].shape();
        Ok(smallvec![
            y[0].reshape(&[s[1], n, w[1], o[2], o[3]])
                .permute(&[1, 0, 2, 3, 4])
        ])
    }

    fn attrs(&self) -> Attrs {
        window_attrs(&self.window).int("groups", self.groups as i64)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Conv2dOp {
            window: window_from(a)?,
            groups: a.get_size("groups")?,
        })
    }

    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |x: [usize; 4], k: usize, groups: usize, window: Window| {
            let op = Conv2dOp { window, groups };
            let [kh, kw] = window.kernel;
            let (a, w) = (
                floats(rng, &x, -1.0, 1.0),
                floats(rng, &[k, x[1] / groups, kh, kw], -1.0, 1.0),
            );
            let want = plain_conv(&op, &a, &w);
            Case::new(op, vec![a, w]).want(vec![want])
        };
        let window = |kernel, stride, padding, dilation| Window {
            kernel,
            stride,
            padding,
            dilation,
        };
        vec![
            case([2, 2, 4, 5], 4, 2, window([2, 3], [1, 2], [1, 1], [1, 1])),
            case([1, 3, 3, 3], 2, 1, window([1, 1], [1, 1], [0, 0], [1, 1])),
            case([1, 2, 5, 4], 2, 2, window([2, 2], [2, 1], [0, 1], [2, 1])),
        ]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        let taps = x[1].shape[1..].iter().product::<usize>() as u64;
        let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
        Cost {
            flops: 2 * taps * y[0].numel() as u64,
            bytes: bytes(x[0]) + bytes(x[1]) + bytes(&y[0]),
        }
    }
}

/// Convolution by its definition, seven loops deep.
fn plain_conv(op: &Conv2dOp, x: &Tensor, w: &Tensor) -> Tensor {
    let ([n, c, h, wd], [k, cg, kh, kw]) = (dims(x), dims(w));
    let win = &op.window;
    let [oh, ow] = win.output([h, wd]).expect("it fits");
    let (xv, wv) = (x.to_f64(), w.to_f64());
    let mut y = Vec::with_capacity(n * k * oh * ow);
    for i in 0..n * k * oh * ow {
        let (image, out, r, col) = (i / (k * oh * ow), i / (oh * ow) % k, i / ow % oh, i % ow);
        let mut sum = 0.0;
        for tap in 0..cg * kh * kw {
            let (ci, a, b) = (tap / (kh * kw), tap / kw % kh, tap % kw);
            let channel = out / (k / op.groups) * cg + ci;
            let row = (r * win.stride[0] + a * win.dilation[0]).wrapping_sub(win.padding[0]);
            let column = (col * win.stride[1] + b * win.dilation[1]).wrapping_sub(win.padding[1]);
            if row < h && column < wd {
                sum += xv[((image * c + channel) * h + row) * wd + column]
                    * wv[(out * cg + ci) * kh * kw + a * kw + b];
            }
        }
        y.push(sum);
    }
    Tensor::from_vec(y, &[n, k, oh, ow]).expect("as many")
}

fn dims(x: &Tensor) -> [usize; 4] {
    x.shape().try_into().expect("four axes")
}

/// How a convolution walks; the default is stride 1, no padding, no dilation, one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Zeros around the image.
    pub padding: [usize; 2],
    /// Distance of neighbours in a window.
    pub dilation: [usize; 2],
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl Default for ConvOptions {
    fn default() -> ConvOptions {
        ConvOptions {
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
        }
    }
}

impl Var {
    /// Cross-correlation of images `[n, c, h, w]` with `weight [k, c / groups, rows, columns]`, plus
    /// `bias [k]`: PyTorch's `conv2d`.
    ///
    /// ```
    /// use lepton_autograd::{ConvOptions, DType, Device, Var};
    /// let x = Var::ones(&[1, 1, 3, 3], DType::F32, Device::Cpu);
    /// let w = Var::ones(&[1, 1, 2, 2], DType::F32, Device::Cpu);
    /// let y = x.conv2d(&w, None, ConvOptions::default());
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [4.0; 4]);
    /// ```
    ///
    /// # Panics
    /// When the weights do not fit the channels, or no window fits the image.
    #[track_caller]
    pub fn conv2d(&self, weight: &Var, bias: Option<&Var>, options: ConvOptions) -> Var {
        assert!(
            weight.rank() == 4,
            "conv2d: weights have shape {:?}; they are [out, in / groups, rows, columns]",
            weight.shape()
        );
        let kernel = [weight.shape()[2], weight.shape()[3]];
        let window = Window {
            kernel,
            stride: options.stride,
            padding: options.padding,
            dilation: options.dilation,
        };
        let y = crate::apply::one(
            Conv2dOp {
                window,
                groups: options.groups,
            },
            smallvec![self.clone(), weight.clone()],
        );
        match bias {
            Some(b) => y + b.reshape(&[b.numel(), 1, 1]),
            None => y,
        }
    }
}
