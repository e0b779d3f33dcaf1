//! Columns from which nothing can be learnt, so that no answer depends on them.

use std::collections::HashSet;

use crate::table::{Cells, Column, Table};

/// A column that a model does not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The column's name.
    pub column: String,
    /// Why, as the end of a sentence: "it is empty".
    pub why: String,
}

/// In fewer rows many a category stands in one row alone.
const LEAST: usize = 10;

/// The columns of `table` that teach nothing.
pub(crate) fn left_out(table: &Table) -> Vec<LeftOut> {
    let idle = |c: &Column| {
        why(&c.cells).map(|why| LeftOut {
            column: c.name.clone(),
            why,
        })
    };
    table.columns().iter().filter_map(idle).collect()
}

/// Why a column teaches nothing, if so: it is empty or has one value only, or nearly every row has a
/// text of its own, which names the row and would stand in the model for all to read.
pub(crate) fn why(cells: &Cells) -> Option<String> {
    let Some(first) = (0..cells.len()).find(|&i| !cells.is_missing(i)) else {
        return Some("it is empty".into());
    };
    let constant = match cells {
        Cells::Number(values) => is_constant(values),
        // A missing number becomes the median, and so does a missing truth value.
        Cells::Bool { values, .. } => values.iter().flatten().all(|&b| Some(b) == values[first]),
        Cells::Text(values) => values.iter().all(|text| *text == values[first]),
    };
    if constant {
        let value = cells.text(first).unwrap_or_default();
        return Some(format!("every value is `{}`", value.escape_debug()));
    }
    let Cells::Text(values) = cells else {
        return None;
    };
    let known = values.iter().flatten().count();
    let different = values.iter().flatten().collect::<HashSet<_>>().len();
    (known >= LEAST && 10 * different >= 9 * known).then(|| {
        format!("it has {different} different texts in {known} rows, so it identifies rows")
    })
}

/// Whether numbers are equal but for roundings, missing ones aside.
fn is_constant(values: &[f64]) -> bool {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low <= 1e-12 * low.abs().max(high.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadOptions;

    fn whys(text: &str) -> Vec<(String, String)> {
        let table = Table::read(text.as_bytes(), "f.csv", &ReadOptions::default()).unwrap();
        let left_out = left_out(&table).into_iter();
        left_out.map(|l| (l.column, l.why)).collect()
    }

    #[test]
    fn what_is_equal_everywhere_teaches_nothing() {
        let found = whys("e,n,m,t,b,x,g\n,5,5,a,true,1,a\n,5,,a,true,2,\nNA,5,5,a,,3,a\n");
        let found: Vec<(&str, &str)> = found.iter().map(|(c, w)| (&c[..], &w[..])).collect();
        assert_eq!(
            found,
            [
                ("e", "it is empty"),
                ("n", "every value is `5`"),
                ("m", "every value is `5`"),
                ("t", "every value is `a`"),
                ("b", "every value is `true`"),
            ]
        );
    }

    #[test]
    fn what_names_rows_teaches_nothing() {
        let rows = |n: usize| -> String { (0..n).map(|i| format!("u{i}@x.ch\n")).collect() };
        assert_eq!(
            whys(&format!("mail\n{}", rows(40)))[0].1,
            "it has 40 different texts in 40 rows, so it identifies rows"
        );
        assert!(whys(&format!("mail\n{}", rows(9))).is_empty());
        assert!(whys(&format!("mail\n{}{}", rows(40), rows(40))).is_empty());
    }
}
