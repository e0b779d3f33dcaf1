//! lepton beside its peers.

use std::fmt::Write;

use super::history::Section;
use super::svg::escape;
use crate::peers::{Best, Timed};
use crate::show::times;

/// Peers that were measured on the section's machine and threads, beside its last rows and those
/// that the same streams have of lepton.
pub(super) fn beside(section: &Section<'_>, peers: &[Timed]) -> String {
    let here = |t: &&Timed| is_of(section, t);
    let mut rows: Vec<Timed> = peers.iter().filter(here).cloned().collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.extend(section.kernels.iter().map(|k| {
        let row = k.last();
        Timed {
            peer: "lepton".into(),
            case: row.case.clone(),
            threads: row.threads,
            ns_per_iter: row.ns_median / row.units,
            ns_best: row.ns_min / row.units,
            gflops_best: None,
            gbps_best: None,
            machine: Some(row.machine.id.clone()),
        }
    }));
    format!("<h3>Beside its peers</h3>{}", bars(&rows, section.threads))
}

/// Peers that fit no section: their machine is unknown, or no history is of it.
pub(super) fn elsewhere(sections: &[Section<'_>], peers: &[Timed]) -> String {
    let fits = |t: &Timed| sections.iter().any(|s| is_of(s, t));
    let rest: Vec<Timed> = peers.iter().filter(|t| !fits(t)).cloned().collect();
    let mut kinds: Vec<(Option<&str>, usize)> = rest
        .iter()
        .map(|t| (t.machine.as_deref(), t.threads))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut out = String::new();
    for (machine, threads) in kinds {
        let same = |t: &&Timed| t.machine.as_deref() == machine && t.threads == threads;
        let rows: Vec<Timed> = rest.iter().filter(same).cloned().collect();
        let name = machine.map_or("machine unknown".into(), |m| format!("machine {m}"));
        let _ = writeln!(
            out,
            "<section><h2>Peers <span>{}, threads: {threads}</span></h2>{}</section>",
            escape(&name),
            bars(&rows, threads)
        );
    }
    out
}

fn is_of(section: &Section<'_>, t: &Timed) -> bool {
    t.machine.as_deref() == Some(section.machine.id.as_str()) && t.threads == section.threads
}

/// A block of bars for each case that more than one engine did.
fn bars(rows: &[Timed], threads: usize) -> String {
    let best = Best::of(rows.to_vec());
    let mut names: Vec<&str> = rows.iter().map(|r| r.case.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut out = String::from("<div class=\"peers\">");
    for case in names {
        let mut all: Vec<&Timed> = best
            .all(case, threads)
            .filter(|t| t.peer != "machine")
            .collect();
        if all.len() < 2 {
            continue;
        }
        all.sort_by(|a, b| a.ns_best.total_cmp(&b.ns_best));
        let slowest = all[all.len() - 1].ns_best;
        let ratio = best.theirs(case, threads).zip(best.ours(case, threads));
        let ratio = ratio.map(|(t, o)| t.ns_best / o.ns_best);
        let ratio = ratio.map_or(String::new(), |r| {
            format!("<span>{r:.2}x the best peer</span>")
        });
        let _ = write!(out, "<div><h4>{} {ratio}</h4>", escape(case));
        for t in all {
            let class = if t.peer == "lepton" { "ours" } else { "theirs" };
            let _ = write!(
                out,
                "<p class=\"{class}\"><em>{}</em><span class=\"bar\"><i style=\"width:{:.1}%\"></i></span>{}</p>",
                escape(&t.peer),
                100.0 * t.ns_best / slowest,
                times(t.ns_best)
            );
        }
        out += "</div>";
    }
    out + "</div>"
}
