//! A graph of variables on a ring, so that no edge can run through a node that it does not touch.

use super::canvas::{Area, FAINT, Font, PALETTE, PLAIN, TITLE, WIDTH};
use super::canvas::{at, failed, fit, picture, stroke, width_of, wrap, write};
use crate::causal::{Edge, Graph};
use lepton_tensor::{Error, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::f64::consts::TAU;

const LABEL: Font = Font { size: 12, ..PLAIN };
const LINE: f64 = 14.0; // from one line of a label to the next
const SIDE: f64 = 92.0; // what labels take left and right of the ring
const DOT: f64 = 5.0;
const LABEL_ROOM: f64 = 60.0; // what the label of an edge may take

/// `graph` as a ring of named dots: arrows for directed edges, plain lines for undirected ones,
/// the graph's note below.
///
/// ```
/// use lepton_explain::{causal::Graph, picture::dag};
/// let mut graph = Graph::new(&["rain", "wet"].map(String::from)).with_note("an example");
/// graph.direct(0, 1);
/// let svg = dag("What makes wet", &graph)?;
/// assert!(svg.contains("rain") && svg.contains("an example"));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If the graph has no node.
pub fn dag(title: &str, graph: &Graph) -> Result<String> {
    labelled_dag(title, graph, |_| String::new())
}

/// [`dag`] with a few characters on each edge: a weight, or in how many resamples the edge recurs.
///
/// ```
/// use lepton_explain::{causal::Graph, picture::labelled_dag};
/// let mut graph = Graph::new(&["rain", "wet"].map(String::from));
/// graph.connect(0, 1);
/// let svg = labelled_dag("What hangs together", &graph, |_| "97".to_string())?;
/// assert!(svg.contains("97"));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If the graph has no node.
pub fn labelled_dag(title: &str, graph: &Graph, label: impl Fn(Edge) -> String) -> Result<String> {
    let n = graph.nodes();
    if n == 0 {
        return Err(Error::shape("dag: the graph has no node to draw"));
    }
    let head = wrap(title, f64::from(WIDTH) - 20.0, TITLE.size, 3);
    let note = wrap(graph.note(), f64::from(WIDTH) - 20.0, LABEL.size, 4);
    // Labels left and right need their lines apart, so many nodes make the ring higher.
    let (rx, ry) = (
        f64::from(WIDTH) / 2.0 - SIDE,
        (f64::from(WIDTH) / 2.0 - SIDE).max(11.0 * n as f64),
    );
    let middle = (f64::from(WIDTH) / 2.0, 20.0 * head.len() as f64 + 56.0 + ry);
    let foot = middle.1 + ry + 58.0;
    picture(
        title,
        (foot + 20.0 + 16.0 * note.len() as f64) as i32,
        |area| {
            for (i, line) in head.iter().enumerate() {
                write(area, line, 10.0, 18.0 + 20.0 * i as f64, TITLE)?;
            }
            let mut places = vec![(0.0, 0.0); n];
            for (i, node) in order(graph).into_iter().enumerate() {
                let turn = TAU * (i as f64 / n as f64 - 0.25);
                places[node] = (middle.0 + rx * turn.cos(), middle.1 + ry * turn.sin());
            }
            draw_edges(area, graph, &places, &label)?;
            for (name, &place) in graph.names().iter().zip(&places) {
                area.draw(&Circle::new(
                    at(place.0, place.1),
                    at(DOT, 0.0).0,
                    super::canvas::INK.filled(),
                ))
                .map_err(failed)?;
                draw_label(area, name, place, middle)?;
            }
            legend(area, graph, foot)?;
            for (i, line) in note.iter().enumerate() {
                let y = foot + 20.0 + 16.0 * i as f64;
                write(
                    area,
                    line,
                    10.0,
                    y,
                    Font {
                        bold: true,
                        ..LABEL
                    },
                )?;
            }
            Ok(())
        },
    )
}

/// The edges, each broken where its label stands.
fn draw_edges(
    area: &Area<'_>,
    graph: &Graph,
    places: &[(f64, f64)],
    label: &impl Fn(Edge) -> String,
) -> Result<()> {
    let edges = graph.edges();
    let lines: Vec<Line> = edges.iter().map(|&e| Line::of(e, places)).collect();
    let mut taken = Vec::new();
    for (i, &edge) in edges.iter().enumerate() {
        let text = fit(&label(edge), LABEL_ROOM, LABEL.size);
        if text.is_empty() {
            draw_edge(area, edge, &lines[i], None)?;
            continue;
        }
        let at = lines[i].freest(&lines, i, &taken);
        taken.push(at);
        draw_edge(
            area,
            edge,
            &lines[i],
            Some((at, width_of(&text, LABEL.size))),
        )?;
        let font = Font {
            anchor: HPos::Center,
            ..LABEL
        };
        write(area, &text, at.0, at.1, font)?;
    }
    Ok(())
}

/// A straight line between two dots.
struct Line {
    from: (f64, f64),
    to: (f64, f64),
}

impl Line {
    fn of(edge: Edge, places: &[(f64, f64)]) -> Line {
        let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
        Line {
            from: places[a],
            to: places[b],
        }
    }

    fn length(&self) -> f64 {
        (self.to.0 - self.from.0).hypot(self.to.1 - self.from.1)
    }

    /// The unit vector along it.
    fn direction(&self) -> (f64, f64) {
        let length = self.length().max(f64::MIN_POSITIVE);
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        (dx / length, dy / length)
    }

    /// The point `along` it, `aside` to its left.
    fn at(&self, along: f64, aside: f64) -> (f64, f64) {
        let (ux, uy) = self.direction();
        (
            self.from.0 + ux * along - uy * aside,
            self.from.1 + uy * along + ux * aside,
        )
    }

    /// How far it passes `point`.
    fn distance(&self, point: (f64, f64)) -> f64 {
        let (ux, uy) = self.direction();
        let along = (point.0 - self.from.0) * ux + (point.1 - self.from.1) * uy;
        let nearest = self.at(along.clamp(0.0, self.length()), 0.0);
        (point.0 - nearest.0).hypot(point.1 - nearest.1)
    }

    /// The point on line `own` of `lines` that is farthest from the other lines and from the labels at
    /// `taken`: around the middle, away from the names.
    fn freest(&self, lines: &[Line], own: usize, taken: &[(f64, f64)]) -> (f64, f64) {
        let room = |p: (f64, f64)| {
            let others = lines.iter().enumerate().filter(|(i, _)| *i != own);
            let lines = others.map(|(_, l)| l.distance(p));
            let labels = taken.iter().map(|t| (p.0 - t.0).hypot(p.1 - t.1) - 14.0);
            lines.chain(labels).fold(f64::INFINITY, f64::min)
        };
        let points = (0..=20).map(|i| self.at(self.length() * (0.25 + 0.025 * f64::from(i)), 0.0));
        // Of equals the first: more than 14 units of room are as good as any.
        let score = |p: &(f64, f64)| room(*p).min(14.0);
        points
            .reduce(|best, p| if score(&p) > score(&best) { p } else { best })
            .unwrap_or(self.from)
    }
}

/// An edge, with a gap for a label of some width at a point.
fn draw_edge(
    area: &Area<'_>,
    edge: Edge,
    line: &Line,
    label: Option<((f64, f64), f64)>,
) -> Result<()> {
    let tip = line.length() - DOT - 2.0;
    let (color, end) = match edge {
        Edge::Undirected(..) => (FAINT, line.length() - DOT),
        Edge::Directed(..) => (PALETTE[0], tip - 9.0),
    };
    let piece = |from: f64, to: f64| match from < to {
        true => stroke(area, line.at(from, 0.0), line.at(to, 0.0), color, 2.0),
        false => Ok(()),
    };
    match label {
        None => piece(DOT, end)?,
        Some((at, width)) => {
            let along = (at.0 - line.from.0).hypot(at.1 - line.from.1);
            let (ux, uy) = line.direction();
            let half = ((width / 2.0) / ux.abs()).min(LINE / 2.0 / uy.abs()) + 3.0;
            piece(DOT, along - half)?;
            piece(along + half, end)?;
        }
    }
    if let Edge::Undirected(..) = edge {
        return Ok(());
    }
    let head = [
        line.at(tip, 0.0),
        line.at(tip - 12.0, 5.0),
        line.at(tip - 12.0, -5.0),
    ];
    let head: Vec<_> = head.iter().map(|p| at(p.0, p.1)).collect();
    area.draw(&Polygon::new(head, PALETTE[0].filled()))
        .map_err(failed)
}

/// Writes `name` outside the ring: above, below, or beside its dot.
fn draw_label(area: &Area<'_>, name: &str, place: (f64, f64), middle: (f64, f64)) -> Result<()> {
    let (dx, dy) = (place.0 - middle.0, place.1 - middle.1);
    let beside = dx.abs() > 0.12 * f64::from(WIDTH);
    let width = if beside { SIDE - 18.0 } else { 150.0 };
    let lines = wrap(name, width, LABEL.size, 3);
    let block = LINE * (lines.len() as f64 - 1.0);
    // Beside the ring, several lines keep clear of the arrows that come from its other nodes.
    let centre = place.1 + 0.7 * block * dy / dx.hypot(dy);
    let (x, top, anchor) = match (beside, dx > 0.0, dy > 0.0) {
        (true, true, _) => (place.0 + 10.0, centre - block / 2.0, HPos::Left),
        (true, false, _) => (place.0 - 10.0, centre - block / 2.0, HPos::Right),
        (false, _, true) => (place.0, place.1 + 16.0, HPos::Center),
        (false, _, false) => (place.0, place.1 - 16.0 - block, HPos::Center),
    };
    for (i, line) in lines.iter().enumerate() {
        write(
            area,
            line,
            x,
            top + LINE * i as f64,
            Font { anchor, ..LABEL },
        )?;
    }
    Ok(())
}

fn legend(area: &Area<'_>, graph: &Graph, y: f64) -> Result<()> {
    let edges = graph.edges();
    let mut x = 10.0;
    // An arrow says which way, not that the one brings about the other.
    if edges.iter().any(|e| matches!(e, Edge::Directed(..))) {
        draw_edge(area, Edge::Directed(0, 1), &sample(x, y), None)?;
        write(area, "with a direction", x + 32.0, y, LABEL)?;
        x += 160.0;
    }
    if edges.iter().any(|e| matches!(e, Edge::Undirected(..))) {
        draw_edge(area, Edge::Undirected(0, 1), &sample(x, y), None)?;
        write(area, "without a direction", x + 32.0, y, LABEL)?;
    }
    Ok(())
}

/// The line beside which the legend stands.
fn sample(x: f64, y: f64) -> Line {
    Line {
        from: (x - DOT, y),
        to: (x + 28.0, y),
    }
}

/// The nodes around the ring: swapped as long as a swap makes fewer edges cross.
fn order(graph: &Graph) -> Vec<usize> {
    let edges: Vec<(usize, usize)> = graph.edges().into_iter().map(ends).collect();
    let mut place: Vec<usize> = (0..graph.nodes()).collect();
    let mut best = cost(&edges, &place);
    // Each round costs nodes^2 edges^2, so a large graph keeps the order it has.
    let mut improved = graph.nodes() <= 16;
    while std::mem::take(&mut improved) {
        for a in 0..place.len() {
            for b in 0..a {
                place.swap(a, b);
                let now = cost(&edges, &place);
                if now < best {
                    (best, improved) = (now, true);
                } else {
                    place.swap(a, b);
                }
            }
        }
    }
    let mut nodes: Vec<usize> = (0..place.len()).collect();
    nodes.sort_by_key(|&node| place[node]);
    nodes
}

fn ends(edge: Edge) -> (usize, usize) {
    let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
    (a, b)
}

/// The number of pairs of edges that cross, then the length of all edges in steps of the ring.
fn cost(edges: &[(usize, usize)], place: &[usize]) -> (usize, usize) {
    let sorted = |&(a, b): &(usize, usize)| (place[a].min(place[b]), place[a].max(place[b]));
    let chords: Vec<(usize, usize)> = edges.iter().map(sorted).collect();
    let (mut crossings, mut steps) = (0, 0);
    for (i, &(a, b)) in chords.iter().enumerate() {
        steps += (b - a).min(place.len() - (b - a));
        let cross =
            |&&(c, d): &&(usize, usize)| (a < c && c < b && b < d) || (c < a && a < d && d < b);
        crossings += chords[..i].iter().filter(cross).count();
    }
    (crossings, steps)
}
