//! What a module is made of, without running it on data.

use std::fmt;

use lepton_autograd::{Cost, DType, Device, Meta, Result, Tensor, Var, count};

use crate::module::Module;
use crate::program::Program;

/// One op of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The path of the parameters it reads, or empty.
    pub path: String,
    /// The op.
    pub op: String,
    /// The shape of its output.
    pub shape: Vec<usize>,
    /// Elements of the parameters it reads.
    pub params: usize,
}

/// A module's ops, parameters and cost for one shape of input, found on the device `Meta`.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The ops in order.
    pub rows: Vec<Row>,
    /// Trained elements.
    pub params: usize,
    /// Bytes of parameters.
    pub bytes: usize,
    /// Flops and bytes moved by one forward pass.
    pub cost: Cost,
    /// Shape and dtype of the output.
    pub output: Meta,
}

/// The summary of `module` for inputs of `shape`, whose axis 0 is the batch.
///
/// ```
/// use lepton_autograd::DType;
/// use lepton_nn::{Mlp, Rng, summary};
/// let s = summary(&Mlp::new(&[784, 32, 10], &mut Rng::new(0)), &[64, 784], DType::F32)?;
/// assert_eq!((s.params, &s.output.shape[..]), (784 * 32 + 32 + 32 * 10 + 10, &[64, 10][..]));
/// println!("{s}");
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When the module cannot be traced on that shape.
pub fn summary(module: &impl Module, shape: &[usize], dtype: DType) -> Result<Summary> {
    let x = Var::zeros(shape, dtype, Device::Meta);
    let (y, counts) = count(|| crate::eval(|| module.forward(&x)));
    let program = Program::trace(module, shape, dtype)?;
    let shapes = program.shapes(shape.first().copied().unwrap_or(0))?;
    let row = |s: &crate::program::Instruction| {
        let read: Vec<&str> = s.inputs.iter().filter_map(|&id| program.name(id)).collect();
        let path = read
            .first()
            .map_or("", |p| p.rsplit_once('.').map_or(*p, |(head, _)| head));
        Row {
            path: path.to_owned(),
            op: s.op.clone(),
            shape: shapes[s.outputs[0]].clone(),
            params: read.iter().map(|p| program.tensors[*p].numel()).sum(),
        }
    };
    let bytes = module
        .params()
        .iter()
        .map(|(_, p)| bytes_of(p.tensor()))
        .sum();
    Ok(Summary {
        rows: program.instructions.iter().map(row).collect(),
        params: module.num_params(),
        bytes,
        cost: counts.cost,
        output: y.meta().clone(),
    })
}

fn bytes_of(t: &Tensor) -> usize {
    t.numel() * t.dtype().size()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24} {:<14} {:<20} {:>12}",
            "path", "op", "output", "parameters"
        )?;
        for r in &self.rows {
            writeln!(
                f,
                "{:<24} {:<14} {:<20} {:>12}",
                r.path,
                r.op,
                format!("{:?}", r.shape),
                r.params
            )?;
        }
        writeln!(f, "{} parameters, {} bytes", self.params, self.bytes)?;
        write!(
            f,
            "one forward pass: {} flops, {} bytes moved",
            self.cost.flops, self.cost.bytes
        )
    }
}
