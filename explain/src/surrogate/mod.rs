//! A small tree that answers as a model does, and the share of rows on which it does.
//!
//! The model is a black box: [`Surrogate::fit`] asks it for the classes of the data and of extra
//! points around the data (the idea of TREPAN: Craven & Shavlik, 1996), and grows a [`Tree`] on
//! the answers. [`Surrogate::fidelity`] tells, on rows that were held out, how often the tree
//! says what the model says; a surrogate without that number explains nothing.

mod rules;
mod sample;
mod tree;

pub use rules::{Condition, Rule, Rules};
pub use tree::{Node, Split, Tree, TreeOptions};

use crate::Table;
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
        })
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The share of the rows of `held_out` to which the tree gives the model's class. Rows that
    /// the tree was grown on would flatter it.
    ///
    /// # Errors
    /// If `held_out` is empty or has other columns than the training data, or the model fails.
    pub fn fidelity(
        &self,
        query: impl Fn(&Table<'_>) -> Result<Vec<usize>>,
        held_out: &Table<'_>,
    ) -> Result<f64> {
        if held_out.columns() != self.tree.columns() || held_out.rows() == 0 {
            return Err(Error::shape(format!(
                "fidelity: {} rows of {} columns; give at least one row of the {} columns that \
                 the tree was grown on",
                held_out.rows(),
                held_out.columns(),
                self.tree.columns()
            )));
        }
        let model = ask(query, held_out)?;
        let tree = self.tree.predict_all(held_out);
        let same = model.iter().zip(&tree).filter(|(a, b)| a == b).count();
        Ok(same as f64 / held_out.rows() as f64)
    }
}

fn ask(query: impl Fn(&Table<'_>) -> Result<Vec<usize>>, table: &Table<'_>) -> Result<Vec<usize>> {
    let classes = query(table)?;
    if classes.len() != table.rows() {
        return Err(Error::shape(format!(
            "surrogate: the model gave {} classes for {} rows; it must give one for each",
            classes.len(),
            table.rows()
        )));
    }
    Ok(classes)
}
