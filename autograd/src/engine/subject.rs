//! A case with its op's type forgotten, and what every check asks of it.

use lepton_tensor::random::Rng;
use lepton_tensor::{Meta, Result, Tensor, simd};

use crate::engine::attrs::{Attr, Attrs};
use crate::engine::case::{Case, Gradient};
use crate::engine::catalogue::Listed;
use crate::engine::op::{AnyOp, Ins, Op, Outs};
use crate::engine::scope;
use crate::engine::var::Var;

/// An op on inputs, as the checks see it.
pub(crate) struct Subject {
    name: &'static str,
    seed: u64,
    index: usize,
    pub(crate) op: Box<dyn AnyOp>,
    pub(crate) make: fn(&Attrs) -> Result<Box<dyn AnyOp>>,
    /// Shape rule and [`Op::forward`], past the short form that the op may have.
    pub(crate) long: fn(&Attrs, &mut [Tensor]) -> Result<Outs<Tensor>>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) want: Option<Vec<Tensor>>,
    pub(crate) random: bool,
    pub(crate) by_strides: bool,
    pub(crate) no_repeats: bool,
    pub(crate) loops: bool,
    gradients: Vec<Gradient>,
    /// Other inputs of the same shapes, where the op's cases have them: more examples for a batch.
    others: Vec<Vec<Tensor>>,
}

/// The cases of `O` at `seed`, ready to check.
pub(crate) fn subjects<O: Op + Listed>(seed: u64) -> Vec<Subject> {
    let cases = |step: u64| O::cases(&mut Rng::new(seed.wrapping_add(step)));
    let more = [cases(0x9e37_79b9), cases(0x7f4a_7c15)];
    let of = |(index, case): (usize, Case<O>)| {
        let fits = |c: &&Case<O>| {
            Op::attrs(&c.op) == Op::attrs(&case.op)
                && c.inputs.len() == case.inputs.len()
                && c.inputs
                    .iter()
                    .zip(&case.inputs)
                    .all(|(a, b)| a.meta() == b.meta())
        };
        let other = |all: &Vec<Case<O>>| {
            all.get(index)
                .filter(fits)
                .map_or_else(|| case.inputs.clone(), |c| c.inputs.clone())
        };
        Subject {
            name: O::NAME,
            seed,
            index,
            make: |attrs| Ok(Box::new(O::from_attrs(attrs)?)),
            long: |attrs, x| {
                let op = O::from_attrs(attrs)?;
                let metas: Ins<Meta> = x.iter().map(|t| t.meta().clone()).collect();
                let out = Op::infer(&op, &metas.iter().collect::<Ins<&Meta>>())?;
                op.forward(x, &out)
            },
            others: more.iter().map(other).collect(),
            op: Box::new(case.op.clone()),
            inputs: case.inputs.clone(),
            want: case.want.clone(),
            random: case.random,
            by_strides: case.by_strides,
            no_repeats: case.no_repeats,
            loops: O::LOOPS,
            gradients: case.gradients.clone(),
        }
    };
    cases(0).into_iter().enumerate().map(of).collect()
}

