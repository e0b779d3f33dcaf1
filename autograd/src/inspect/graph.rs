//! Pictures of the recorded graph, as text for Graphviz and Mermaid.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::engine::node::Edge;
use crate::engine::var::Var;

/// Nodes (number and label) and arrows of the graph behind a variable.
struct Drawing {
    nodes: Vec<(usize, String, bool)>,
    arrows: Vec<(usize, usize)>,
}

fn draw(root: &Var) -> Drawing {
    let mut out = Drawing {
        nodes: Vec::new(),
        arrows: Vec::new(),
    };
    let mut numbers: HashMap<(u8, u64), usize> = HashMap::new();
    let mut stack = vec![(root.edge().clone(), None)];
    while let Some((edge, to)) = stack.pop() {
        let (key, label, leaf) = match &edge {
            Edge::Leaf(id) => ((0, id.number()), format!("leaf {}", id.number()), true),
            Edge::Node(node, _) => (
                (1, Arc::as_ptr(node) as u64),
                node.op.name().to_owned(),
                false,
            ),
            Edge::None | Edge::Lift(_) => continue,
        };
        let new = !numbers.contains_key(&key);
        let next = numbers.len();
        let number = *numbers.entry(key).or_insert(next);
        if new {
            out.nodes.push((number, label, leaf));
            if let Edge::Node(node, _) = &edge {
                stack.extend(node.inputs.iter().rev().map(|e| (e.clone(), Some(number))));
            }
        }
        if let Some(to) = to {
            out.arrows.push((number, to));
        }
    }
    out
}

impl Var {
    /// The recorded graph in Graphviz's language: leaves as boxes, ops as ellipses.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(1.0f32));
    /// assert!(x.tanh().to_dot().starts_with("digraph"));
    /// ```
    pub fn to_dot(&self) -> String {
        let d = draw(self);
        let mut s = String::from("digraph {\n  rankdir=LR;\n");
        for (n, label, leaf) in &d.nodes {
            let shape = if *leaf { "box" } else { "ellipse" };
            let _ = writeln!(s, "  n{n} [label=\"{label}\", shape={shape}];");
        }
        for (from, to) in &d.arrows {
            let _ = writeln!(s, "  n{from} -> n{to};");
        }
        s + "}\n"
    }

    /// The recorded graph as a Mermaid flowchart.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(1.0f32));
    /// let picture = (&x * &x).tanh().to_mermaid();
    /// assert!(picture.starts_with("flowchart LR") && picture.contains("(tanh)"));
    /// ```
    pub fn to_mermaid(&self) -> String {
        let d = draw(self);
        let mut s = String::from("flowchart LR\n");
        for (n, label, leaf) in &d.nodes {
            let _ = if *leaf {
                writeln!(s, "  n{n}[{label}]")
            } else {
                writeln!(s, "  n{n}({label})")
            };
        }
        for (from, to) in &d.arrows {
            let _ = writeln!(s, "  n{from} --> n{to}");
        }
        s
    }
}
