//! Numbers as people read them, and text that is safe inside SVG and HTML.

/// The decimal with the fewest significant digits, at least three, that lies in `[low, high)` when
/// `x`, which lies there, is rounded to it; `x` itself if 17 digits do not suffice.
pub(crate) fn shortest_between(x: f64, low: f64, high: f64) -> f64 {
    let rounded = (3..=17).map(|digits| significant(x, digits));
    rounded
        .into_iter()
        .find(|&r| low <= r && r < high)
        .unwrap_or(x)
}

/// `x` rounded to `digits` significant decimal digits.
pub(crate) fn significant(x: f64, digits: usize) -> f64 {
    // Through text, because the nearest f64 to a decimal is what reads back as that decimal.
    format!("{x:.*e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(x)
}

/// `text` with the characters that SVG and HTML read as markup replaced by entities, and
/// characters that XML forbids by a space.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            c if is_forbidden(c) => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Whether XML has no place for `c`, not even as an entity.
pub(crate) fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// `x` in at most `digits` significant digits, with `e` where zeros would outnumber them.
pub(crate) fn number(x: f64, digits: usize) -> String {
    let rounded = significant(x, digits) + 0.0; // -0 becomes 0
    let size = rounded.abs();
    if size == 0.0 || (1e-4..1e7).contains(&size) || !size.is_finite() {
        format!("{rounded}").replace('-', "\u{2212}")
    } else {
        format!("{rounded:e}").replace('-', "\u{2212}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let table = [
            (0.0, "0"),
            (-0.0, "0"),
            (1234567.0, "1230000"),
            (0.00012345, "0.000123"),
            (-2.5, "\u{2212}2.5"),
            (1e-9, "1e\u{2212}9"),
            (6.02214e23, "6.02e23"),
        ];
        for (x, want) in table {
            assert_eq!(number(x, 3), want);
        }
    }

    #[test]
    fn a_threshold_takes_as_few_digits_as_part_its_neighbours() {
        assert_eq!(shortest_between(880.849, 870.0, 891.0), 881.0);
        assert_eq!(shortest_between(2019.5, 2019.0, 2020.0), 2019.5);
        assert_eq!(shortest_between(0.1, 0.1, 0.1_f64.next_up()), 0.1);
    }

    #[test]
    fn markup_is_escaped_and_control_characters_are_gone() {
        assert_eq!(
            escape("<a b='c'>&\"\u{1b}\n"),
            "&lt;a b=&#39;c&#39;&gt;&amp;&quot; \n"
        );
    }
}
