//! How a column stood in its file, where its values alone do not tell.

use std::collections::HashMap;

/// What a reader found out about a column beside its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origin {
    /// What stood beside its numbers: `%`, `$`, `kg`.
    pub(crate) unit: Option<String>,
    /// The texts of its numbers, where these say more than the numbers.
    pub(crate) words: Option<Words>,
    /// The first cell that holds a word for "no value": its line and the word.
    pub(crate) missing: Option<(u64, String)>,
    /// What a user should know of how it was read.
    pub(crate) note: Option<String>,
}

impl Origin {
    /// The same for some of the rows.
    pub(crate) fn take(&self, rows: &[usize]) -> Origin {
        let words = |w: &Words| Words {
            texts: w.texts.clone(),
            rows: rows.iter().map(|&i| w.rows[i]).collect(),
        };
        Origin {
            words: self.words.as_ref().map(words),
            unit: self.unit.clone(),
            missing: self.missing.clone(),
            note: self.note.clone(),
        }
    }
}

/// The texts of numbers that may be labels: `007` is not `7`, and 2^53 + 1 is not 2^53.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Words {
    texts: Vec<String>,
    /// For each row the place of its text.
    rows: Vec<u16>,
}

/// What has more different texts holds no labels.
const MOST: usize = 1000;

impl Words {
    /// The texts of `cells`; `None` where the numbers say the same, or there are too many for labels.
    pub(crate) fn of<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<Words> {
        if cells.clone().all(is_plain) {
            return None;
        }
        let mut places: HashMap<&str, u16> = HashMap::new();
        let mut rows = Vec::new();
        for cell in cells {
            let next = places.len() as u16;
            rows.push(*places.entry(cell).or_insert(next));
            if places.len() > MOST {
                return None;
            }
        }
        let mut texts: Vec<(&str, u16)> = places.into_iter().collect();
        texts.sort_unstable_by_key(|t| t.1);
        let texts = texts.into_iter().map(|t| t.0.to_string()).collect();
        Some(Words { texts, rows })
    }

    /// The text of row `i`.
    pub(crate) fn get(&self, i: usize) -> &str {
        &self.texts[usize::from(self.rows[i])]
    }
}

/// Whether a number is written as a program writes it, and small enough to be exact.
fn is_plain(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let whole = digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    cell.is_empty() || (whole && !digits.is_empty() && !digits.starts_with('0')) || cell == "0"
}
