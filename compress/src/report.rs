//! What a model weighs, layer by layer, before and after.

use std::collections::BTreeMap;
use std::fmt;

use lepton_autograd::{Meta, Tensor};
use lepton_nn::{Params, Program};

/// What tensors weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Elements.
    pub params: usize,
    /// Bytes they are stored in.
    pub bytes: usize,
    /// Elements that are not zero.
    pub nonzero: usize,
}

impl Size {
    /// What one tensor weighs.
    pub fn of(tensor: &Tensor) -> Size {
        let meta: &Meta = tensor.meta();
        let nonzero = tensor.to_f64().into_iter().filter(|x| *x != 0.0).count();
        Size {
            params: meta.numel(),
            bytes: meta.numel() * meta.dtype.size(),
            nonzero,
        }
    }

    /// What all tensors of a program weigh.
    pub fn of_program(program: &Program) -> Size {
        program.tensors.values().map(Size::of).sum()
    }

    /// What all parameters and buffers of a module weigh.
    pub fn of_module(module: &dyn Params) -> Size {
        module.state().values().map(Size::of).sum()
    }

    /// The share of elements that are zero.
    pub fn sparsity(&self) -> f64 {
        (self.params - self.nonzero) as f64 / self.params.max(1) as f64
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Size>>(all: I) -> Size {
        all.fold(Size::default(), |a, b| Size {
            params: a.params + b.params,
            bytes: a.bytes + b.bytes,
            nonzero: a.nonzero + b.nonzero,
        })
    }
}

/// Two models side by side, layer by layer.
///
/// ```
/// use lepton_autograd::{DType, Tensor};
/// use lepton_compress::{Report, quantize_program};
/// use lepton_nn::{Mlp, Program, Rng};
/// let program = Program::trace(&Mlp::new(&[30, 16, 2], &mut Rng::new(0)), &[1, 30], DType::F32)?;
/// let small = quantize_program(&program, &Tensor::from_vec(vec![0.5f32; 60], &[2, 30])?)?;
/// let report = Report::new(&program, &small);
/// assert_eq!(report.layers[0].0, "layers.0");
/// assert_eq!((report.before().bytes, report.after().bytes), (2120, 656));
/// println!("{report}");
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each layer's path, and what it weighs before and after.
    pub layers: Vec<(String, Size, Size)>,
}

impl Report {
    /// `before` and `after` side by side; a layer that one of them lacks weighs nothing there.
    pub fn new(before: &Program, after: &Program) -> Report {
        let mut layers: BTreeMap<String, [Size; 2]> = BTreeMap::new();
        for (side, program) in [before, after].into_iter().enumerate() {
            for (path, tensor) in &program.tensors {
                let entry = &mut layers.entry(layer(path).to_owned()).or_default()[side];
                *entry = [*entry, Size::of(tensor)].into_iter().sum();
            }
        }
        let row = |(path, [before, after]): (String, [Size; 2])| (path, before, after);
        Report {
            layers: layers.into_iter().map(row).collect(),
        }
    }

    /// The whole model before.
    pub fn before(&self) -> Size {
        self.layers.iter().map(|l| l.1).sum()
    }

    /// The whole model after.
    pub fn after(&self) -> Size {
        self.layers.iter().map(|l| l.2).sum()
    }
}

/// The layer that a tensor belongs to: its path up to `weight` or `bias`.
fn layer(path: &str) -> &str {
    let own = [".weight", ".bias"]
        .iter()
        .filter_map(|name| path.find(name))
        .min();
    own.map_or(path, |at| &path[..at])
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24} {:>12} {:>12} {:>8}",
            "layer", "bytes before", "bytes after", "share"
        )?;
        let total = ("total".to_owned(), self.before(), self.after());
        for (path, before, after) in self.layers.iter().chain([&total]) {
            let share = 100.0 * after.bytes as f64 / before.bytes.max(1) as f64;
            writeln!(
                f,
                "{path:<24} {:>12} {:>12} {share:>6.1} %",
                before.bytes, after.bytes
            )?;
        }
        Ok(())
    }
}
