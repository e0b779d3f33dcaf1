//! Query points around the data: what a surrogate asks the model beside the rows themselves.

use crate::Table;
use lepton_tensor::random::Rng;

/// Draws `count` rows around those of `data`, row after row.
///
/// A point is a random row plus normal noise of `spread` standard deviations of each column
/// (a smoothed bootstrap: Silverman & Young, 1987), so it keeps the columns' correlations. A
/// column of at most two values keeps the value of its row: there is nothing between them.
pub(super) fn around(data: &Table<'_>, count: usize, spread: f64, seed: u64) -> Vec<f64> {
    let scale: Vec<f64> = (0..data.columns())
        .map(|j| spread * deviation(data, j))
        .collect();
    let mut rng = Rng::new(seed);
    let mut points = Vec::with_capacity(count * data.columns());
    for _ in 0..count {
        let row = data.row(rng.below(data.rows() as u64) as usize);
        for (value, scale) in row.iter().zip(&scale) {
            points.push(value + scale * rng.normal());
        }
    }
    points
}

/// The standard deviation of column `j`; 0 if it has at most two values.
fn deviation(data: &Table<'_>, j: usize) -> f64 {
    let first = data.at(0, j);
    let other = data.column(j).find(|&v| v != first).unwrap_or(first);
    if data.column(j).all(|v| v == first || v == other) {
        return 0.0;
    }
    let n = data.rows() as f64;
    let mean = data.column(j).sum::<f64>() / n;
    let variance = data.column(j).map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    variance.sqrt()
}
