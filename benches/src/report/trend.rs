//! Times over time.

use std::fmt::Write;

use super::history::{Kernel, Section, short};
use super::svg::{Scale, escape, family};
use crate::show::times;

/// The span of a kernel's times, wide enough that noise does not fill it.
fn span(kernel: &Kernel<'_>) -> [f64; 2] {
    let all = || kernel.rows.iter().map(|r| r.ns_min);
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let room = (0.05 * high - (high - low)).max(0.0) / 2.0;
    [low - room, high + room]
}

fn path(kernel: &Kernel<'_>, x: Scale, y: Scale) -> String {
    let at =
        |(i, r): (usize, &&crate::row::Row)| format!("{:.1},{:.1}", x.at(i as f64), y.at(r.ns_min));
    kernel
        .rows
        .iter()
        .enumerate()
        .map(at)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A line as high as a line of text; empty for a single row.
pub(super) fn sparkline(kernel: &Kernel<'_>) -> String {
    let n = kernel.rows.len();
    if n < 2 {
        return String::new();
    }
    let x = Scale::linear([0.0, (n - 1) as f64], [3.0, 97.0]);
    let y = Scale::linear(span(kernel), [19.0, 3.0]);
    format!(
        "<svg class=\"spark {}\" viewBox=\"0 0 100 22\"><polyline points=\"{}\"/>\
         <circle cx=\"97\" cy=\"{:.1}\" r=\"2.5\"/></svg>",
        family(kernel.name()),
        path(kernel, x, y),
        y.at(kernel.last().ns_min)
    )
}

/// A picture for each kernel that was measured more than once.
pub(super) fn grid(section: &Section<'_>) -> String {
    let mut out = String::new();
    for kernel in section.kernels.iter().filter(|k| k.rows.len() > 1) {
        out += &picture(kernel);
    }
    if out.is_empty() {
        return out;
    }
    format!("<h3>Trends</h3><div class=\"grid\">{out}</div>")
}

fn picture(kernel: &Kernel<'_>) -> String {
    let n = kernel.rows.len();
    let span = span(kernel);
    let x = Scale::linear([0.0, (n - 1) as f64], [8.0, 252.0]);
    let y = Scale::linear(span, [92.0, 34.0]);
    let (op, rest) = kernel.name().split_once('/').unwrap_or_default();
    let mut out = format!(
        "<svg class=\"trend {}\" viewBox=\"0 0 260 118\"><text class=\"title\" x=\"4\" y=\"13\">{}</text>\
         <text class=\"sub\" x=\"4\" y=\"25\">{}</text>",
        family(op),
        escape(op),
        escape(rest)
    );
    // From the shortest sample to the median and its spread.
    for (i, row) in kernel.rows.iter().enumerate() {
        let _ = write!(
            out,
            "<line class=\"spread\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1:.1}\" y2=\"{2:.1}\"/>",
            x.at(i as f64),
            y.at(row.ns_min),
            y.at(row.ns_median + row.ns_mad)
        );
    }
    let _ = write!(out, "<polyline points=\"{}\"/>", path(kernel, x, y));
    for (i, row) in kernel.rows.iter().enumerate() {
        let _ = write!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.6\"><title>{} {}: {}</title></circle>",
            x.at(i as f64),
            y.at(row.ns_min),
            short(row),
            row.time,
            times(row.ns_min)
        );
    }
    let ends = [kernel.rows[0], kernel.last()];
    let _ = write!(
        out,
        "<text class=\"tick\" x=\"4\" y=\"112\">{} {}</text>\
         <text class=\"tick\" x=\"256\" y=\"112\" text-anchor=\"end\">{} {}</text></svg>",
        short(ends[0]),
        times(ends[0].ns_min),
        short(ends[1]),
        times(ends[1].ns_min)
    );
    out
}
