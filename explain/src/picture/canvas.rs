//! The paper below every picture.

use crate::text::{escape, is_forbidden};
use lepton_tensor::{Error, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The width of every picture, in units that are pixels on a phone.
pub(super) const WIDTH: i32 = 360;
/// The drawing library rounds to whole numbers, so it draws this much larger.
pub(super) const SCALE: i32 = 4;
/// Takes the colour of the page: black becomes `currentColor` when a picture is finished.
pub(super) const INK: RGBColor = RGBColor(0, 0, 0);
/// What is less important; readable on light and on dark.
pub(super) const FAINT: RGBColor = RGBColor(128, 128, 128);
/// Blue, vermillion, green, purple, orange, sky blue: the palette of Okabe & Ito.
pub(super) const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// How a line of text stands at its point.
#[derive(Clone, Copy)]
pub(super) struct Font {
    pub(super) size: i32,
    pub(super) bold: bool,
    pub(super) color: RGBColor,
    pub(super) anchor: HPos,
}

pub(super) const PLAIN: Font = Font {
    size: 13,
    bold: false,
    color: INK,
    anchor: HPos::Left,
};
pub(super) const TITLE: Font = Font {
    size: 15,
    bold: true,
    ..PLAIN
};

impl Font {
    pub(super) fn style(self) -> TextStyle<'static> {
        let weight = if self.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        // The backend divides the size by 1.24.
        let font = FontDesc::new(
            FontFamily::SansSerif,
            1.24 * f64::from(self.size * SCALE),
            weight,
        );
        TextStyle {
            font,
            color: self.color.to_backend_color(),
            pos: Pos::new(self.anchor, VPos::Center),
        }
    }
}

/// A picture `height` units high, named `title` for those who hear it, drawn by `body`.
pub(super) fn picture(
    title: &str,
    height: i32,
    body: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<String> {
    let (w, h) = (WIDTH * SCALE, height * SCALE);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (w as u32, h as u32)).into_drawing_area();
        body(&area)?;
        area.present().map_err(failed)?;
    }
    // The library's own header has no name for the picture and no colour to inherit.
    let drawn = svg.split_once('\n').map_or("", |(_, rest)| rest);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{WIDTH}\" \
         height=\"{height}\" viewBox=\"0 0 {w} {h}\" color=\"#000000\">\n<title>{}</title>\n\
         <rect class=\"paper\" width=\"{w}\" height=\"{h}\" fill=\"#FFFFFF\"/>\n{}",
        escape(title),
        // Safe on text: the library escapes quotes, so this reads no text as an attribute. It does
        // let control characters through.
        drawn
            .replace("=\"#000000\"", "=\"currentColor\"")
            .replace(is_forbidden, " ")
    ))
}

/// An error of the drawing library as ours.
pub(super) fn failed(e: impl std::fmt::Display) -> Error {
    Error::value(format!("picture: {e}"))
}

/// A point in units as the library counts.
pub(super) fn at(x: f64, y: f64) -> (i32, i32) {
    let scaled = |v: f64| (v * f64::from(SCALE)).round() as i32;
    (scaled(x), scaled(y))
}

/// Writes `text` with its middle line at `y`.
pub(super) fn write(area: &Area<'_>, text: &str, x: f64, y: f64, font: Font) -> Result<()> {
    area.draw(&Text::new(text.to_string(), at(x, y), font.style()))
        .map_err(failed)
}

/// A filled rectangle.
pub(super) fn fill(
    area: &Area<'_>,
    (x0, y0): (f64, f64),
    (x1, y1): (f64, f64),
    color: RGBColor,
) -> Result<()> {
    area.draw(&Rectangle::new([at(x0, y0), at(x1, y1)], color.filled()))
        .map_err(failed)
}

/// A straight line `width` units wide.
pub(super) fn stroke(
    area: &Area<'_>,
    (x0, y0): (f64, f64),
    (x1, y1): (f64, f64),
    color: RGBColor,
    width: f64,
) -> Result<()> {
    let style = color.stroke_width((width * f64::from(SCALE)).round() as u32);
    area.draw(&PathElement::new([at(x0, y0), at(x1, y1)], style))
        .map_err(failed)
}

/// About how many units `text` takes: fonts differ, so a wide one is assumed.
pub(super) fn width_of(text: &str, size: i32) -> f64 {
    0.58 * f64::from(size) * text.chars().count() as f64
}

/// `text`, cut with an ellipsis where it would be wider than `width`.
pub(super) fn fit(text: &str, width: f64, size: i32) -> String {
    if width_of(text, size) <= width {
        return text.to_string();
    }
    let room = (width / width_of("x", size)) as usize;
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// `text` in lines of at most `width` units, broken at spaces and underscores, at most `most` of
/// them; what does not fit ends in an ellipsis.
pub(super) fn wrap(text: &str, width: f64, size: i32, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive([' ', '_']) {
        let whole = lines.last().map(|line| format!("{line}{word}"));
        match whole.filter(|w| width_of(w.trim_end_matches([' ', '_']), size) <= width) {
            Some(whole) => *lines.last_mut().expect("it was just read") = whole,
            None => lines.push(word.to_string()),
        }
    }
    if lines.len() > most {
        let rest = lines.split_off(most.max(1) - 1).concat();
        lines.push(rest);
    }
    lines
        .iter()
        .map(|l| fit(l.trim_end_matches([' ', '_']), width, size))
        .collect()
}
