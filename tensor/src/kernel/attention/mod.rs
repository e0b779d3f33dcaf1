//! Softmax attention in tiles; `README.md` beside this file tells how and why.

mod backward;
mod forward;
mod heads;
mod tile;

pub(crate) use backward::{Gradients, backward};
pub(crate) use forward::forward;
pub(crate) use heads::{Heads, ScoreMask, side_by_side};

#[cfg(test)]
mod tests;
