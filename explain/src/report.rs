//! One HTML page that holds everything: text, tables and pictures.

use crate::text::escape;
use std::fmt::Write;

/// The page's look. System fonts, the reader's light or dark colours, one column on a phone; a
/// print is black on white and keeps pictures and rows whole.
const STYLE: &str = include_str!("report.css");

/// Builds a self-contained HTML page: nothing is loaded and nothing is run, which the page itself
/// tells the browser to enforce (`Content-Security-Policy`). Every text is escaped.
///
/// ```
/// use lepton_explain::report::Report;
/// let page = Report::new("A model and its reasons")
///     .section("Results")
///     .text("Two models on the same held-out rows.")
///     .table(&["model", "accuracy"], [["large", "0.97"], ["small", "0.96"]])
///     .pre("if area > 881 then <malignant>")
///     .html();
/// assert!(page.contains("&lt;malignant&gt;") && page.contains(">0.97</td>"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    title: String,
    body: String,
    sections: Vec<String>,
}

impl Report {
    /// An empty page headed `title`.
    pub fn new(title: &str) -> Report {
        Report {
            title: escape(title),
            body: String::new(),
            sections: Vec::new(),
        }
    }

    /// Begins a section; pages of three sections and more have a list of them on top.
    #[must_use]
    pub fn section(mut self, heading: &str) -> Report {
        let heading = escape(heading);
        self.push(format_args!(
            "<h2 id=\"s{}\">{heading}</h2>",
            self.sections.len() + 1
        ));
        self.sections.push(heading);
        self
    }

    /// Adds a paragraph for each block of `text` between empty lines.
    #[must_use]
    pub fn text(mut self, text: &str) -> Report {
        for block in text.split("\n\n").filter(|b| !b.trim().is_empty()) {
            self.push(format_args!("<p>{}</p>", escape(block.trim())));
        }
        self
    }

    /// Adds a paragraph that must not be overlooked: a limit, a warning, a condition.
    #[must_use]
    pub fn note(mut self, text: &str) -> Report {
        self.push(format_args!(
            "<p class=\"note\" role=\"note\">{}</p>",
            escape(text)
        ));
        self
    }

    /// Adds a table. Cells that are numbers stand at the right; a row with too few cells is filled
    /// with empty ones.
    ///
    /// # Panics
    /// If a row has more cells than `head`.
    #[must_use]
    #[track_caller]
    pub fn table<R, C>(mut self, head: &[&str], rows: impl IntoIterator<Item = R>) -> Report
    where
        R: IntoIterator<Item = C>,
        C: AsRef<str>,
    {
        let rows: Vec<Vec<C>> = rows.into_iter().map(|r| r.into_iter().collect()).collect();
        if let Some(i) = rows.iter().position(|r| r.len() > head.len()) {
            panic!(
                "report: row {i} has {} cells under {} headings",
                rows[i].len(),
                head.len()
            );
        }
        let cell = |row: &[C], j: usize| row.get(j).map_or(String::new(), |c| c.as_ref().into());
        // What is too wide for a phone becomes a list of rows there.
        let stack = if head.len() > 3 {
            " class=\"stack\""
        } else {
            ""
        };
        let mut text = format!("<div class=\"wide\" tabindex=\"0\"><table{stack}>\n<thead><tr>");
        for (j, name) in head.iter().enumerate() {
            let class = class(rows.iter().any(|r| is_number(&cell(r, j))));
            text += &format!("<th scope=\"col\"{class}>{}</th>", escape(name));
        }
        text += "</tr></thead>\n<tbody>\n";
        for row in &rows {
            text += "<tr>";
            for (j, name) in head.iter().enumerate() {
                let (cell, name) = (cell(row, j), escape(name));
                let class = match cell.contains('(') {
                    // A number with its interval may take two lines.
                    true if is_number(&cell) => " class=\"n long\"",
                    _ => class(is_number(&cell)),
                };
                text += &format!("<td{class} data-name=\"{name}\">{}</td>", escape(&cell));
            }
            text += "</tr>\n";
        }
        self.push(format_args!("{text}</tbody></table></div>"));
        self
    }

    /// Adds a picture of [`picture`](crate::picture), with `caption` below it (empty for none). It
    /// is as wide as a phone and grows no larger than can be read.
    ///
    /// # Panics
    /// If `svg` is no SVG element.
    #[must_use]
    #[track_caller]
    pub fn svg(mut self, svg: &str, caption: &str) -> Report {
        let svg = svg.trim();
        assert!(
            svg.starts_with("<svg") && svg.ends_with("</svg>"),
            "report: a picture has to be one <svg> element"
        );
        self.push(format_args!("<figure>\n{svg}"));
        if !caption.is_empty() {
            self.push(format_args!("<figcaption>{}</figcaption>", escape(caption)));
        }
        self.push(format_args!("</figure>"));
        self
    }

    /// Adds text whose lines and spaces stay as they are: rules, listings, graphs.
    #[must_use]
    pub fn pre(mut self, text: &str) -> Report {
        let text = escape(text.trim_end());
        self.push(format_args!(
            "<pre class=\"wide\" tabindex=\"0\">{text}</pre>"
        ));
        self
    }

    /// The page.
    pub fn html(&self) -> String {
        let mut contents = String::new();
        if self.sections.len() >= 3 {
            contents += "<nav aria-label=\"Contents\"><ol>\n";
            for (i, heading) in self.sections.iter().enumerate() {
                contents += &format!("<li><a href=\"#s{}\">{heading}</a></li>\n", i + 1);
            }
            contents += "</ol></nav>\n";
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n{contents}{body}</main>\n</body>\n</html>\n",
            title = self.title,
            body = self.body,
        )
    }

    fn push(&mut self, html: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{html}").expect("a String takes all that is written");
    }
}

fn class(number: bool) -> &'static str {
    if number { " class=\"n\"" } else { "" }
}

/// Whether a cell holds a number, perhaps with a sign, a unit or a percent sign behind it.
fn is_number(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['+', '-', '\u{2212}', '\u{00b1}', '<', '\u{2264}', ' ']);
    let figure = digits
        .split(' ')
        .next()
        .unwrap_or("")
        .trim_end_matches('%')
        .replace(',', "");
    figure.starts_with(|c: char| c.is_ascii_digit()) && figure.parse::<f64>().is_ok()
        || digits == "\u{221e}"
}
