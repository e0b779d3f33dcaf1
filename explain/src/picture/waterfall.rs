//! From the score of a reference to the score that is explained, part by part, none left out.

use super::bars::{BAR, MARGIN, bar, heading, legend, signed};
use super::canvas::{Area, FAINT, Font, PLAIN, TITLE, WIDTH, fit, picture, stroke, wrap, write};
use crate::text::number;
use lepton_tensor::{Error, Result};

/// What [`waterfall`] draws.
#[derive(Clone, Copy, Debug)]
pub struct Waterfall<'a> {
    /// The heading.
    pub title: &'a str,
    /// What a negative part means, in a few words.
    pub negative: &'a str,
    /// What a positive part means, in a few words.
    pub positive: &'a str,
    /// What the parts start from, and its score.
    pub start: (&'a str, f64),
    /// What is explained, and its score.
    pub end: (&'a str, f64),
    /// Every part, from top to bottom.
    pub parts: &'a [Part],
    /// How many parts have a bar of their own; the others share one.
    pub shown: usize,
}

/// What one feature adds to the score.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The feature.
    pub name: String,
    /// What to know of it, in a few words: its value, what is usual; may be empty.
    pub detail: String,
    /// What it adds.
    pub value: f64,
}

const LINE: f64 = 15.0; // from a name to its detail
const GAP: f64 = 8.0; // between a bar and the next name
const SMALL: Font = Font {
    size: 12,
    color: FAINT,
    ..PLAIN
};

/// Bars from the score of a reference to the score that is explained: each begins where the one above
/// it ended. The last one holds the parts that have none of their own, so that all parts are seen.
///
/// ```
/// use lepton_explain::picture::{Part, Waterfall, waterfall};
/// let part = |name: &str, detail: &str, value| Part { name: name.into(), detail: detail.into(), value };
/// let parts = [part("area", "881; usual 250 to 820", 2.5), part("texture", "", -0.5), part("age", "", -0.25)];
/// let mut drawn = Waterfall {
///     title: "Why malignant?",
///     negative: "benign",
///     positive: "malignant",
///     start: ("a typical benign patient", -1.25),
///     end: ("this patient", 0.5),
///     parts: &parts,
///     shown: 1,
/// };
/// let svg = waterfall(&drawn)?;
/// assert!(svg.contains("usual 250 to 820") && svg.contains("2 other features"));
/// drawn.end.1 = 3.0;
/// assert!(waterfall(&drawn).is_err()); // the parts do not lead there
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If a value is not finite, or the start and all parts do not add up to the end.
pub fn waterfall(w: &Waterfall<'_>) -> Result<String> {
    check(w)?;
    let rows = rows(w);
    let title = wrap(w.title, f64::from(WIDTH) - 2.0 * MARGIN, TITLE.size, 3);
    let head = 20.0 * title.len() as f64 + 44.0;
    let height = head + rows.iter().map(Row::height).sum::<f64>() + 2.0;
    let scale = Scale::of(&rows);
    picture(w.title, height as i32, |area| {
        for (i, line) in title.iter().enumerate() {
            write(area, line, MARGIN, 18.0 + 20.0 * i as f64, TITLE)?;
        }
        legend(area, w.negative, w.positive, head - 22.0)?;
        let mut y = head;
        for row in &rows {
            row.draw(area, y, &scale)?;
            y += row.height();
        }
        Ok(())
    })
}

/// Refuses what cannot be drawn, and parts that do not tell the whole.
fn check(w: &Waterfall<'_>) -> Result<()> {
    let parts = w.parts.iter().map(|p| (p.name.as_str(), p.value));
    let mut all = [w.start, w.end].into_iter().chain(parts);
    if let Some((name, value)) = all.find(|p| !p.1.is_finite()) {
        let message = format!("waterfall: the value of `{name}` is {value}; give finite numbers");
        return Err(Error::value(message));
    }
    let sum = w.parts.iter().fold(w.start.1, |sum, p| sum + p.value);
    let size = w
        .parts
        .iter()
        .fold(w.start.1.abs(), |size, p| size + p.value.abs());
    // Parts found by quadrature miss the whole by a little, parts left out by more.
    if (sum - w.end.1).abs() <= 0.01 * size && size.is_finite() {
        return Ok(());
    }
    Err(Error::value(format!(
        "waterfall: the start {} and the {} parts make {}, but the end is {}; give every part",
        number(w.start.1, 4),
        w.parts.len(),
        number(sum, 4),
        number(w.end.1, 4)
    )))
}

/// A line of the picture: a score, or a step from one score to the next.
struct Row<'a> {
    name: String,
    detail: &'a str,
    figure: String,
    from: f64,
    to: f64,
    is_step: bool,
}

fn rows<'a>(w: &Waterfall<'a>) -> Vec<Row<'a>> {
    let score = |(name, at): (&str, f64)| Row {
        name: name.to_string(),
        detail: "",
        figure: number(at, 3),
        from: at,
        to: at,
        is_step: false,
    };
    let mut rows = vec![score(w.start)];
    let mut at = w.start.1;
    let mut step = |name: String, detail: &'a str, value: f64| {
        let from = at;
        at += value;
        rows.push(Row {
            name,
            detail,
            figure: signed(value),
            from,
            to: at,
            is_step: true,
        });
    };
    let (own, others) = w.parts.split_at(w.shown.min(w.parts.len()));
    own.iter()
        .for_each(|p| step(p.name.clone(), &p.detail, p.value));
    if !others.is_empty() {
        let plural = if others.len() == 1 { "" } else { "s" };
        let name = format!("{} other feature{plural}", others.len());
        step(name, "", others.iter().map(|p| p.value).sum());
    }
    rows.push(score(w.end));
    rows
}

impl Row<'_> {
    /// Where its bar begins, below its text.
    fn top(&self) -> f64 {
        18.0 + if self.detail.is_empty() { 0.0 } else { LINE }
    }

    fn height(&self) -> f64 {
        self.top() + BAR + GAP
    }

    fn draw(&self, area: &Area<'_>, y: f64, scale: &Scale) -> Result<()> {
        heading(area, &self.name, &self.figure, y + 8.0)?;
        if !self.detail.is_empty() {
            let detail = fit(self.detail, f64::from(WIDTH) - 2.0 * MARGIN, SMALL.size);
            write(area, &detail, MARGIN, y + 8.0 + LINE, SMALL)?;
        }
        let top = y + self.top();
        let line = |x: f64, over: f64| [(x, top - over), (x, top + BAR + over)];
        let [a, b] = line(scale.at(0.0), 3.0);
        stroke(area, a, b, FAINT, 1.0)?;
        let (from, to) = (scale.at(self.from), scale.at(self.to));
        if self.is_step {
            return bar(area, from, to, self.to - self.from, top);
        }
        let [a, b] = line(to, 1.0);
        stroke(area, a, b, PLAIN.color, 3.0)
    }
}

/// Where scores lie across the picture; zero is always on it.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(rows: &[Row<'_>]) -> Scale {
        let ends = || rows.iter().flat_map(|r| [r.from, r.to]);
        Scale {
            low: ends().fold(0.0, f64::min),
            high: ends().fold(0.0, f64::max),
        }
    }

    fn at(&self, score: f64) -> f64 {
        let room = f64::from(WIDTH) - 2.0 * MARGIN - 4.0;
        // Halves: the distance between two finite numbers may not be finite.
        let span = self.high / 2.0 - self.low / 2.0;
        let share = match span > 0.0 {
            true => (score / 2.0 - self.low / 2.0) / span,
            false => 0.5,
        };
        MARGIN + 2.0 + room * share
    }
}
