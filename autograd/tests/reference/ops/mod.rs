//! From the name of a function to the library's methods, by group. The arguments decide variants.

mod activation;
mod attention;
mod binary;
mod compare;
mod index;
mod integer;
mod linalg;
mod matmul;
mod network;
mod norm;
mod reduce;
mod unary;
mod view;

use lepton_autograd::Var;

use crate::call::{Call, Out};
use crate::report::{Stop, lacks};

/// What a group answers when the function is none of its own.
const ELSEWHERE: &str = "elsewhere";

/// The answer for a function that a group does not know.
fn elsewhere() -> Out {
    lacks(ELSEWHERE)
}

/// Runs the call in the first group that knows the function.
pub(crate) fn evaluate(c: &Call<'_>) -> Out {
    let groups = [
        unary::call,
        activation::call,
        binary::call,
        compare::call,
        reduce::call,
        view::call,
        index::call,
        matmul::call,
        linalg::call,
        integer::call,
        network::call,
        norm::call,
        attention::call,
    ];
    for group in groups {
        match group(c) {
            Err(Stop::Unsupported(why)) if why == ELSEWHERE => {}
            answer => return answer,
        }
    }
    lacks(format!("the function {}", c.op))
}

/// One output of the one tensor.
fn one(c: &Call<'_>, f: impl Fn(&Var) -> Var) -> Out {
    Ok(vec![f(&c.var(0)?)])
}

/// One output of two tensors.
fn two(c: &Call<'_>, f: impl Fn(&Var, &Var) -> Var) -> Out {
    Ok(vec![f(&c.var(0)?, &c.var(1)?)])
}

fn pair((a, b): (Var, Var)) -> Out {
    Ok(vec![a, b])
}
