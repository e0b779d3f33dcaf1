//! Looking at what ran: results that are not finite, counted work, pictures of the graph, gradients against numeric ones.

pub(crate) mod anomaly;
pub(crate) mod count;
pub(crate) mod gradcheck;
pub(crate) mod graph;
