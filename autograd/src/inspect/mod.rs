//! Looking at what ran: counted work, pictures of the graph, gradients against numeric ones.

pub(crate) mod count;
pub(crate) mod gradcheck;
pub(crate) mod graph;
