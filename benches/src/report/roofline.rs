//! The roofline (Williams, Waterman and Patterson 2009): rates against operations a byte, under the
//! measured limits.

use std::fmt::Write;

use super::history::{Kernel, Section};
use super::svg::{Scale, escape, family};

const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 470.0;
/// Left, right, top, bottom of the drawing.
const FRAME: [f64; 4] = [64.0, 1060.0, 16.0, 424.0];

pub(super) fn figure(section: &Section<'_>) -> String {
    let points: Vec<(usize, &Kernel<'_>)> = section
        .kernels
        .iter()
        .enumerate()
        .filter(|(_, k)| k.last().flops > 0.0 && k.last().bytes > 0.0)
        .collect();
    if points.is_empty() {
        return String::new();
    }
    let rate = |k: &Kernel<'_>| k.last().flops / k.last().ns_min;
    let intensity = |k: &Kernel<'_>| k.last().flops / k.last().bytes;
    let slowest = points.iter().map(|(_, k)| rate(k)).fold(f64::MAX, f64::min);
    let densest = points
        .iter()
        .map(|(_, k)| intensity(k))
        .fold(16.0, f64::max);
    let sparsest = points.iter().map(|(_, k)| intensity(k)).fold(1.0, f64::min);
    let x = Scale::log([sparsest / 1.7, densest * 1.7], [FRAME[0], FRAME[1]]);
    let y = Scale::log(
        [slowest / 1.7, section.roof.peak * 1.6],
        [FRAME[3], FRAME[2]],
    );
    let mut out = format!("<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    axes(
        &mut out,
        x,
        y,
        [sparsest / 1.7, densest * 1.7],
        [slowest / 1.7, section.roof.peak * 1.6],
    );
    roofs(&mut out, section, x, y, [sparsest / 1.7, densest * 1.7]);
    for (i, kernel) in points {
        let (px, py) = (x.at(intensity(kernel)), y.at(rate(kernel)));
        let name = escape(kernel.name());
        let share = kernel.last().share.unwrap_or(0.0) * 100.0;
        let _ = write!(
            out,
            "<g class=\"point {}\"><title>{name}: {:.2} GFLOP/s, {share:.0} % of the roof</title>\
             <circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"4\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            family(kernel.name()),
            rate(kernel),
            px + 5.5,
            py + 3.5,
            i + 1
        );
    }
    out += "</svg><figcaption>Roofline: each point is a kernel, numbered as in the table. \
            The lines are the measured limits; operations of elementwise functions count as one.<br>\
            <i class=\"key product\"></i>products <i class=\"key conv\"></i>convolutions \
            <i class=\"key elementwise\"></i>elementwise <i class=\"key rows\"></i>rows and copies \
            <i class=\"key model\"></i>models</figcaption></figure>";
    out
}

fn axes(out: &mut String, x: Scale, y: Scale, xs: [f64; 2], ys: [f64; 2]) {
    let powers = |[low, high]: [f64; 2], step: i32| {
        let ends = [low.log2().ceil() as i32, high.log2().floor() as i32];
        (ends[0]..=ends[1]).filter(move |p| p.rem_euclid(step) == 0)
    };
    for p in powers(xs, 2) {
        let at = x.at(2f64.powi(p));
        let label = if p < 0 {
            format!("1/{}", 1u64 << -p)
        } else {
            (1u64 << p).to_string()
        };
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{}\" y2=\"{}\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            FRAME[2],
            FRAME[3],
            FRAME[3] + 17.0
        );
    }
    for p in powers(ys, 2) {
        let at = y.at(2f64.powi(p));
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            FRAME[0],
            FRAME[1],
            FRAME[0] - 7.0,
            at + 4.0,
            2f64.powi(p)
        );
    }
    let _ = write!(
        out,
        "<text class=\"axis\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">operations a byte</text>\
         <text class=\"axis\" transform=\"translate(15 {:.0}) rotate(-90)\" text-anchor=\"middle\">\
         GFLOP/s</text>",
        (FRAME[0] + FRAME[1]) / 2.0,
        HEIGHT - 8.0,
        (FRAME[2] + FRAME[3]) / 2.0
    );
}

fn roofs(out: &mut String, section: &Section<'_>, x: Scale, y: Scale, [left, right]: [f64; 2]) {
    let roof = &section.roof;
    for (name, speed) in [("L2", roof.l2), ("L3", roof.l3), ("memory", roof.dram)] {
        let ridge = roof.peak / speed;
        let _ = write!(
            out,
            "<line class=\"roof\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            x.at(left),
            y.at(left * speed),
            x.at(ridge),
            y.at(roof.peak)
        );
        // Along the line, towards its upper end.
        let (at, flat) = (ridge / 2.6, x.at(2.0) - x.at(1.0));
        let slope = (y.at(2.0) - y.at(1.0)).atan2(flat).to_degrees();
        let _ = write!(
            out,
            "<text class=\"rooftext\" text-anchor=\"middle\" \
             transform=\"translate({:.1} {:.1}) rotate({slope:.1}) translate(0 {})\">\
             {name} {speed:.0} GB/s</text>",
            x.at(at),
            y.at(at * speed),
            if name == "L3" { 14 } else { -6 }
        );
    }
    let _ = write!(
        out,
        "<line class=\"roof\" x1=\"{:.1}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>\
         <text class=\"rooftext\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">\
         multiply-adds {:.0} GFLOP/s</text>",
        x.at(roof.peak / roof.l2),
        x.at(right),
        FRAME[1],
        y.at(roof.peak) - 7.0,
        roof.peak,
        at = y.at(roof.peak)
    );
}
