//! Sizes that name the batch: what two traces with different numbers of rows have in common.

use std::collections::BTreeMap;

use lepton_autograd::{Attr, Attrs, Error, ParamId, Result, Tensor, Trace};

use super::form::{Instruction, Program, Size};

/// The program that both traces are instances of.
pub(super) fn unify(
    two: &Trace,
    three: &Trace,
    params: &BTreeMap<ParamId, (String, Tensor)>,
) -> Result<Program> {
    let differ = || {
        Error::unsupported(
            "program: the module runs other ops for another number of rows; a program runs the same for any",
        )
    };
    if two.steps.len() != three.steps.len() || two.metas.len() != three.metas.len() {
        return Err(differ());
    }
    let mut program = Program::default();
    for &id in &two.inputs {
        let (a, b) = (&two.metas[id], &three.metas[id]);
        let sizes = a
            .shape
            .iter()
            .zip(&b.shape)
            .map(|(&a, &b)| Size::between(a, b))
            .collect::<Option<Vec<_>>>();
        program
            .inputs
            .push((id, a.dtype, sizes.ok_or_else(differ)?));
    }
    for (key, id) in &two.params {
        let (path, tensor) = params.get(key).ok_or_else(|| {
            Error::value("program: the module reads a parameter that its visit does not name")
        })?;
        program.names.push((*id, path.clone()));
        program.tensors.insert(path.clone(), tensor.clone());
    }
    for (n, (id, tensor)) in two.constants.iter().enumerate() {
        if tensor.is_meta() {
            return Err(Error::unsupported(
                "program: the module makes a value that depends on the data's device outside any op",
            ));
        }
        let path = format!("const.{n}");
        program.names.push((*id, path.clone()));
        program.tensors.insert(path, tensor.clone());
    }
    for (a, b) in two.steps.iter().zip(&three.steps) {
        if a.op.name() != b.op.name() || a.inputs != b.inputs || a.outputs != b.outputs {
            return Err(differ());
        }
        let batch = between(&a.op.attrs(), &b.op.attrs()).ok_or_else(differ)?;
        // Made again from its attributes: an op traced on `Meta` must not stay there.
        let made = Some(a.op.with_attrs(&a.op.attrs())?);
        program.instructions.push(Instruction {
            batch,
            made,
            ..Instruction::new(
                a.op.name(),
                a.op.attrs(),
                a.inputs.clone(),
                a.outputs.clone(),
            )
        });
    }
    program.outputs = two.outputs.clone();
    program.check()?;
    Ok(program)
}

/// The sizes of shape attributes that name the batch; `None` when anything else differs.
fn between(two: &Attrs, three: &Attrs) -> Option<Vec<(String, usize, Size)>> {
    let mut out = Vec::new();
    for ((name, a), (other, b)) in two.iter().zip(three.iter()) {
        match (a, b) {
            _ if name != other => return None,
            (Attr::Shape(a), Attr::Shape(b)) if a.len() == b.len() => {
                for (i, (&a, &b)) in a.iter().zip(b).enumerate() {
                    let size = Size::between(a, b)?;
                    if let Size::Batch(_) = size {
                        out.push((name.to_owned(), i, size));
                    }
                }
            }
            (a, b) if a != b => return None,
            _ => {}
        }
    }
    Some(out)
}

/// The attributes for `rows` rows.
pub(super) fn fill(attrs: &Attrs, batch: &[(String, usize, Size)], rows: usize) -> Attrs {
    attrs.iter().fold(Attrs::new(), |out, (name, attr)| {
        let mut attr = attr.clone();
        if let Attr::Shape(sizes) = &mut attr {
            for (_, i, size) in batch.iter().filter(|b| b.0 == name) {
                if let Some(s) = sizes.get_mut(*i) {
                    *s = size.at(rows);
                }
            }
        }
        out.put(name, attr)
    })
}
