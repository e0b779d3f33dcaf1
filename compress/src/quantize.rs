//! Static 8-bit quantisation of a program, by rewriting it.
//!
//! The program runs on calibration rows while observers watch the input of every dense layer. Then
//! each `linear` becomes a `linear_int8`. Where a layer's answer goes to dense layers alone it stays
//! in codes; elsewhere floats go on as before, and `quantize` stands where they become codes.

use std::collections::BTreeMap;

use lepton_autograd::{Attrs, DType, Error, Op, Result, Tensor, Var, no_grad};
use lepton_nn::{Instruction, Program};
use lepton_tensor::ops::QuantParams;

use crate::observer::{MinMax, RangeObserver, quantize_rows};
use crate::ops::{LinearInt8, Quantize, catalogue};

/// Rows that the program is run on at a time.
const ROWS: usize = 1024;

/// The program with its dense layers on 8-bit integers, every op made: weights as i8 codes with a
/// scale for each row, activations as u8 codes over the range they have on `calibration`.
///
/// The calibration rows should look like those of later use; a few hundred do. What lies beyond
/// their range is held at its end.
///
/// ```
/// use lepton_autograd::{DType, Tensor, Var};
/// use lepton_compress::quantize_program;
/// use lepton_nn::{Mlp, Program, Rng};
/// let net = Mlp::new(&[4, 64, 3], &mut Rng::new(0));
/// let program = Program::trace(&net, &[1, 4], DType::F32)?;
/// let rows = Tensor::from_vec((0..400).map(|i| (i as f32).sin()).collect(), &[100, 4])?;
/// let small = quantize_program(&program, &rows)?;
/// let (x, a) = (Var::from(rows), |p: &Program, x: &Var| p.run(&[x.clone()]));
/// let far = (&a(&program, &x)?[0] - &a(&small, &x)?[0]).abs().amax(&[]).item()?;
/// assert!(far < 0.02, "{far}");
/// assert!(small.bytes() < program.bytes() / 2);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When there are no calibration rows, a value on them is not finite, or the program has no dense
/// layer whose weights are f32 parameters.
pub fn quantize_program(program: &Program, calibration: &Tensor) -> Result<Program> {
    quantize_program_with(program, calibration, || Box::new(MinMax::default()))
}

/// As [`quantize_program`], with an observer of your own for each activation.
///
/// # Errors
/// As [`quantize_program`].
pub fn quantize_program_with(
    program: &Program,
    calibration: &Tensor,
    observer: impl Fn() -> Box<dyn RangeObserver>,
) -> Result<Program> {
    let program = fuse_relu(program.clone());
    let layers = dense_layers(&program);
    if layers.is_empty() {
        return Err(Error::value(
            "quantize_program: the program has no dense layer with f32 parameters",
        ));
    }
    let watched: Vec<usize> = layers.values().map(|s| s.inputs[0]).collect();
    let codes = calibrate(&program, watched, calibration, &observer)?;
    let rewrite = Rewrite {
        out: Program {
            instructions: Vec::new(),
            ..program.clone()
        },
        next: program.next_value(),
        from: &program,
        layers: &layers,
        codes: &codes,
        coded: BTreeMap::new(),
    };
    rewrite.run()?.prepare(&catalogue())
}

/// The instructions to replace, by their place.
type Layers = BTreeMap<usize, Instruction>;

/// Dense layers of f32 whose weights and bias are tensors of the program.
fn dense_layers(program: &Program) -> Layers {
    let tensor = |id: &usize| program.name(*id).map(|path| &program.tensors[path]);
    let fits = |s: &Instruction| {
        s.op == "linear"
            && s.inputs[1..]
                .iter()
                .all(|id| tensor(id).is_some_and(|t| t.dtype() == DType::F32))
    };
    let all = program.instructions.iter().enumerate();
    all.filter(|(_, s)| fits(s))
        .map(|(i, s)| (i, s.clone()))
        .collect()
}

/// The program with each rectifier that alone follows a dense layer made part of it.
fn fuse_relu(mut program: Program) -> Program {
    let mut i = 0;
    while i < program.instructions.len() {
        let step = &program.instructions[i];
        let follows = || {
            let from = program
                .instructions
                .iter()
                .position(|s| s.outputs.contains(&step.inputs[0]))?;
            let alone = readers(&program, step.inputs[0]).count() == 1
                && !program.outputs.contains(&step.inputs[0]);
            (alone && program.instructions[from].op == "linear").then_some(from)
        };
        match (step.op == "relu").then(follows).flatten() {
            None => i += 1,
            Some(from) => {
                let outputs = program.instructions.remove(i).outputs;
                let old = &program.instructions[from];
                // A second rectifier changes nothing, so the flag is set whatever it was.
                let attrs = Attrs::new().flag("relu", true);
                program.instructions[from] =
                    Instruction::new("linear", attrs, old.inputs.clone(), outputs);
            }
        }
    }
    program
}

