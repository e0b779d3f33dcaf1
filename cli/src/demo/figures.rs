//! Numbers as a reader meets them.

use lepton::tabular::metrics::{Interval, Share, Z95};

/// At most four significant digits.
pub(crate) fn figure(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    rounded.to_string()
}

/// `203, 41, 64`.
pub(crate) fn list(counts: &[usize]) -> String {
    let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
    counts.join(", ")
}

/// The 95 % interval of a share; all there is where nothing was counted.
pub(crate) fn interval(share: Share) -> Interval {
    share.wilson(Z95).unwrap_or(Interval {
        low: 0.0,
        high: 1.0,
    })
}

/// `0.953 (0.894 to 0.980)`.
pub(crate) fn within(value: f64, i: Interval) -> String {
    format!("{value:.3} ({:.3} to {:.3})", i.low, i.high)
}

/// `0.953 (.89-.98)`: the same where there is little room.
pub(crate) fn short(value: f64, i: Interval) -> String {
    let end = |x: f64| match format!("{x:.2}") {
        one if one.starts_with('1') => "1.0".to_owned(),
        below => below.trim_start_matches('0').to_owned(),
    };
    format!("{value:.3} ({}-{})", end(i.low), end(i.high))
}

/// `41 of 42 (97.6 %, 95 % interval 87.7 to 99.6 %)`.
pub(crate) fn counted(share: Share) -> String {
    let i = interval(share);
    format!(
        "{} of {} ({:.1} %, 95 % interval {:.1} to {:.1} %)",
        share.part,
        share.whole,
        100.0 * share.value(),
        100.0 * i.low,
        100.0 * i.high
    )
}

/// An epsilon: three decimals below 10, none above 100.
pub(crate) fn epsilon(e: f64) -> String {
    match e {
        _ if e.is_infinite() => "infinite".to_owned(),
        _ if e < 10.0 => format!("{e:.3}"),
        _ if e < 100.0 => format!("{e:.1}"),
        _ => format!("{e:.0}"),
    }
}

/// Characters in a line on a terminal.
pub(crate) const WIDTH: usize = 100;

/// A line in pieces of at most `width` characters, broken at spaces; its own indentation stays.
pub(crate) fn wrap(line: &str, width: usize) -> Vec<String> {
    let start = line.len() - line.trim_start().len();
    let mut pieces = vec![line[..start].to_owned()];
    for word in line.split_whitespace() {
        let last = pieces.last_mut().expect("there is always one");
        let gap = usize::from(last.len() > start);
        if last.chars().count() + gap + word.chars().count() <= width || gap == 0 {
            *last += &format!("{:gap$}{word}", "");
        } else {
            pieces.push(format!("{:start$}{word}", ""));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_with_their_indentation() {
        assert_eq!(wrap("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(wrap("immeasurable", 4), ["immeasurable"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(figure(0.006_399), "0.006399");
        assert_eq!(figure(1_234.56), "1235");
        let all = Share { part: 5, whole: 5 };
        assert_eq!(short(1.0, interval(all)), "1.000 (.57-1.0)");
        assert_eq!(
            counted(all),
            "5 of 5 (100.0 %, 95 % interval 56.6 to 100.0 %)"
        );
        assert_eq!(list(&[203, 41]), "203, 41");
    }
}
