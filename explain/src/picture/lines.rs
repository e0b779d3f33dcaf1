//! Curves over a common axis: losses, accuracies, budgets.

use super::axis::{Axis, TICKS};
use super::canvas::{Area, FAINT, Font, INK, PALETTE, PLAIN, SCALE, TITLE, WIDTH};
use super::canvas::{at, failed, picture, stroke, width_of, wrap, write};
use lepton_tensor::{Error, Result};
use plotters::prelude::*;

/// What [`lines`] draws.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// The heading.
    pub title: &'a str,
    /// What the horizontal axis counts.
    pub x: &'a str,
    /// What the vertical axis counts.
    pub y: &'a str,
    /// The curves.
    pub series: &'a [Series<'a>],
}

/// One curve.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its points, in the order in which they are joined. At a point that is not finite (a loss
    /// that became NaN) the curve is interrupted.
    pub points: &'a [(f64, f64)],
}

const MARGIN: f64 = 10.0;
const PLOT: f64 = 210.0;
const SMALL: Font = Font { size: 12, ..PLAIN };

/// The curves of `l.series` with axes and a legend.
///
/// ```
/// use lepton_explain::picture::{Lines, Series, lines};
/// let points: Vec<(f64, f64)> = (1..50).map(|e| (f64::from(e), 1.0 / f64::from(e))).collect();
/// let series = [Series { name: "training", points: &points }];
/// let svg = lines(&Lines { title: "Loss", x: "epoch", y: "MSE", series: &series })?;
/// assert!(svg.contains("training") && svg.contains("epoch"));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If no curve has a finite point.
pub fn lines(l: &Lines<'_>) -> Result<String> {
    let points = || l.series.iter().flat_map(|s| s.points).filter(|p| finite(p));
    let (x, y) = (
        Axis::around(points().map(|p| p.0)),
        Axis::around(points().map(|p| p.1)),
    );
    let (Some(x), Some(y)) = (x, y) else {
        return Err(Error::value(
            "lines: there is no finite point to draw; give at least one",
        ));
    };
    let title = wrap(l.title, f64::from(WIDTH) - 2.0 * MARGIN, TITLE.size, 3);
    let places = legend_places(l.series);
    let top = 20.0 * title.len() as f64 + 20.0;
    let plot = top + places.last().map_or(0.0, |p| p.1) + 34.0;
    picture(l.title, (plot + PLOT) as i32, |area| {
        for (i, line) in title.iter().enumerate() {
            write(area, line, MARGIN, 18.0 + 20.0 * i as f64, TITLE)?;
        }
        for (i, (series, place)) in l.series.iter().zip(&places).enumerate() {
            let (x, y) = (place.0, top + place.1);
            stroke(area, (x, y), (x + 18.0, y), color(i), 3.0)?;
            write(area, series.name, x + 23.0, y, SMALL)?;
        }
        write(
            area,
            l.y,
            MARGIN,
            plot - 14.0,
            Font {
                color: FAINT,
                ..SMALL
            },
        )?;
        chart(area, l, (plot, PLOT), (x, y.padded()))
    })
}

fn finite(p: &(f64, f64)) -> bool {
    p.0.is_finite() && p.1.is_finite()
}

fn color(i: usize) -> RGBColor {
    PALETTE[i % PALETTE.len()]
}

/// Where each name of the legend stands: from left to right, then in a new line.
fn legend_places(series: &[Series<'_>]) -> Vec<(f64, f64)> {
    let (mut x, mut y) = (MARGIN, 0.0);
    let mut places = Vec::new();
    for s in series {
        let width = 23.0 + width_of(s.name, SMALL.size) + 12.0;
        if x > MARGIN && x + width > f64::from(WIDTH) {
            (x, y) = (MARGIN, y + 18.0);
        }
        places.push((x, y));
        x += width;
    }
    places
}

/// The axes and the curves, in the `height` units below `top`.
fn chart(
    area: &Area<'_>,
    l: &Lines<'_>,
    (top, height): (f64, f64),
    (x, y): (Axis, Axis),
) -> Result<()> {
    let (from, to) = (at(0.0, top), at(f64::from(WIDTH), top + height));
    let area = area.clone().shrink(from, (to.0 - from.0, to.1 - from.1));
    // Room for five digits at least, and for what stands between the labels and the axis.
    let labels = y.labels().into_iter().map(|l| width_of(&l, SMALL.size));
    let widest = labels.fold(38.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .margin_right(16 * SCALE)
        .margin_top(6 * SCALE)
        .set_label_area_size(LabelAreaPosition::Left, (widest as i32 + 12) * SCALE)
        .set_label_area_size(LabelAreaPosition::Bottom, 40 * SCALE)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_labels(TICKS)
        .y_labels(TICKS)
        .label_style(SMALL.style())
        .axis_desc_style(
            Font {
                color: FAINT,
                ..SMALL
            }
            .style(),
        )
        .x_desc(l.x)
        .axis_style(INK.stroke_width(SCALE as u32))
        .bold_line_style(FAINT.mix(0.35).stroke_width(SCALE as u32))
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(4 * SCALE)
        .draw()
        .map_err(failed)?;
    for (i, series) in l.series.iter().enumerate() {
        for piece in series
            .points
            .split(|p| !finite(p))
            .filter(|p| !p.is_empty())
        {
            let style = color(i).stroke_width(2 * SCALE as u32);
            chart
                .draw_series(LineSeries::new(piece.iter().copied(), style))
                .map_err(failed)?;
        }
        if let Some(&last) = series.points.iter().rev().find(|p| finite(p)) {
            let dot = Circle::new(last, 3 * SCALE, color(i).filled());
            chart.draw_series([dot]).map_err(failed)?;
        }
    }
    Ok(())
}
