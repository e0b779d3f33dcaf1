//! A tree as if-then rules that a person can read, check and contradict.

use super::fidelity::Fidelity;
use super::paths::{Thresholds, walk};
use super::rule::{Condition, Rule};
use super::tree::{Tree, assert_numbers};
use crate::Table;
use lepton_tensor::{Error, Result};
use std::fmt;

/// The rules of a [`Tree`]: each row meets exactly one of them.
///
/// They are simplified: questions about one feature are merged into one interval, and two leaves
/// that answer alike become one rule. A threshold is written with as few digits (three or more) as
/// leave every row of the measured table on its side, and the numbers beside a rule are measured
/// with the thresholds as written.
///
/// ```
/// use lepton_explain::{Table, surrogate::{Rules, Tree, TreeOptions}};
/// let names = ["age".to_string(), "bmi".to_string()];
/// let table = Table::new(&names, &[30., 20., 50., 21., 31., 34., 51., 33., 70., 20., 71., 35.])?;
/// let classes = ["low".to_string(), "high".to_string()];
/// let model = [0, 0, 0, 1, 0, 1];
/// let tree = Tree::fit(&table, &model, TreeOptions { max_depth: 2, min_leaf: 1 })?;
/// let rules = Rules::measure(&tree, &table, &model, &classes)?.with_units(&["years", "kg/m²"])?;
/// assert_eq!(rules.rules().len(), 3, "{rules}");
/// let high = "if age > 50.5 years and bmi > 26.5 kg/m² then high";
/// assert!(rules.to_string().contains(high), "{rules}");
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    rules: Vec<Rule>,
    features: Vec<String>,
    units: Vec<String>,
    classes: Vec<String>,
    fidelity: Fidelity,
    unseen: bool,
}

impl Rules {
    /// The rules of `tree`, measured on the rows of `table`, of which `model` holds the model's
    /// classes. `classes` are the classes' names. Rows that grew the tree flatter its rules:
    /// [`Surrogate::rules`](super::Surrogate::rules) leaves them out.
    ///
    /// # Errors
    /// If sizes do not fit together, or the tree or the model gives a class without a name.
    pub fn measure(
        tree: &Tree,
        table: &Table<'_>,
        model: &[usize],
        classes: &[String],
    ) -> Result<Rules> {
        if table.columns() != tree.columns() || table.rows() != model.len() {
            return Err(Error::shape(format!(
                "rules: a table of {} rows and {} columns with {} model classes; the tree has {} \
                 columns, and each row needs one class",
                table.rows(),
                table.columns(),
                model.len(),
                tree.columns()
            )));
        }
        let mut rules = Vec::new();
        walk(tree.nodes(), 0, &Thresholds(table), &[], &mut rules);
        let given = rules
            .iter()
            .map(|r: &Rule| r.class)
            .chain(model.iter().copied())
            .max();
        if given.is_some_and(|c| c >= classes.len()) {
            return Err(Error::value(format!(
                "rules: class {} has no name; {} classes are named",
                given.unwrap_or(0),
                classes.len()
            )));
        }
        for rule in &mut rules {
            let covered = || (0..table.rows()).filter(|&i| rule.holds(table.row(i)));
            (rule.covered, rule.agreeing) = (
                covered().count(),
                covered().filter(|&i| model[i] == rule.class).count(),
            );
        }
        let agreeing = rules.iter().map(|r| r.agreeing).sum();
        let fidelity = Fidelity::count(model, agreeing);
        // The widest rules first; the sort is stable, so a tie keeps the tree's order.
        rules.sort_by_key(|r| std::cmp::Reverse(r.covered));
        Ok(Rules {
            rules,
            features: table.names().to_vec(),
            units: vec![String::new(); table.columns()],
            classes: classes.to_vec(),
            fidelity,
            unseen: false,
        })
    }

    /// The same rules, known to be measured without the `seen` rows that grew the tree.
    pub(super) fn on_unseen(mut self, seen: usize) -> Rules {
        (self.unseen, self.fidelity.seen) = (true, seen);
        self
    }

    /// How often all rules together give the model's class on the measured rows.
    pub fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    /// The same rules with a unit printed behind each threshold; an empty unit prints nothing.
    ///
    /// # Errors
    /// If there is not one unit for each feature.
    pub fn with_units(mut self, units: &[impl AsRef<str>]) -> Result<Rules> {
        if units.len() != self.features.len() {
            return Err(Error::shape(format!(
                "rules: {} units for {} features; give one for each, empty where there is none",
                units.len(),
                self.features.len()
            )));
        }
        self.units = units.iter().map(|u| u.as_ref().to_string()).collect();
        Ok(self)
    }

    /// The rules, those that cover most rows first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The class of `row`.
    ///
    /// # Panics
    /// If `row` has not as many values as the tree has columns, or one is NaN.
    #[track_caller]
    pub fn predict(&self, row: &[f64]) -> usize {
        assert!(
            row.len() == self.features.len(),
            "rules: a row of {} values; they ask about {} columns",
            row.len(),
            self.features.len()
        );
        assert_numbers("rules", row);
        // The conditions part the space, so one rule holds.
        self.rules
            .iter()
            .find(|r| r.holds(row))
            .map_or(0, |r| r.class)
    }

    /// The share of the measured rows that `rule` covers, in [0, 1].
    pub fn coverage(&self, rule: &Rule) -> f64 {
        rule.covered as f64 / self.fidelity.rows.max(1) as f64
    }

    /// `rule` as a sentence without its numbers: `if 10 < x <= 20 and y > 3 then high`.
    pub fn sentence(&self, rule: &Rule) -> String {
        let class = &self.classes[rule.class];
        if rule.conditions.is_empty() {
            return format!("always {class}");
        }
        let conditions: Vec<String> = rule.conditions.iter().map(|c| self.condition(c)).collect();
        format!("if {} then {class}", conditions.join(" and "))
    }

    fn condition(&self, c: &Condition) -> String {
        let name = &self.features[c.feature];
        let unit = match self.units[c.feature].as_str() {
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        match (c.above == f64::NEG_INFINITY, c.up_to == f64::INFINITY) {
            (true, _) => format!("{name} <= {}{unit}", c.up_to),
            (_, true) => format!("{name} > {}{unit}", c.above),
            _ => format!("{} < {name} <= {}{unit}", c.above, c.up_to),
        }
    }
}

/// Each rule with the share of rows that it covers and how often the model agrees; with counts, and
/// all rules beside the best single answer, where the rows are known not to have grown the tree.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rule) in self.rules.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}\n    {}", self.sentence(rule), self.evidence(rule))?;
        }
        if self.unseen {
            let best = &self.classes[self.fidelity.class];
            write!(f, "\nAll rules: the model {}", self.fidelity.told(best))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Rules {
    /// What stands beside `rule`: how many measured rows it covers, and on how many of them the model
    /// agrees.
    pub fn evidence(&self, rule: &Rule) -> String {
        let (rows, share) = (self.fidelity.rows, 100.0 * self.coverage(rule));
        match rule.precision() {
            None => format!("covers none of {rows} rows, so it is not backed by data"),
            Some(p) if self.unseen => format!(
                "covers {} of {rows} unseen rows ({share:.1} %); the model agrees on {} of {} ({:.1} %)",
                rule.covered,
                rule.agreeing,
                rule.covered,
                100.0 * p
            ),
            Some(p) => format!(
                "covers {share:.1} % of {rows} rows; the model agrees on {:.1} %",
                100.0 * p
            ),
        }
    }
}
