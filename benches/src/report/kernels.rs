//! The table of kernels: the last row of each, and what changed.

use std::fmt::Write;

use super::history::{Kernel, Section};
use super::svg::{escape, family};
use super::trend::sparkline;
use crate::show::{count, times};

pub(super) fn table(section: &Section<'_>) -> String {
    let mut out = String::from(
        "<table><thead><tr><th></th><th>kernel</th><th>time</th><th>rate</th>\
         <th class=\"wide\">share of the roof</th><th>over time</th><th>change</th>\
         <th>instructions</th><th>allocations</th></tr></thead><tbody>",
    );
    for (i, kernel) in section.kernels.iter().enumerate() {
        out += &line(i + 1, kernel);
    }
    out + "</tbody></table>"
}

fn line(number: usize, kernel: &Kernel<'_>) -> String {
    let row = kernel.last();
    let mut out = String::new();
    let (op, rest) = kernel.name().split_once('/').unwrap_or((kernel.name(), ""));
    let _ = write!(
        out,
        "<tr><td class=\"number {}\">{number}</td><td><b>{}</b> <small>{}</small></td><td>{}{}</td><td>{}</td>",
        family(op),
        escape(op),
        escape(rest),
        times(row.ns_min / row.units),
        if row.units > 1.0 { " each" } else { "" },
        rate(kernel)
    );
    match row.share {
        Some(share) => {
            let width = 100.0 * share.min(1.0);
            let _ = write!(
                out,
                "<td class=\"wide\"><span class=\"bar\"><i style=\"width:{width:.0}%\"></i></span> {:.0} %</td>",
                100.0 * share
            );
        }
        None => out += "<td></td>",
    }
    let _ = write!(out, "<td>{}</td>{}", sparkline(kernel), change(kernel));
    let instructions = row.instructions.map_or(String::new(), count);
    let allocations = row.allocations.map_or(String::new(), |n| {
        let bytes = row.allocated_bytes.unwrap_or(0.0);
        if n == 0.0 {
            "0".into()
        } else {
            format!("{n:.0} <small>{}B</small>", count(bytes))
        }
    });
    let _ = write!(out, "<td>{instructions}</td><td>{allocations}</td></tr>");
    out
}

/// What is faster: operations where arithmetic limits, bytes where memory does.
fn rate(kernel: &Kernel<'_>) -> String {
    let row = kernel.last();
    let dense = row.bytes == 0.0 || row.flops / row.bytes > 4.0;
    match (row.flops, row.bytes) {
        (f, b) if f == 0.0 && b == 0.0 => String::new(),
        (f, _) if dense => format!("{:.1} GFLOP/s", f / row.ns_min),
        (_, b) => format!("{:.1} GB/s", b / row.ns_min),
    }
}

fn change(kernel: &Kernel<'_>) -> String {
    let Some(change) = kernel.change() else {
        return "<td><small>first</small></td>".into();
    };
    let class = match kernel.is_news() {
        true if change > 0.0 => "slower",
        true => "faster",
        false => "same",
    };
    format!("<td class=\"{class}\">{:+.1} %</td>", 100.0 * change)
}
