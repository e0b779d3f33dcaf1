//! What follows from arrows that are already known.

use super::graph::{Edge, Graph};

/// Directs each undirected edge that could point only one way without a new collider or a cycle
/// (Meek, 1995, rules 1 to 3; the fourth needs arrows from other knowledge).
///
/// It goes in rounds: what follows from the graph as it stands is found first and drawn then, so
/// the order of the nodes has no say. On a graph whose arrows contradict each other (a sample's
/// tests can) an edge that would have to point both ways, or close a cycle, stays undirected; those are returned.
pub(super) fn close(graph: &mut Graph) -> Vec<(usize, usize)> {
    loop {
        let mut found = Vec::new();
        for edge in graph.edges() {
            if let Edge::Undirected(a, b) = edge {
                match (follows(graph, a, b), follows(graph, b, a)) {
                    (true, false) => found.push((a, b)),
                    (false, true) => found.push((b, a)),
                    _ => {}
                }
            }
        }
        let mut drawn = graph.clone();
        for &(a, b) in &found {
            drawn.direct(a, b);
        }
        found.retain(|&(a, b)| !drawn.reaches(b, a));
        if found.is_empty() {
            return torn(graph);
        }
        for (a, b) in found {
            graph.direct(a, b);
        }
    }
}

/// The undirected edges of a closed graph that rules would direct all the same.
fn torn(graph: &Graph) -> Vec<(usize, usize)> {
    let torn = |edge| match edge {
        Edge::Undirected(a, b) if follows(graph, a, b) || follows(graph, b, a) => Some((a, b)),
        _ => None,
    };
    graph.edges().into_iter().filter_map(torn).collect()
}

/// Whether the undirected edge between `a` and `b` has to be `a -> b`.
fn follows(g: &Graph, a: usize, b: usize) -> bool {
    let all = || 0..g.nodes();
    // Rule 1: c -> a -- b with c and b apart; b -> a would make a collider at a.
    let no_collider = || all().any(|c| c != b && g.is_directed(c, a) && !g.is_adjacent(c, b));
    // Rule 2: a -> c -> b; b -> a would close a cycle.
    let no_cycle = || all().any(|c| g.is_directed(a, c) && g.is_directed(c, b));
    // Rule 3: a -- c -> b <- d -- a with c and d apart; b -> a would force c -> a <- d.
    let helps = |c: usize| g.is_undirected(a, c) && g.is_directed(c, b);
    let no_forced_collider = || {
        let sides: Vec<usize> = all().filter(|&c| helps(c)).collect();
        sides
            .iter()
            .any(|&c| sides.iter().any(|&d| c != d && !g.is_adjacent(c, d)))
    };
    no_collider() || no_cycle() || no_forced_collider()
}
