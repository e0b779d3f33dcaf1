//! A classification tree: CART with the Gini index (Breiman, Friedman, Olshen & Stone, 1984).

use super::purity::{Purity, Side};
use crate::Table;
use lepton_tensor::{Error, Result};

/// The largest table a tree is grown on: up to here the exact comparison of two splits fits `u128`.
const MAX_ROWS: usize = 1 << 25;

/// How far a [`Tree`] may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeOptions {
    /// The largest number of questions between the root and a leaf; 0 gives one leaf.
    pub max_depth: usize,
    /// The smallest number of rows that a leaf may hold, at least 1.
    pub min_leaf: usize,
}

impl Default for TreeOptions {
    /// Four questions, leaves of at least five rows: a tree that fits a page.
    fn default() -> TreeOptions {
        TreeOptions {
            max_depth: 4,
            min_leaf: 5,
        }
    }
}

/// A binary tree of questions `x[feature] <= threshold` that ends in classes.
///
/// The same rows give the same tree, to the bit: two splits are compared in whole numbers, so a
/// tie is a tie, and the lowest feature wins it, then the lowest threshold.
///
/// ```
/// use lepton_explain::{Table, surrogate::{Tree, TreeOptions}};
/// let names = ["x".to_string(), "y".to_string()];
/// let table = Table::new(&names, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?;
/// let xor = [0, 1, 1, 0];
/// let tree = Tree::fit(&table, &xor, TreeOptions { max_depth: 2, min_leaf: 1 })?;
/// assert_eq!(tree.predict_all(&table), xor);
/// assert_eq!((tree.leaves(), tree.depth()), (4, 2));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    columns: usize,
}

/// A node of a [`Tree`]: what reached it in training, and the question it asks, if any.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// How many training rows of each class reached this node.
    pub counts: Vec<usize>,
    /// The question, or `None` in a leaf.
    pub split: Option<Split>,
}

/// The question `x[feature] <= threshold`: yes goes to node `left`, no to node `right`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The column asked about.
    pub feature: usize,
    /// The midpoint between the two neighbouring training values that it parts.
    pub threshold: f64,
    /// The node for rows up to the threshold.
    pub left: usize,
    /// The node for rows above it.
    pub right: usize,
}

impl Node {
    /// The class of most rows here; the lowest one of several.
    pub fn class(&self) -> usize {
        let most = self.counts.iter().max();
        self.counts
            .iter()
            .position(|c| Some(c) == most)
            .unwrap_or(0)
    }
}

impl Tree {
    /// Grows a tree that tells the classes `labels` apart by the columns of `table`.
    ///
    /// A node that holds several classes is split wherever `options` allow, also when the split by
    /// itself gains nothing: the first question of an exclusive or never does.
    ///
    /// # Errors
    /// If the table is empty, larger than 2^25 rows, or not as long as `labels`, or if `min_leaf`
    /// is 0.
    pub fn fit(table: &Table<'_>, labels: &[usize], options: TreeOptions) -> Result<Tree> {
        if table.rows() != labels.len() {
            return Err(Error::shape(format!(
                "tree: {} rows and {} labels; each row needs one label",
                table.rows(),
                labels.len()
            )));
        }
        if labels.is_empty() || labels.len() > MAX_ROWS {
            return Err(Error::shape(format!(
                "tree: {} rows; a tree needs at least one and at most {MAX_ROWS}",
                labels.len()
            )));
        }
        if options.min_leaf == 0 {
            return Err(Error::value(
                "tree: min_leaf is 0; a leaf holds at least one row",
            ));
        }
        let classes = labels.iter().max().map_or(0, |&c| c + 1);
        if classes > labels.len().max(65_536) {
            return Err(Error::value(format!(
                "tree: label {} is no class number",
                classes - 1
            )));
        }
        let mut grower = Grower {
            table,
            labels,
            classes,
            options,
            nodes: Vec::new(),
        };
        let mut rows: Vec<usize> = (0..labels.len()).collect();
        grower.grow(&mut rows, 0);
        Ok(Tree {
            nodes: grower.nodes,
            columns: table.columns(),
        })
    }

