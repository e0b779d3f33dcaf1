//! Histories as one page of HTML, with its pictures inside: no network, no script.

mod history;
mod kernels;
mod peers;
mod roofline;
mod svg;
mod trend;

use std::fmt::Write;

use crate::peers::Timed;
use crate::row::Row;
use history::{Section, sections};
use svg::escape;

/// The page. Rows of different machines, SIMD levels or numbers of threads stand in sections of their
/// own, and are compared with nothing outside of them.
pub fn page(rows: &[Row], peers: &[Timed]) -> String {
    let sections = sections(rows);
    let mut body = String::new();
    for section in &sections {
        body += &show(section, peers);
    }
    body += &peers::elsewhere(&sections, peers);
    let last = rows
        .iter()
        .map(|r| r.time.as_str())
        .max()
        .unwrap_or("never");
    let style = include_str!("style.css");
    let (n, cases) = (
        rows.len(),
        sections.iter().map(|s| s.kernels.len()).sum::<usize>(),
    );
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>lepton: kernels over time</title><style>{style}</style></head><body>\n\
         <header><h1>lepton <span>kernels over time</span></h1>\
         <p>{n} measurements of {cases} kernels, the last on {last}. A time is the shortest sample; \
         the roof is the least time that the machine's own limits, measured in the same run, allow. \
         Nothing is compared across machines, SIMD levels or numbers of threads.</p></header>\n\
         {body}</body></html>\n"
    )
}

fn show(section: &Section<'_>, peers: &[Timed]) -> String {
    let (machine, roof) = (&section.machine, &section.roof);
    let mut out = String::new();
    let threads = if section.threads == 1 {
        "one thread"
    } else {
        &format!("{} threads", section.threads)
    };
    let _ = write!(
        out,
        "<section><h2>{} <span>{}, {threads}</span></h2><p class=\"machine\">{} &middot; {}</p>",
        escape(&machine.id),
        escape(&section.simd),
        escape(&machine.to_string()),
        escape(&section.commit())
    );
    let cards = [
        ("multiply-adds", roof.peak, "GFLOP/s"),
        ("second cache", roof.l2, "GB/s"),
        ("third cache", roof.l3, "GB/s"),
        ("memory", roof.dram, "GB/s"),
    ];
    out += "<div class=\"cards\">";
    for (what, value, unit) in cards {
        let _ = write!(
            out,
            "<div><b>{value:.1}</b> {unit}<small>{what}</small></div>"
        );
    }
    out += "</div>";
    out += &roofline::figure(section);
    out += &kernels::table(section);
    out += &trend::grid(section);
    out += &peers::beside(section, peers);
    out + "</section>\n"
}

#[cfg(test)]
mod tests;
