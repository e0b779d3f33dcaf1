//! The labels of a column: the texts by which its classes are called.
//!
//! They keep their text, so that `00501` is not 501 and no long number loses its end. Only where a column
//! writes whole numbers in two ways (`1` and `1.0`), they are compared as whole numbers.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use crate::table::{Cells, Table};

/// The label of row `row` in column `column`; `None` where it is missing.
pub(crate) fn label(table: &Table, column: usize, row: usize) -> Option<Cow<'_, str>> {
    let cells = &table.columns()[column].cells;
    match (cells, &table.origin(column).words) {
        (Cells::Text(values), _) => values[row].as_deref().map(Cow::Borrowed),
        (Cells::Number(values), Some(words)) if !values[row].is_nan() => {
            Some(Cow::Borrowed(words.get(row)))
        }
        _ => cells.text(row).map(Cow::Owned),
    }
}

/// The different labels of column `column`: numbers by value, text by bytes.
pub(crate) fn classes(table: &Table, column: usize) -> Vec<String> {
    let labels = (0..table.rows()).filter_map(|row| label(table, column, row));
    let mut labels: HashSet<Cow<'_, str>> = labels.collect();
    let spelled = |text: &Cow<'_, str>| whole(text).map(|w| *w == **text);
    let plain = labels.iter().any(|text| spelled(text) == Some(true));
    if plain && labels.iter().any(|text| spelled(text) == Some(false)) {
        let one = |text: Cow<'_, str>| whole(&text).map_or(text.to_string(), str::to_string);
        labels = labels
            .into_iter()
            .map(|text| Cow::Owned(one(text)))
            .collect();
    }
    let mut labels: Vec<String> = labels.into_iter().map(Cow::into_owned).collect();
    match table.columns()[column].cells {
        Cells::Number(_) => labels.sort_unstable_by(|a, b| by_value(a, b)),
        _ => labels.sort_unstable(),
    }
    labels
}

/// Whether two labels are the same: the same text, or the same whole number.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || matches!((whole(a), whole(b)), (Some(a), Some(b)) if a == b)
}

/// A whole number without a plus, a sign of zero, and zeros behind the point; `None` for other texts,
/// among them those with zeros in front, which are codes.
fn whole(text: &str) -> Option<&str> {
    let plain = text.strip_prefix('+').unwrap_or(text);
    let (number, fraction) = plain.split_once('.').unwrap_or((plain, "0"));
    let digits = number.strip_prefix('-').unwrap_or(number);
    let all = |s: &str, digit: fn(u8) -> bool| !s.is_empty() && s.bytes().all(digit);
    let sound = all(digits, |b| b.is_ascii_digit()) && all(fraction, |b| b == b'0');
    match (sound, digits) {
        (false, _) => None,
        (true, "0") => Some("0"),
        (true, _) => (!digits.starts_with('0')).then_some(number),
    }
}

fn by_value(a: &str, b: &str) -> Ordering {
    let value = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    let exact = |text: &str| whole(text).and_then(|w| w.parse::<i128>().ok());
    let by_exact = match (exact(a), exact(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => Ordering::Equal,
    };
    value(a).total_cmp(&value(b)).then(by_exact).then(a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadOptions;

    fn labels(cells: &str) -> Vec<String> {
        let file = format!("y\n{}\n", cells.replace(' ', "\n"));
        let table = Table::read(file.as_bytes(), "f.csv", &ReadOptions::default()).unwrap();
        classes(&table, 0)
    }

    #[test]
    fn labels_keep_their_text() {
        assert_eq!(labels("00501 10001 00501"), ["00501", "10001"]);
        assert_eq!(labels("1e5 2e5 1e5"), ["1e5", "2e5"]);
        assert_eq!(labels("7 007 7"), ["007", "7"]);
        assert_eq!(
            labels("9007199254740993 9007199254740992 9007199254740993"),
            ["9007199254740992", "9007199254740993"]
        );
        assert_eq!(labels("1.10 1.1 1.0"), ["1.0", "1.1", "1.10"]);
        assert_eq!(labels("2.0 1.0 10.0"), ["1.0", "2.0", "10.0"]);
        assert_eq!(labels("10% 5%"), ["10%", "5%"]);
    }

    #[test]
    fn whole_numbers_are_compared_as_such() {
        assert_eq!(labels("10 9 -1.0 0 -0 +9"), ["-1", "0", "9", "10"]);
        assert!(same("1", "1.0") && same("-0", "0") && same("x", "x"));
        assert!(!same("7", "007") && !same("1.1", "1.10") && !same("1e5", "100000"));
    }
}
