//! The model as rules: a small tree that asks it, and the rules that unseen rows bear out.

use lepton::Result;
use lepton::explain::Table;
use lepton::explain::surrogate::{Rule, Rules, Surrogate, SurrogateOptions, TreeOptions};
use lepton::nn::Rng;
use lepton::tabular::metrics::Share;
use lepton::tabular::{Table as Csv, split};

use crate::demo::figures;
use crate::demo::judged::{Judged, called, scores};
use crate::demo::ward::{self, CLASSES, Ward};

/// A tree of the model's answers, and how far it can be trusted.
pub(crate) struct RulesFound {
    /// Held-out rows around which the model was asked.
    pub(crate) asked: usize,
    /// Of the other held-out rows, those to which the tree gives the model's class.
    pub(crate) fidelity: Share,
    /// The class that the model gives most of those rows, and how many: what saying it always would get.
    pub(crate) always: (usize, Share),
    /// The rules that the model agrees with on most of the unseen rows they cover.
    pub(crate) rules: Vec<String>,
    /// Rules that no unseen row meets.
    pub(crate) unmet: usize,
    /// Unseen rows of each rule that the model contradicts on at least half of them.
    pub(crate) contradicted: Vec<usize>,
}

/// The tree asks around one half of the held-out rows, and is judged on the other: a tree learnt from
/// the hospitals' rows would carry them in its thresholds, past the noise.
pub(super) fn find(judged: &Judged, ward: &Ward, seed: u64) -> Result<RulesFound> {
    let names = ward.names();
    let halves = split::stratified(&ward.test.labels, 0.5, &mut Rng::new(seed).fork(4))?;
    let part = |rows: &[usize]| values(ward, &ward.test.table.take(rows));
    let (seen, unseen) = (part(&halves.train)?, part(&halves.test)?);
    let (seen, unseen) = (Table::new(&names, &seen)?, Table::new(&names, &unseen)?);
    let query = |t: &Table<'_>| ask(judged, t);
    let tree = TreeOptions {
        max_depth: 4,
        min_leaf: 40,
    };
    let options = SurrogateOptions {
        tree,
        seed,
        ..SurrogateOptions::default()
    };
    let surrogate = Surrogate::fit(query, &seen, options)?;
    let answers = query(&unseen)?;
    let named = CLASSES.map(String::from);
    let rules = Rules::measure(surrogate.tree(), &unseen, &answers, &named)?;
    Ok(RulesFound::new(&rules, &answers, seen.rows()))
}

impl RulesFound {
    fn new(rules: &Rules, answers: &[usize], asked: usize) -> RulesFound {
        let met = || rules.rules().iter().filter(|r| r.covered > 0);
        let borne_out = |r: &&Rule| 2 * r.agreeing > r.covered;
        let share = |part| Share {
            part,
            whole: answers.len(),
        };
        let count = |class| answers.iter().filter(|&&a| a == class).count();
        let often = usize::from(2 * count(1) > answers.len());
        RulesFound {
            asked,
            // Each row meets exactly one rule.
            fidelity: share(met().map(|r| r.agreeing).sum()),
            always: (often, share(count(often))),
            rules: met().filter(borne_out).map(|r| told(rules, r)).collect(),
            unmet: rules.rules().len() - met().count(),
            contradicted: met().filter(|r| !borne_out(r)).map(|r| r.covered).collect(),
        }
    }

    /// The rules, then what is left out.
    pub(crate) fn text(&self) -> String {
        let mut lines = self.rules.clone();
        let is = |n: usize| if n == 1 { "rule is" } else { "rules are" };
        if !self.contradicted.is_empty() {
            let (n, rows) = (
                self.contradicted.len(),
                self.contradicted.iter().sum::<usize>(),
            );
            lines.push(format!(
                "{n} more {} left out: the model contradicts at least half of the {rows} unseen rows there.",
                is(n)
            ));
        }
        if self.unmet > 0 {
            lines.push(format!(
                "{} more {} left out: no unseen row is there.",
                self.unmet,
                is(self.unmet)
            ));
        }
        lines.join("\n\n") + "\n"
    }
}

/// A rule, and how the model answers the unseen rows that meet it.
fn told(rules: &Rules, rule: &Rule) -> String {
    let agrees = Share {
        part: rule.agreeing,
        whole: rule.covered,
    };
    format!(
        "{}\n    of the unseen rows there, the model agrees on {}",
        rules.sentence(rule),
        figures::counted(agrees)
    )
}

/// The model asked as a black box, in the units of the table.
fn ask(judged: &Judged, table: &Table<'_>) -> Result<Vec<usize>> {
    let features = &judged.model.features;
    let rows: Vec<Vec<f64>> = (0..table.rows()).map(|i| table.row(i).to_vec()).collect();
    let x = ward::encode(features, &ward::table_of(features, &rows)?)?;
    let scores = scores(&judged.model.program, &x)?;
    Ok(scores.into_iter().map(called).collect())
}

/// The features' values, row after row.
fn values(ward: &Ward, table: &Csv) -> Result<Vec<f64>> {
    let columns = ward.features.names();
    let columns = columns.iter().map(|n| ward::numbers(table, n));
    let columns = columns.collect::<Result<Vec<&[f64]>>>()?;
    let row = |i: usize| columns.iter().map(move |c| c[i]).collect::<Vec<_>>();
    Ok((0..table.rows()).flat_map(row).collect())
}
