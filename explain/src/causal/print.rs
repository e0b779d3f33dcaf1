//! A graph as text: its edges line by line, and in Mermaid's language.

use super::graph::{Edge, Graph};
use std::fmt;

impl Graph {
    /// The graph in Mermaid's language, left to right; the note stands in a comment and a node.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("graph LR\n");
        if !self.note().is_empty() {
            text += &format!(
                "    %% {}\n    note[\"{}\"]\n",
                one_line(self.note()),
                label(self.note())
            );
        }
        for (i, name) in self.names().iter().enumerate() {
            text += &format!("    n{i}[\"{}\"]\n", label(name));
        }
        for edge in self.edges() {
            text += &match edge {
                Edge::Directed(a, b) => format!("    n{a} --> n{b}\n"),
                Edge::Undirected(a, b) => format!("    n{a} --- n{b}\n"),
            };
        }
        text
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text inside a quoted Mermaid label, where `#name;` is an entity.
fn label(text: &str) -> String {
    let mut safe = String::new();
    for c in one_line(text).chars() {
        match c {
            '#' => safe += "#35;",
            '&' => safe += "#amp;",
            '<' => safe += "#lt;",
            '>' => safe += "#gt;",
            '"' => safe += "#quot;",
            '`' => safe += "#96;", // begins Markdown
            c => safe.push(c),
        }
    }
    safe
}

/// The note, then one edge a line.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.note().is_empty() {
            writeln!(f, "{}", self.note())?;
        }
        for edge in self.edges() {
            match edge {
                Edge::Directed(a, b) => writeln!(f, "{} -> {}", self.names()[a], self.names()[b])?,
                Edge::Undirected(a, b) => {
                    writeln!(f, "{} -- {}", self.names()[a], self.names()[b])?
                }
            }
        }
        Ok(())
    }
}