/// Instructions that read value `id`, each as often as it does.
fn readers(program: &Program, id: usize) -> impl Iterator<Item = (usize, usize)> {
    let of = move |(i, s): (usize, &Instruction)| {
        let places = s.inputs.iter().enumerate().filter(move |(_, v)| **v == id);
        places.map(|(place, _)| (i, place)).collect::<Vec<_>>()
    };
    program.instructions.iter().enumerate().flat_map(of)
}

/// Codes of each watched value over its range on the calibration rows.
fn calibrate(
    program: &Program,
    mut watched: Vec<usize>,
    rows: &Tensor,
    observer: &impl Fn() -> Box<dyn RangeObserver>,
) -> Result<BTreeMap<usize, QuantParams>> {
    watched.sort_unstable();
    watched.dedup();
    let n = rows.shape().first().copied().unwrap_or(0);
    if n == 0 || rows.is_meta() {
        return Err(Error::value(
            "quantize_program: there are no calibration rows; give rows with elements",
        ));
    }
    let watching = Program {
        outputs: watched.clone(),
        ..program.clone()
    }
    .prepare(&catalogue())?;
    let mut observers: Vec<_> = watched.iter().map(|_| observer()).collect();
    for start in (0..n).step_by(ROWS) {
        let part = Var::from(rows.slice(0, start, ROWS.min(n - start), 1)?);
        let values = no_grad(|| watching.run(&[part]))?;
        for (o, v) in observers.iter_mut().zip(&values) {
            o.observe(v.tensor())
                .map_err(|e| e.at("quantize_program"))?;
        }
    }
    let mut codes = BTreeMap::new();
    for (id, o) in watched.into_iter().zip(observers) {
        let range = o.range().ok_or_else(|| {
            Error::value("quantize_program: a dense layer reads a value without elements")
        })?;
        codes.insert(id, range.affine_fine(0, 255)?);
    }
    Ok(codes)
}

/// A rewriting under way.
struct Rewrite<'a> {
    out: Program,
    next: usize,
    from: &'a Program,
    layers: &'a Layers,
    codes: &'a BTreeMap<usize, QuantParams>,
    /// Values that are there as codes too (or only), and under which number.
    coded: BTreeMap<usize, usize>,
}

impl Rewrite<'_> {
    fn run(mut self) -> Result<Program> {
        for (i, step) in self.from.instructions.iter().enumerate() {
            match self.layers.get(&i) {
                Some(layer) => self.dense(layer)?,
                None => self.out.instructions.push(step.clone()),
            }
        }
        self.out.drop_unused();
        Ok(self.out)
    }

    fn dense(&mut self, layer: &Instruction) -> Result<()> {
        let (x, y) = (layer.inputs[0], layer.outputs[0]);
        let output = self.stays_coded(y).then(|| self.codes[&y]);
        let op = LinearInt8::new(self.codes[&x], output, layer.attrs.get_flag("relu")?);
        let mut inputs = vec![self.coded(x)];
        inputs.extend(self.weights(layer.inputs[1])?);
        inputs.extend(layer.inputs.get(2));
        self.push(&op, inputs, y);
        if output.is_some() {
            self.coded.insert(y, y);
        }
        Ok(())
    }

    /// Whether every reader of `id` is a dense layer that takes codes.
    fn stays_coded(&self, id: usize) -> bool {
        let takes = |(i, place): (usize, usize)| place == 0 && self.layers.contains_key(&i);
        let mut all = readers(self.from, id).peekable();
        all.peek().is_some() && all.all(takes) && !self.from.outputs.contains(&id)
    }

    /// The codes of value `x`, made here when they are not there yet.
    fn coded(&mut self, x: usize) -> usize {
        if let Some(&id) = self.coded.get(&x) {
            return id;
        }
        let id = self.fresh();
        self.push(&Quantize(self.codes[&x]), vec![x], id);
        self.coded.insert(x, id);
        id
    }

    /// The codes and scales of the weights that value `w` stands for.
    fn weights(&mut self, w: usize) -> Result<[usize; 2]> {
        let path = self
            .from
            .name(w)
            .expect("a dense layer's weights have a path");
        let (codes, scales) = quantize_rows(&self.from.tensors[path]).map_err(|e| e.at(path))?;
        let ids = [("codes", codes), ("scale", scales)]
            .map(|(what, t)| self.add(&format!("{path}.{what}"), t));
        Ok(ids)
    }

    fn add(&mut self, path: &str, tensor: Tensor) -> usize {
        if let Some(found) = self.out.names.iter().find(|n| n.1 == path) {
            return found.0;
        }
        let id = self.fresh();
        self.out.tensors.insert(path.to_owned(), tensor);
        self.out.names.push((id, path.to_owned()));
        id
    }

    fn fresh(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn push<O: Op>(&mut self, op: &O, inputs: Vec<usize>, output: usize) {
        let step = Instruction::new(O::NAME, Op::attrs(op), inputs, vec![output]);
        self.out.instructions.push(step);
    }
}
