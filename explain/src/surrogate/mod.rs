//! A small tree that answers as a model does, and the share of rows on which it does.
//!
//! The model is a black box: [`Surrogate::fit`] asks it for the classes of the data and of extra
//! points around the data (the idea of TREPAN: Craven & Shavlik, 1996), and grows a [`Tree`] on
//! the answers. [`Surrogate::judge`] tells, on rows that did not grow the tree, how often it says what
//! the model says, beside what always giving one class would reach; a surrogate without these numbers
//! explains nothing. [`Surrogate::rules`] tells the same of each way through the tree.

mod fidelity;
mod paths;
mod purity;
mod rule;
mod rules;
mod sample;
mod tree;

pub use fidelity::Fidelity;
pub use rule::{Condition, Rule};
pub use rules::Rules;
pub use tree::{Node, Split, Tree, TreeOptions};

use crate::Table;
use fidelity::Seen;
use lepton_tensor::{Error, Result};

/// How a [`Surrogate`] is grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurrogateOptions {
    /// How far the tree may grow.
    pub tree: TreeOptions,
    /// How many points around the data the model is asked about, beside the data.
    pub queries: usize,
    /// How far those points lie from the rows, in standard deviations of each column.
    pub spread: f64,
    /// The seed of the points.
    pub seed: u64,
}

impl Default for SurrogateOptions {
    /// 8,000 points, 0.15 standard deviations around the rows. On the breast-cancer network of the
    /// tests that gave the best mean fidelity over depths 3 to 5; from 0.3 on the points leave the
    /// data and fidelity falls below that of a tree on the rows alone.
    fn default() -> SurrogateOptions {
        SurrogateOptions {
            tree: TreeOptions::default(),
            queries: 8000,
            spread: 0.15,
            seed: 0,
        }
    }
}

/// A [`Tree`] grown on a model's answers.
///
/// ```
/// use lepton_explain::{Table, surrogate::{Surrogate, SurrogateOptions}};
/// let names = ["x".to_string(), "y".to_string()];
/// let values: Vec<f64> = (0..80).map(|i| f64::from(i * 7 % 40)).collect();
/// let (seen, held_out) = values.split_at(60);
/// let model = |t: &Table<'_>| {
///     Ok((0..t.rows()).map(|i| usize::from(t.at(i, 0) > 20.0)).collect::<Vec<_>>())
/// };
/// let seen = Table::new(&names, seen)?;
/// let surrogate = Surrogate::fit(model, &seen, SurrogateOptions::default())?;
/// assert!(surrogate.fidelity(model, &Table::new(&names, held_out)?)? > 0.9);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Surrogate {
    tree: Tree,
    seen: Seen,
}

