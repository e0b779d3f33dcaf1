//! One rule and its conditions.

/// One rule: if every condition holds, the class.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What must hold, in the order in which the tree first asks; none means always.
    pub conditions: Vec<Condition>,
    /// The class that the rule gives.
    pub class: usize,
    /// The number of measured rows that meet the conditions.
    pub covered: usize,
    /// How many of those the model gives the rule's class.
    pub agreeing: usize,
}

/// `above < x[feature] <= up_to`; an open end is infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// The column.
    pub feature: usize,
    /// The lower end, itself outside.
    pub above: f64,
    /// The upper end, itself inside.
    pub up_to: f64,
}

impl Condition {
    /// Whether `row` meets the condition.
    pub fn holds(&self, row: &[f64]) -> bool {
        self.above < row[self.feature] && row[self.feature] <= self.up_to
    }
}

impl Rule {
    /// Whether `row` meets every condition.
    pub fn holds(&self, row: &[f64]) -> bool {
        self.conditions.iter().all(|c| c.holds(row))
    }

    /// The share of the covered rows to which the model gives the rule's class; `None` if no row
    /// is covered, which is no evidence either way.
    pub fn precision(&self) -> Option<f64> {
        (self.covered > 0).then(|| self.agreeing as f64 / self.covered as f64)
    }
}