    /// The nodes in preorder: the root first, the left child right behind its parent.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The number of columns that the tree reads.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|n| n.split.is_none()).count()
    }

    /// The largest number of questions on a way from the root to a leaf.
    pub fn depth(&self) -> usize {
        let mut depth = vec![0; self.nodes.len()];
        // Preorder: a parent stands before its children.
        for (i, node) in self.nodes.iter().enumerate() {
            if let Some(s) = node.split {
                depth[s.left] = depth[i] + 1;
                depth[s.right] = depth[i] + 1;
            }
        }
        depth.into_iter().max().unwrap_or(0)
    }

    /// The index of the leaf that `row` reaches.
    ///
    /// # Panics
    /// If `row` has not as many values as the tree has columns, or one is NaN.
    #[track_caller]
    pub fn leaf(&self, row: &[f64]) -> usize {
        assert!(
            row.len() == self.columns,
            "tree: a row of {} values; it was grown on {} columns",
            row.len(),
            self.columns
        );
        assert_numbers("tree", row);
        let mut at = 0;
        while let Some(s) = self.nodes[at].split {
            at = if row[s.feature] <= s.threshold {
                s.left
            } else {
                s.right
            };
        }
        at
    }

    /// The class of `row`.
    ///
    /// # Panics
    /// If `row` has not as many values as the tree has columns, or one is NaN.
    #[track_caller]
    pub fn predict(&self, row: &[f64]) -> usize {
        self.nodes[self.leaf(row)].class()
    }

    /// The class of each row of `table`.
    ///
    /// # Panics
    /// If the table has not as many columns as the tree.
    #[track_caller]
    pub fn predict_all(&self, table: &Table<'_>) -> Vec<usize> {
        let mut classes = Vec::with_capacity(table.rows());
        for i in 0..table.rows() {
            classes.push(self.predict(table.row(i)));
        }
        classes
    }
}

/// A missing value stands on no side of a threshold.
#[track_caller]
pub(super) fn assert_numbers(who: &str, row: &[f64]) {
    if let Some(j) = row.iter().position(|v| v.is_nan()) {
        panic!("{who}: column {j} of the row is NaN; fill or drop missing values first");
    }
}

struct Grower<'a> {
    table: &'a Table<'a>,
    labels: &'a [usize],
    classes: usize,
    options: TreeOptions,
    nodes: Vec<Node>,
}

impl Grower<'_> {
    /// Adds the node for `rows`, then the nodes below it, and says where it stands.
    fn grow(&mut self, rows: &mut [usize], depth: usize) -> usize {
        let at = self.nodes.len();
        let counts = self.count(rows);
        let pure = counts.iter().filter(|&&c| c > 0).count() < 2;
        self.nodes.push(Node {
            counts,
            split: None,
        });
        if pure || depth == self.options.max_depth {
            return at;
        }
        if let Some((feature, threshold)) = self.best_split(rows, at) {
            let column = |&r: &usize| self.table.at(r, feature) > threshold;
            rows.sort_by_key(column); // stable: rows keep their order on either side
            let cut = rows.partition_point(|r| !column(r));
            let (low, high) = rows.split_at_mut(cut);
            let left = self.grow(low, depth + 1);
            let right = self.grow(high, depth + 1);
            self.nodes[at].split = Some(Split {
                feature,
                threshold,
                left,
                right,
            });
        }
        at
    }

    fn count(&self, rows: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &r in rows {
            counts[self.labels[r]] += 1;
        }
        counts
    }

    fn best_split(&self, rows: &[usize], node: usize) -> Option<(usize, f64)> {
        let mut best: Option<(Purity, usize, f64)> = None;
        let mut order = rows.to_vec();
        for feature in 0..self.table.columns() {
            order.sort_by(|&a, &b| {
                self.table
                    .at(a, feature)
                    .total_cmp(&self.table.at(b, feature))
            });
            self.scan(&order, feature, node, &mut best);
        }
        best.map(|(_, feature, threshold)| (feature, threshold))
    }

    /// Tries each gap between the values of `order`, the node's rows sorted by `feature`.
    fn scan(
        &self,
        order: &[usize],
        feature: usize,
        node: usize,
        best: &mut Option<(Purity, usize, f64)>,
    ) {
        let mut left = Side::new(&vec![0; self.classes]);
        let mut right = Side::new(&self.nodes[node].counts);
        for pair in order.windows(2) {
            let class = self.labels[pair[0]];
            left.add(class);
            right.remove(class);
            let (low, high) = (
                self.table.at(pair[0], feature),
                self.table.at(pair[1], feature),
            );
            if low == high || left.rows.min(right.rows) < self.options.min_leaf as u128 {
                continue;
            }
            let purity = Purity::of(&left, &right);
            if best.as_ref().is_none_or(|(b, ..)| purity.beats(b)) {
                *best = Some((purity, feature, midpoint(low, high)));
            }
        }
    }
}

/// A threshold with `low` on its left and `high` on its right, half way where `f64` has room.
fn midpoint(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    if middle < high { middle } else { low }
}
