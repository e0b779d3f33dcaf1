//! Traces: the ops of a run as data, to be replayed, printed, drawn and rewritten.
//!
//! Values are told apart by their tensor handles, which the tracer holds while it runs, so no
//! handle's number is used twice. What the traced code reads and did not make is a parameter, when
//! it came from one, or a constant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lepton_tensor::{Error, Meta, Result, Tensor};

use crate::engine::op::{AnyOp, Ins};
use crate::engine::param::ParamId;
use crate::engine::var::Var;
use crate::engine::watch::{Watch, watch};

/// The number of a value in a [`Trace`].
pub type ValueId = usize;

/// One op of a trace.
#[derive(Debug)]
pub struct Step {
    /// The op with its attributes.
    pub op: Box<dyn AnyOp>,
    /// The values it reads.
    pub inputs: Vec<ValueId>,
    /// The values it makes.
    pub outputs: Vec<ValueId>,
}

impl Clone for Step {
    fn clone(&self) -> Step {
        Step {
            op: self.op.boxed(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
        }
    }
}

/// A run as data: values by number, and the steps that make them in order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Shape and dtype of every value.
    pub metas: Vec<Meta>,
    /// The values given from outside, in order.
    pub inputs: Vec<ValueId>,
    /// Parameters by identity, in order of first use.
    pub params: Vec<(ParamId, ValueId)>,
    /// Values that were neither: their elements are part of the trace.
    pub constants: Vec<(ValueId, Tensor)>,
    /// The ops, in the order they ran.
    pub steps: Vec<Step>,
    /// The values handed back.
    pub outputs: Vec<ValueId>,
}

/// Records a trace while a closure runs.
#[derive(Default)]
pub(crate) struct Tracer {
    trace: Trace,
    known: HashMap<usize, ValueId>,
    /// Handles stay alive so that their numbers stay theirs.
    held: Vec<Tensor>,
    params: HashMap<usize, (ParamId, Tensor)>,
}

impl Tracer {
    fn value(&mut self, t: &Tensor) -> ValueId {
        let id = self.trace.metas.len();
        self.trace.metas.push(t.meta().clone());
        self.known.insert(t.id(), id);
        self.held.push(t.clone());
        id
    }

    fn read(&mut self, t: &Tensor) -> ValueId {
        if let Some(&id) = self.known.get(&t.id()) {
            return id;
        }
        let id = self.value(t);
        match self.params.get(&t.id()) {
            Some(&(param, _)) => self.trace.params.push((param, id)),
            None => self.trace.constants.push((id, t.clone())),
        }
        id
    }
}

/// The tracer of a scope, which one thread uses.
struct Shared(Mutex<Tracer>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Tracer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Shared {
    fn op(&self, op: &dyn AnyOp, x: &[Tensor], y: &[Tensor]) -> Result<()> {
        let mut tracer = self.lock();
        let inputs = x.iter().map(|t| tracer.read(t)).collect();
        let outputs = y.iter().map(|t| tracer.value(t)).collect();
        tracer.trace.steps.push(Step {
            op: op.boxed(),
            inputs,
            outputs,
        });
        Ok(())
    }

    fn param(&self, id: ParamId, tensor: &Tensor) {
        let entry = (id, tensor.clone());
        self.lock().params.entry(tensor.id()).or_insert(entry);
    }

    fn in_order(&self) -> bool {
        true
    }
}

/// Runs `f` on `inputs` (data, or `Meta` for shapes alone) and writes down what it did.
///
/// ```
/// use lepton_autograd::{Var, trace};
/// let x = Var::new(&[1.0f32, 2.0], &[2]);
/// let t = trace(|x| vec![x[0].exp() * 2.0], &[x]);
/// let y = t.run(&[Var::new(&[0.0f32, 1.0], &[2])], |_| None).unwrap();
/// assert_eq!(y[0].to_vec::<f32>().unwrap()[0], 2.0);
/// ```
pub fn trace(f: impl FnOnce(&[Var]) -> Vec<Var>, inputs: &[Var]) -> Trace {
    let shared = Arc::new(Shared(Mutex::default()));
    // Each input gets a handle of its own, also when one tensor is given twice.
    let own: Vec<Var> = inputs.iter().map(own_handle).collect();
    for x in &own {
        let mut tracer = shared.lock();
        let id = tracer.value(x.tensor());
        tracer.trace.inputs.push(id);
    }
    let out = watch(Arc::<Shared>::clone(&shared), || f(&own));
    let mut tracer = std::mem::take(&mut *shared.lock());
    for y in &out {
        let id = tracer.read(y.tensor());
        tracer.trace.outputs.push(id);
    }
    tracer.trace
}

fn own_handle(x: &Var) -> Var {
    let t = x.tensor();
    let fresh = t.expand(t.shape()).expect("a shape broadcasts to itself");
    Var::from_parts(fresh, x.edge().clone())
}

impl Trace {
    /// Runs the steps on other inputs; `param` gives the values of parameters.
    ///
    /// # Errors
    /// When an input or a parameter is missing or an op refuses its inputs.
    pub fn run(&self, inputs: &[Var], param: impl Fn(ParamId) -> Option<Var>) -> Result<Vec<Var>> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::value(format!(
                "trace: wants {} inputs, got {}",
                self.inputs.len(),
                inputs.len()
            )));
        }
        let mut values: Vec<Option<Var>> = vec![None; self.metas.len()];
        for (&id, x) in self.inputs.iter().zip(inputs) {
            values[id] = Some(x.clone());
        }
        for (id, t) in &self.constants {
            values[*id] = Some(Var::from(t.clone()));
        }
        for &(key, id) in &self.params {
            let found = param(key).ok_or_else(|| {
                Error::value(format!("trace: no value for the parameter {key:?}"))
            })?;
            values[id] = Some(found);
        }
        self.steps(&mut values)?;
        Ok(self
            .outputs
            .iter()
            .map(|&id| values[id].clone().expect("a traced output was made"))
            .collect())
    }

    fn steps(&self, values: &mut [Option<Var>]) -> Result<()> {
        let last = self.last_uses();
        for (i, step) in self.steps.iter().enumerate() {
            // A value read for the last time is given away, so that its buffer can be reused.
            let take = |&id: &ValueId, values: &mut [Option<Var>]| {
                let more = step.inputs.iter().filter(|&&j| j == id).count() > 1;
                let v = if last[id] == i && !more {
                    values[id].take()
                } else {
                    values[id].clone()
                };
                v.ok_or_else(|| {
                    Error::format(format!(
                        "trace: step {i} ({}) reads value {id} before it is made",
                        step.op.name()
                    ))
                })
            };
            let x = step
                .inputs
                .iter()
                .map(|id| take(id, values))
                .collect::<Result<Ins<Var>>>()?;
            let y = crate::engine::apply::apply_any(step.op.as_ref(), x)?;
            for (&id, v) in step.outputs.iter().zip(y) {
                values[id] = Some(v);
            }
        }
        Ok(())
    }

    /// For each value the step that reads it last; outputs of the trace are never given away.
    fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![usize::MAX; self.metas.len()];
        for (i, step) in self.steps.iter().enumerate() {
            step.inputs.iter().for_each(|&id| last[id] = i);
        }
        self.outputs.iter().for_each(|&id| last[id] = usize::MAX);
        last
    }
}
