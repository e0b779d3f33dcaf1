//! How often what PC finds recurs on resampled rows.

use super::columns::ColumnKind;
use super::graph::{Edge, Graph};
use super::pc::{Discovery, PcOptions, pc_of_kinds};
use crate::Table;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result, threads};
use std::fmt;

/// How rows are resampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootstrapOptions {
    /// How many samples are drawn, 1 to 100,000.
    pub samples: usize,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for BootstrapOptions {
    /// A hundred samples: a share is then known to about 0.05.
    fn default() -> BootstrapOptions {
        BootstrapOptions {
            samples: 100,
            seed: 0,
        }
    }
}

/// What PC finds on all rows, and in how many resamples of them each edge recurs.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// What PC finds on all rows.
    pub discovery: Discovery,
    /// How many resamples could be searched: the whole of every share.
    pub samples: usize,
    /// How many could not, since a column was constant in them or repeated others.
    pub failed: usize,
    counts: Vec<Recurrence>,
}

/// In how many resamples there is an edge between two nodes, and which way it points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recurrence {
    /// Resamples with an arrow from the first node to the second.
    pub forward: usize,
    /// Resamples with an arrow from the second node to the first.
    pub backward: usize,
    /// Resamples with an edge that may point either way.
    pub undirected: usize,
    /// All resamples.
    pub samples: usize,
}

impl Recurrence {
    /// The share of resamples with any edge, in [0, 1].
    pub fn present(&self) -> f64 {
        (self.forward + self.backward + self.undirected) as f64 / self.samples as f64
    }

    /// The share of resamples with an arrow from the first node to the second.
    pub fn directed(&self) -> f64 {
        self.forward as f64 / self.samples as f64
    }
}

/// [`pc`](super::pc) on `table`, and on samples of its rows drawn with replacement (Efron, 1979; for
/// graphs: Friedman, Goldszmidt & Wyner, 1999).
///
/// The kind of each column is that of the whole table. The same seed gives the same shares on any
/// number of threads.
///
/// ```
/// use lepton_explain::{Table, causal::{BootstrapOptions, PcOptions, pc_bootstrap}};
/// let names = ["a", "b", "sum"].map(String::from);
/// let wave = |i: u32, step: f64| (f64::from(i) * step).sin();
/// let row = |i| [wave(i, 1.0), wave(i, 1.7), wave(i, 1.0) + wave(i, 1.7) + wave(i, 2.3)];
/// let values: Vec<f64> = (0..500).flat_map(row).collect();
/// let table = Table::new(&names, &values)?;
/// let found = pc_bootstrap(&table, PcOptions::default(), BootstrapOptions::default())?;
/// assert!(found.of(0, 2).present() > 0.99);
/// assert!(found.to_string().contains("a -> sum    in 100 of 100 resamples"), "{found}");
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`pc`](super::pc); if the number of samples is out of range, or none could be searched.
pub fn pc_bootstrap(
    table: &Table<'_>,
    options: PcOptions,
    bootstrap: BootstrapOptions,
) -> Result<Bootstrap> {
    if bootstrap.samples == 0 || bootstrap.samples > 100_000 {
        return Err(Error::value(format!(
            "pc_bootstrap: {} samples; give 1 to 100000",
            bootstrap.samples
        )));
    }
    let kinds = ColumnKind::of(table);
    let discovery = pc_of_kinds(table, &kinds, options).map_err(|e| e.at("pc_bootstrap"))?;
    let root = Rng::new(bootstrap.seed);
    let graphs = threads::parallel_map(bootstrap.samples, |i| {
        let values = resample(table, &mut root.fork(i as u64));
        pc_of_kinds(&Table::new(table.names(), &values)?, &kinds, options).map(|d| d.graph)
    });
    let (found, failed): (Vec<_>, Vec<_>) = graphs.into_iter().partition(Result::is_ok);
    let found: Vec<Graph> = found.into_iter().flatten().collect();
    match failed.into_iter().next() {
        Some(Err(e)) if found.is_empty() => Err(e.at("pc_bootstrap: every resample failed")),
        _ => Ok(Bootstrap {
            counts: count(&found, table.columns()),
            samples: found.len(),
            failed: bootstrap.samples - found.len(),
            discovery,
        }),
    }
}

/// As many rows as `table` has, drawn with replacement.
fn resample(table: &Table<'_>, rng: &mut Rng) -> Vec<f64> {
    let mut values = Vec::with_capacity(table.values().len());
    for _ in 0..table.rows() {
        values.extend(table.row(rng.below(table.rows() as u64) as usize));
    }
    values
}

/// The recurrence of each pair, row-major.
fn count(graphs: &[Graph], nodes: usize) -> Vec<Recurrence> {
    let mut counts = vec![Recurrence::default(); nodes * nodes];
    counts.iter_mut().for_each(|c| c.samples = graphs.len());
    for edge in graphs.iter().flat_map(Graph::edges) {
        let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
        if let Edge::Directed(..) = edge {
            counts[a * nodes + b].forward += 1;
            counts[b * nodes + a].backward += 1;
        } else {
            counts[a * nodes + b].undirected += 1;
            counts[b * nodes + a].undirected += 1;
        }
    }
    counts
}

impl Bootstrap {
    /// How often there is an edge between `a` and `b`, seen from `a`.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn of(&self, a: usize, b: usize) -> Recurrence {
        let n = self.discovery.graph.nodes();
        assert!(a.max(b) < n, "bootstrap: no node {} of {n}", a.max(b));
        self.counts[a * n + b]
    }

    /// Each edge of the graph that all rows give, with its recurrence seen from its first node.
    pub fn edges(&self) -> Vec<(Edge, Recurrence)> {
        let with = |edge| {
            let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
            (edge, self.of(a, b))
        };
        self.discovery.graph.edges().into_iter().map(with).collect()
    }

    /// Pairs without an edge in that graph that have one in at least `share` of the resamples, the
    /// lower node first.
    pub fn missed(&self, share: f64) -> Vec<(usize, usize, Recurrence)> {
        let graph = &self.discovery.graph;
        let pairs = (0..graph.nodes()).flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs
            .filter(|&(a, b)| !graph.is_adjacent(a, b))
            .map(|(a, b)| (a, b, self.of(a, b)))
            .filter(|(.., r)| r.present() >= share)
            .collect()
    }
}

/// The note, each edge with its recurrence, then pairs that only most resamples connect.
impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = &self.discovery.graph;
        let name = |i: usize| &graph.names()[i];
        writeln!(f, "{}", graph.note())?;
        for (edge, r) in self.edges() {
            let any = r.forward + r.backward + r.undirected;
            let found = format!("in {any} of {} resamples", r.samples);
            match edge {
                Edge::Directed(a, b) => writeln!(
                    f,
                    "{} -> {}    {found}, this way in {}",
                    name(a),
                    name(b),
                    r.forward
                )?,
                Edge::Undirected(a, b) => writeln!(
                    f,
                    "{} -- {}    {found}, -> in {}, <- in {}",
                    name(a),
                    name(b),
                    r.forward,
                    r.backward
                )?,
            }
        }
        for (a, b, r) in self.missed(0.5) {
            let any = r.forward + r.backward + r.undirected;
            writeln!(
                f,
                "no edge {}, {}    but one in {any} of {} resamples",
                name(a),
                name(b),
                r.samples
            )?;
        }
        if self.failed > 0 {
            writeln!(f, "{} more resamples could not be searched", self.failed)?;
        }
        Ok(())
    }
}