impl Subject {
    /// What a failure says first: op, seed, case, inputs with their strides, SIMD level.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{}: seed {}, case {} on {}, level {}",
            self.name,
            self.seed,
            self.index,
            layout_of(&self.inputs),
            simd::level().name()
        )
    }

    /// Positions of inputs with a gradient of any kind.
    pub(crate) fn floats(&self) -> Vec<usize> {
        self.at(|g| g != Gradient::None)
    }

    /// Positions of inputs whose gradient is checked against `kind`.
    pub(crate) fn of_kind(&self, kind: Gradient) -> Vec<usize> {
        self.at(|g| g == kind)
    }

    fn at(&self, is: impl Fn(Gradient) -> bool) -> Vec<usize> {
        (0..self.inputs.len())
            .filter(|&i| is(self.gradients[i]))
            .collect()
    }

    /// The inputs of three examples of these shapes.
    pub(crate) fn examples(&self) -> [&[Tensor]; 3] {
        [&self.inputs, &self.others[0], &self.others[1]]
    }

    /// Every output of the op at `x`.
    pub(crate) fn call(&self, x: impl IntoIterator<Item = Var>) -> Vec<Var> {
        call(self.op.as_ref(), x)
    }

    /// The outputs at `x`, without recording.
    pub(crate) fn run(&self, x: &[Tensor]) -> Vec<Tensor> {
        let y = scope::no_grad(|| self.call(x.iter().cloned().map(Var::from)));
        y.into_iter().map(Var::into_tensor).collect()
    }

    /// The float outputs as a function of the inputs at `at`, the others as they are in `x`.
    pub(crate) fn function(
        &self,
        x: &[Tensor],
        at: &[usize],
    ) -> impl Fn(&[Var]) -> Vec<Var> + use<'_> {
        let (constants, at): (Vec<Var>, Vec<usize>) =
            (x.iter().cloned().map(Var::from).collect(), at.to_vec());
        move |z| {
            let mut all = constants.clone();
            at.iter().zip(z).for_each(|(&i, z)| all[i] = z.clone());
            let mut y = self.call(all);
            y.retain(|y| y.dtype().is_float());
            y
        }
    }

    /// One cotangent per float output at `x`.
    pub(crate) fn cotangents(&self, x: &[Tensor]) -> Vec<Var> {
        let mut rng = Rng::new(self.seed ^ 0xc07a);
        let y = self.run(x);
        let floats = y.iter().filter(|y| y.dtype().is_float());
        floats.map(|y| direction(&mut rng, y)).collect()
    }

    /// One tangent per input of [`Subject::floats`]; `salt` gives others.
    pub(crate) fn tangents(&self, salt: u64) -> Vec<Var> {
        let mut rng = Rng::new(self.seed ^ salt);
        self.floats()
            .iter()
            .map(|&i| direction(&mut rng, &self.inputs[i]))
            .collect()
    }

    /// Gradients at `x` for cotangents `u`, of each input of [`Subject::floats`].
    pub(crate) fn pull(&self, x: &[Tensor], u: &[Var]) -> std::result::Result<Vec<Tensor>, String> {
        let at = self.floats();
        let leaves: Vec<Var> = at.iter().map(|&i| Var::leaf(x[i].clone())).collect();
        let y = self.function(x, &at)(&leaves);
        let g = crate::vjp(&y, u, &leaves).map_err(|e| e.to_string())?;
        Ok(g.into_iter().map(Var::into_tensor).collect())
    }

    /// The same case in f32: floats rounded, and dtypes among the attributes changed with them.
    pub(crate) fn single(&self) -> std::result::Result<Subject, String> {
        let mut attrs = Attrs::new();
        for (name, value) in self.op.attrs().iter() {
            let f64_text = matches!(value, Attr::Text(t) if t == "f64");
            let value = if f64_text {
                Attr::Text("f32".to_owned())
            } else {
                value.clone()
            };
            attrs = attrs.put(name, value);
        }
        let round = |all: &[Tensor]| all.iter().map(|t| recast(t, true)).collect::<Vec<Tensor>>();
        Ok(Subject {
            op: (self.make)(&attrs).map_err(|e| e.to_string())?,
            inputs: round(&self.inputs),
            others: self.others.iter().map(|o| round(o)).collect(),
            gradients: self.gradients.clone(),
            want: None,
            ..*self
        })
    }

    /// The case of another op of the same name.
    pub(crate) fn with_op(&self, op: Box<dyn AnyOp>) -> Subject {
        Subject {
            op,
            inputs: self.inputs.clone(),
            others: self.others.clone(),
            gradients: self.gradients.clone(),
            want: None,
            ..*self
        }
    }
}

/// Every output of `op` at `x`; failures panic with the op's sentence.
pub(crate) fn call(op: &dyn AnyOp, x: impl IntoIterator<Item = Var>) -> Vec<Var> {
    let x: Ins<Var> = x.into_iter().collect();
    crate::engine::apply::apply_any(op, x)
        .unwrap_or_else(|e| panic!("{e}"))
        .into_vec()
}

/// Floats of `t` as f32, or back as f64; other dtypes as they are.
pub(crate) fn recast(t: &Tensor, single: bool) -> Tensor {
    use lepton_tensor::{DType, ops};
    if !t.dtype().is_float() {
        return t.clone();
    }
    ops::cast(t, if single { DType::F32 } else { DType::F64 })
}

/// Normal values of the shape and dtype of `like`.
pub(crate) fn direction(rng: &mut Rng, like: &Tensor) -> Var {
    let wide = Tensor::build(like.shape(), |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.normal())
    });
    lepton_tensor::ops::cast(&wide, like.dtype()).into()
}

/// Dtypes, shapes and strides, for messages.
pub(crate) fn layout_of(x: &[Tensor]) -> String {
    let one = |t: &Tensor| format!("{} {:?} by {:?}", t.dtype(), t.shape(), t.strides());
    let all: Vec<String> = x.iter().map(one).collect();
    if all.is_empty() {
        "no inputs".to_owned()
    } else {
        all.join(", ")
    }
}
