//! The class of diagrams that a diagram stands in.

use super::graph::{Edge, Graph};
use super::meek;
use lepton_tensor::{Error, Result};

impl Graph {
    /// The class of diagrams that no observation tells from this one: its skeleton, the arrows of
    /// its colliders, and what follows from them (Verma & Pearl, 1990; Meek, 1995).
    ///
    /// # Errors
    /// If an edge is undirected or the arrows form a cycle.
    pub fn cpdag(&self) -> Result<Graph> {
        if !self.is_diagram() {
            return Err(Error::value(
                "graph: only a directed graph without cycles has a class of equivalents",
            ));
        }
        let mut class = self.clone();
        for (a, b) in pairs(self) {
            class.connect(a, b);
        }
        for middle in 0..self.nodes() {
            let parents = self.parents(middle);
            for &a in &parents {
                if parents.iter().any(|&b| b != a && !self.is_adjacent(a, b)) {
                    class.direct(a, middle);
                }
            }
        }
        meek::close(&mut class);
        Ok(class)
    }
}

fn pairs(graph: &Graph) -> Vec<(usize, usize)> {
    let ends = |e| match e {
        Edge::Directed(a, b) | Edge::Undirected(a, b) => (a, b),
    };
    graph.edges().into_iter().map(ends).collect()
}