impl Surrogate {
    /// Asks `query`, the model, for the class of every row of `data` and of the extra points, and
    /// grows a tree on the answers.
    ///
    /// # Errors
    /// If `data` is empty, `options` are out of range, or the model fails or answers with another
    /// number of classes than it was asked rows.
    pub fn fit(
        query: impl Fn(&Table<'_>) -> Result<Vec<usize>>,
        data: &Table<'_>,
        options: SurrogateOptions,
    ) -> Result<Surrogate> {
        if data.rows() == 0 {
            return Err(Error::shape(
                "surrogate: the data has no rows; give at least one",
            ));
        }
        if !options.spread.is_finite() || options.spread < 0.0 {
            return Err(Error::value(format!(
                "surrogate: a spread of {}; give standard deviations, 0 or more",
                options.spread
            )));
        }
        if options.queries > MOST_QUERIES {
            return Err(Error::value(format!(
                "surrogate: {} queries; give at most {MOST_QUERIES}",
                options.queries
            )));
        }
        let mut values = data.values().to_vec();
        values.extend(sample::around(
            data,
            options.queries,
            options.spread,
            options.seed,
        ));
        let table = Table::new(data.names(), &values)?;
        let labels = ask(query, &table)?;
        Ok(Surrogate {
            tree: Tree::fit(&table, &labels, options.tree)?,
            seen: Seen::rows_of(data),
        })
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The share of the rows of `held_out` to which the tree gives the model's class. Rows that
    /// the tree was grown on would flatter it: [`Surrogate::judge`] leaves them out.
    ///
    /// # Errors
    /// If `held_out` is empty or has other columns than the training data, or the model fails.
    pub fn fidelity(
        &self,
        query: impl Fn(&Table<'_>) -> Result<Vec<usize>>,
        held_out: &Table<'_>,
    ) -> Result<f64> {
        Ok(self.compare(query, held_out)?.share())
    }

    /// How often the tree gives the model's class on those rows of `table` that did not grow it, and
    /// how often one class for all would.
    ///
    /// # Errors
    /// As [`Surrogate::fidelity`], or if all rows grew the tree.
    pub fn judge(
        &self,
        query: impl Fn(&Table<'_>) -> Result<Vec<usize>>,
        table: &Table<'_>,
    ) -> Result<Fidelity> {
        let values = self.unseen(table)?;
        let unseen = Table::new(table.names(), &values)?;
        Ok(Fidelity {
            seen: table.rows() - unseen.rows(),
            ..self.compare(query, &unseen)?
        })
    }

    /// The tree as [`Rules`], measured on those rows of `table` that did not grow it. `classes` are
    /// the classes' names.
    ///
    /// # Errors
    /// As [`Surrogate::judge`], or if the tree or the model gives a class without a name.
    pub fn rules(
        &self,
        query: impl Fn(&Table<'_>) -> Result<Vec<usize>>,
        table: &Table<'_>,
        classes: &[String],
    ) -> Result<Rules> {
        let values = self.unseen(table)?;
        let unseen = Table::new(table.names(), &values)?;
        let rules = Rules::measure(&self.tree, &unseen, &ask(query, &unseen)?, classes)?;
        Ok(rules.on_unseen(table.rows() - unseen.rows()))
    }

    fn compare(
        &self,
        query: impl Fn(&Table<'_>) -> Result<Vec<usize>>,
        table: &Table<'_>,
    ) -> Result<Fidelity> {
        self.check(table)?;
        let model = ask(query, table)?;
        let tree = self.tree.predict_all(table);
        let same = model.iter().zip(&tree).filter(|(a, b)| a == b).count();
        Ok(Fidelity::count(&model, same))
    }

    /// The rows of `table` that did not grow the tree.
    fn unseen(&self, table: &Table<'_>) -> Result<Vec<f64>> {
        self.check(table)?;
        let values = self.seen.others(table);
        if values.is_empty() {
            return Err(Error::value(format!(
                "fidelity: all {} rows grew the tree, so they say nothing of it; hold some out",
                table.rows()
            )));
        }
        Ok(values)
    }

    fn check(&self, table: &Table<'_>) -> Result<()> {
        if table.columns() == self.tree.columns() && table.rows() > 0 {
            return Ok(());
        }
        Err(Error::shape(format!(
            "fidelity: {} rows of {} columns; give at least one row of the {} columns that the tree was \
             grown on",
            table.rows(),
            table.columns(),
            self.tree.columns()
        )))
    }
}

/// The most points that a model is asked about beside the data.
const MOST_QUERIES: usize = 1 << 24;

/// The highest class number: counts are kept for each.
const MOST_CLASSES: usize = 1 << 20;

fn ask(query: impl Fn(&Table<'_>) -> Result<Vec<usize>>, table: &Table<'_>) -> Result<Vec<usize>> {
    let classes = query(table)?;
    if classes.len() != table.rows() {
        return Err(Error::shape(format!(
            "surrogate: the model gave {} classes for {} rows; it must give one for each",
            classes.len(),
            table.rows()
        )));
    }
    if let Some(row) = classes.iter().position(|&c| c > MOST_CLASSES) {
        return Err(Error::value(format!(
            "surrogate: the model gave row {row} class {}; classes are numbers from 0 to {MOST_CLASSES}",
            classes[row]
        )));
    }
    Ok(classes)
}
