//! Signed bars: how much each feature speaks for or against.

use super::canvas::{Area, FAINT, Font, PALETTE, PLAIN, TITLE, WIDTH, fill, fit, picture, stroke};
use super::canvas::{width_of, wrap, write};
use crate::text::number;
use lepton_tensor::{Error, Result};
use plotters::style::text_anchor::HPos;

/// What [`bars`] draws.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    /// The heading.
    pub title: &'a str,
    /// What a negative value means, in a few words.
    pub negative: &'a str,
    /// What a positive value means, in a few words.
    pub positive: &'a str,
    /// A name and a value for each bar, from top to bottom.
    pub entries: &'a [(String, f64)],
}

pub(super) const MARGIN: f64 = 10.0;
/// How high a bar is.
pub(super) const BAR: f64 = 11.0;
const ROW: f64 = 36.0;
const LEGEND: Font = Font { size: 12, ..PLAIN };

/// A bar for each entry, to the left below zero and to the right above, each under its name and
/// its value.
///
/// ```
/// use lepton_explain::picture::{Bars, bars};
/// let entries = [("worst area".to_string(), 1.25), ("mean texture".to_string(), -0.4)];
/// let svg = bars(&Bars {
///     title: "Why this answer?",
///     negative: "speaks against",
///     positive: "speaks for it",
///     entries: &entries,
/// })?;
/// assert!(svg.starts_with("<svg") && svg.contains("worst area") && svg.contains("+1.25"));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If there is no entry or a value is not finite.
pub fn bars(b: &Bars<'_>) -> Result<String> {
    if b.entries.is_empty() {
        return Err(Error::shape(
            "bars: there is nothing to draw; give at least one entry",
        ));
    }
    if let Some((name, value)) = b.entries.iter().find(|(_, v)| !v.is_finite()) {
        return Err(Error::value(format!(
            "bars: the value of `{name}` is {value}"
        )));
    }
    let width = f64::from(WIDTH);
    let title = wrap(b.title, width - 2.0 * MARGIN, TITLE.size, 3);
    let head = 20.0 * title.len() as f64 + 44.0;
    let height = head + ROW * b.entries.len() as f64 + 6.0;
    picture(b.title, height as i32, |area| {
        for (i, line) in title.iter().enumerate() {
            write(area, line, MARGIN, 18.0 + 20.0 * i as f64, TITLE)?;
        }
        legend(area, b.negative, b.positive, head - 22.0)?;
        let scale = Scale::of(b.entries);
        for (i, (name, value)) in b.entries.iter().enumerate() {
            row(area, name, *value, head + ROW * i as f64, &scale)?;
        }
        Ok(())
    })
}

/// Where values lie across the picture.
struct Scale {
    zero: f64,
    unit: f64, // units of length for a value of one
}

impl Scale {
    fn of(entries: &[(String, f64)]) -> Scale {
        // Half the ends: the distance between two finite numbers may not be finite.
        let low = entries.iter().fold(0.0, |m: f64, (_, v)| m.min(v / 2.0));
        let high = entries.iter().fold(0.0, |m: f64, (_, v)| m.max(v / 2.0));
        let room = f64::from(WIDTH) - 2.0 * MARGIN;
        let span = if high > low { high - low } else { 1.0 };
        Scale {
            zero: MARGIN + room * (-low / span),
            unit: room / span / 2.0,
        }
    }
}

/// Which way is which: `negative` at the left, `positive` at the right; nothing for an empty one.
pub(super) fn legend(area: &Area<'_>, negative: &str, positive: &str, y: f64) -> Result<()> {
    let half = f64::from(WIDTH) / 2.0 - MARGIN - 4.0;
    let cut = |text: &str| fit(text, half - width_of("< ", LEGEND.size), LEGEND.size);
    let side = |color, anchor| Font {
        color,
        bold: true,
        anchor,
        ..LEGEND
    };
    if !negative.is_empty() {
        let text = format!("\u{2190} {}", cut(negative));
        write(area, &text, MARGIN, y, side(PALETTE[1], HPos::Left))?;
    }
    if !positive.is_empty() {
        let text = format!("{} \u{2192}", cut(positive));
        let right = f64::from(WIDTH) - MARGIN;
        write(area, &text, right, y, side(PALETTE[0], HPos::Right))?;
    }
    Ok(())
}

/// `name` at the left and `figure` in bold at the right of one line; a name that is too long is cut.
pub(super) fn heading(area: &Area<'_>, name: &str, figure: &str, y: f64) -> Result<()> {
    let room = f64::from(WIDTH) - 2.0 * MARGIN - width_of(figure, PLAIN.size) - 8.0;
    write(area, &fit(name, room, PLAIN.size), MARGIN, y, PLAIN)?;
    let font = Font {
        anchor: HPos::Right,
        bold: true,
        ..PLAIN
    };
    write(area, figure, f64::from(WIDTH) - MARGIN, y, font)
}

/// A value with its sign.
pub(super) fn signed(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", number(value, 3))
}

/// A bar from `from` to `to`, in the colour of its direction. A hair of a bar shows that a tiny value
/// is there.
pub(super) fn bar(area: &Area<'_>, from: f64, to: f64, value: f64, top: f64) -> Result<()> {
    let to = if value == 0.0 {
        to
    } else {
        to + 0.5 * value.signum()
    };
    let color = if value < 0.0 { PALETTE[1] } else { PALETTE[0] };
    let (left, right) = (from.min(to).max(0.0), from.max(to).min(f64::from(WIDTH)));
    fill(area, (left, top), (right, top + BAR), color)
}

fn row(area: &Area<'_>, name: &str, value: f64, y: f64, s: &Scale) -> Result<()> {
    heading(area, name, &signed(value), y + 8.0)?;
    let top = y + 18.0;
    let ends = [(s.zero, top - 3.0), (s.zero, top + BAR + 3.0)];
    stroke(area, ends[0], ends[1], FAINT, 1.0)?;
    bar(area, s.zero, s.zero + value * s.unit, value, top)
}
