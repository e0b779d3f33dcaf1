//! Signed bars: how much each feature speaks for or against.

use super::canvas::{FAINT, Font, PALETTE, PLAIN, TITLE, WIDTH, fill, fit, picture, stroke, write};
use super::canvas::{width_of, wrap};
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

const MARGIN: f64 = 10.0;
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
        legend(area, b, head - 22.0)?;
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

fn legend(area: &super::canvas::Area<'_>, b: &Bars<'_>, y: f64) -> Result<()> {
    let half = f64::from(WIDTH) / 2.0 - MARGIN - 4.0;
    let cut = |text: &str| fit(text, half - width_of("< ", LEGEND.size), LEGEND.size);
    let below = Font {
        color: PALETTE[1],
        bold: true,
        ..LEGEND
    };
    let above = Font {
        color: PALETTE[0],
        bold: true,
        anchor: HPos::Right,
        ..LEGEND
    };
    if !b.negative.is_empty() {
        write(
            area,
            &format!("\u{2190} {}", cut(b.negative)),
            MARGIN,
            y,
            below,
        )?;
    }
    if !b.positive.is_empty() {
        let x = f64::from(WIDTH) - MARGIN;
        write(area, &format!("{} \u{2192}", cut(b.positive)), x, y, above)?;
    }
    Ok(())
}

fn row(area: &super::canvas::Area<'_>, name: &str, value: f64, y: f64, s: &Scale) -> Result<()> {
    let sign = if value > 0.0 { "+" } else { "" };
    let figure = format!("{sign}{}", number(value, 3));
    let room = f64::from(WIDTH) - 2.0 * MARGIN - width_of(&figure, PLAIN.size) - 8.0;
    let right = f64::from(WIDTH) - MARGIN;
    write(area, &fit(name, room, PLAIN.size), MARGIN, y + 8.0, PLAIN)?;
    write(
        area,
        &figure,
        right,
        y + 8.0,
        Font {
            anchor: HPos::Right,
            bold: true,
            ..PLAIN
        },
    )?;
    let (top, bottom) = (y + 18.0, y + 29.0);
    stroke(
        area,
        (s.zero, top - 3.0),
        (s.zero, bottom + 3.0),
        FAINT,
        1.0,
    )?;
    let end = s.zero + value * s.unit;
    // A hair of a bar shows that a tiny value is there.
    let end = if value == 0.0 {
        end
    } else {
        end + 0.5 * value.signum()
    };
    let color = if value < 0.0 { PALETTE[1] } else { PALETTE[0] };
    let (left, right) = (
        end.min(s.zero).max(0.0),
        end.max(s.zero).min(f64::from(WIDTH)),
    );
    fill(area, (left, top), (right, bottom), color)
}
