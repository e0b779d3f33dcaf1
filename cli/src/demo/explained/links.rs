//! What hangs together among the strongest features and the diagnosis.

use lepton::Result;
use lepton::explain::Table;
use lepton::explain::causal::{
    Bootstrap, BootstrapOptions, Edge, Graph, PcOptions, Recurrence, pc_bootstrap,
};
use lepton::explain::picture::labelled_dag;

use super::patient::Parts;
use crate::demo::ward::{TARGET, Ward};

/// Features in the graph.
const STRONGEST: usize = 6;
/// Samples of the rows that are searched again.
const SAMPLES: usize = 200;
/// The level of the tests.
const LEVEL: f64 = 0.01;

/// Which columns stay linked when the others are held fixed, and how surely.
pub(crate) struct Links {
    /// Resamples that could be searched.
    pub(crate) resamples: usize,
    /// Contradictions among the tests about directions.
    pub(crate) contradictions: usize,
    /// How the tests read the columns, in the words of the search.
    pub(crate) note: String,
    pub(crate) links: Vec<Link>,
    pub(crate) picture: String,
}

/// Two columns that stay linked.
pub(crate) struct Link {
    pub(crate) names: [String; 2],
    /// In how many resamples they are, and how often the tests order them.
    pub(crate) recurs: Recurrence,
}

impl Link {
    /// Resamples with the link.
    pub(crate) fn count(&self) -> usize {
        self.recurs.forward + self.recurs.backward + self.recurs.undirected
    }
}

/// PC among the features that move the model most over the held-out rows, with the diagnosis.
pub(super) fn find(ward: &Ward, parts: &Parts, seed: u64) -> Result<Links> {
    let chosen = strongest(parts);
    let names = ward.names();
    let mut heads: Vec<String> = chosen.iter().map(|&j| names[j].clone()).collect();
    heads.push(TARGET.to_owned());
    let columns: Vec<&[f64]> = chosen
        .iter()
        .map(|&j| ward.held_out(j))
        .collect::<Result<_>>()?;
    let row = |i: usize| {
        let class = ward.test.labels[i] as f64;
        columns.iter().map(move |c| c[i]).chain([class])
    };
    let values: Vec<f64> = (0..ward.test.len()).flat_map(row).collect();
    let options = PcOptions {
        alpha: LEVEL,
        ..PcOptions::default()
    };
    let resampling = BootstrapOptions {
        samples: SAMPLES,
        seed,
    };
    let found = pc_bootstrap(&Table::new(&heads, &values)?, options, resampling)?;
    Links::new(&found)
}

/// The features with the largest parts, on average over the rows.
fn strongest(parts: &Parts) -> Vec<usize> {
    let strength = |j: usize| parts.of(j).map(f64::abs).sum::<f64>();
    let mut order: Vec<usize> = (0..parts.width).collect();
    order.sort_by(|&a, &b| strength(b).total_cmp(&strength(a)));
    order.truncate(STRONGEST);
    order
}

impl Links {
    fn new(found: &Bootstrap) -> Result<Links> {
        let names = found.discovery.graph.names();
        let link = |(edge, recurs): (Edge, Recurrence)| {
            let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
            Link {
                names: [names[a].clone(), names[b].clone()],
                recurs,
            }
        };
        Ok(Links {
            resamples: found.samples,
            contradictions: found.discovery.conflicts.len(),
            note: found.discovery.graph.note().to_owned(),
            links: found.edges().into_iter().map(link).collect(),
            picture: draw(found)?,
        })
    }

    /// A line for each link.
    pub(crate) fn text(&self) -> String {
        let line = |l: &Link| {
            format!(
                "{} -- {}: linked in {} of {} resamples (ordered one way in {}, the other way in {})\n",
                l.names[0],
                l.names[1],
                l.count(),
                self.resamples,
                l.recurs.forward,
                l.recurs.backward
            )
        };
        self.links.iter().map(line).collect()
    }

    /// What the links are and are not, and why no arrow is drawn.
    pub(crate) fn caveat(&self) -> String {
        let contradictions = match self.contradictions {
            0 => "No test contradicts another on".to_owned(),
            1 => "1 test contradicts others on".to_owned(),
            n => format!("{n} tests contradict others on"),
        };
        let ways = |l: &Link| l.recurs.forward.max(l.recurs.backward);
        let surest = self.links.iter().map(ways).max().unwrap_or(0);
        format!(
            "Association, not cause. The tests also order pairs, the surest in {surest} of {} resamples; no order is \
             drawn as an arrow, because what comes first in tests need not bring about the other. {contradictions} the \
             rows themselves.",
            self.resamples
        )
    }
}

/// The links as lines, each with the resamples that have it; without the orders, which do not recur.
fn draw(found: &Bootstrap) -> Result<String> {
    let searched = &found.discovery.graph;
    let mut links = Graph::new(searched.names()).with_note(format!(
        "association, not cause; beside each link: in how many of {} resamples it is found",
        found.samples
    ));
    for (edge, _) in found.edges() {
        let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
        links.connect(a, b);
    }
    let label = |edge: Edge| {
        let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
        let recurs = found.of(a, b);
        (recurs.forward + recurs.backward + recurs.undirected).to_string()
    };
    labelled_dag("What hangs together", &links, label)
}
