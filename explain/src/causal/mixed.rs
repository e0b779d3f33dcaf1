//! Tests of independence where columns hold classes: alone or beside quantities.
//!
//! Each returns `None` where the rows cannot tell: nothing varies, or too few rows are left once
//! they are parted by what is held fixed.

use super::columns::Columns;
use super::distribution::chi_squared;
use super::logistic;
use lepton_tensor::special::digamma;

/// What is left of a variance below this share is rounding.
const SINGULAR: f64 = 1e-10;

/// The p-value of "x and y are independent when `given` is held fixed".
///
/// Two columns of classes are tested by G (Sokal & Rohlf, 1981) while only classes are held fixed,
/// and by logistic regression otherwise; where one holds quantities, by the likelihood ratio of
/// conditional Gaussians (Andrews, Ramsey & Cooper, 2018).
pub(super) fn p_value(columns: &Columns, x: usize, y: usize, given: &[usize]) -> Option<f64> {
    let (cells, held) = columns.parted(given);
    match (columns.classes(x), columns.classes(y)) {
        (Some(x), Some(y)) if held.is_empty() => g_test(&cells, x, y),
        (Some(x), Some(y)) => {
            // Each column explained by the other; Tsagris et al. (2018) join the two p-values.
            let (p, q) = (
                logistic::p_value(&cells, x, y, &held)?,
                logistic::p_value(&cells, y, x, &held)?,
            );
            Some((2.0 * p.min(q)).min(p.max(q)))
        }
        (Some(x), None) => classes_against(&cells, x.1, columns.quantities(y)?, &held),
        (None, Some(y)) => classes_against(&cells, y.1, columns.quantities(x)?, &held),
        (None, None) => {
            let (x, y) = (columns.quantities(x)?, columns.quantities(y)?);
            let mut ratio = Ratio::default();
            for cell in &cells {
                let with: Vec<&[f64]> = held.iter().copied().chain([x]).collect();
                ratio.add(&Fit::of(cell, y, &held), &[Fit::of(cell, y, &with)]);
            }
            ratio.p_value()
        }
    }
}

/// Twice the log-likelihood ratio of two tables of counts, cell by cell; a class that a cell lacks
/// takes no degrees of freedom.
fn g_test(cells: &[Vec<usize>], x: (usize, &[usize]), y: (usize, &[usize])) -> Option<f64> {
    let (mut g, mut degrees) = (0.0, 0);
    for cell in cells {
        let (mut joint, mut of_x, mut of_y) =
            (vec![0.0; x.0 * y.0], vec![0.0; x.0], vec![0.0; y.0]);
        for &row in cell {
            joint[x.1[row] * y.0 + y.1[row]] += 1.0;
            of_x[x.1[row]] += 1.0;
            of_y[y.1[row]] += 1.0;
        }
        for (i, &n) in joint.iter().enumerate().filter(|(_, n)| **n > 0.0) {
            let expected: f64 = of_x[i / y.0] * of_y[i % y.0] / cell.len() as f64;
            g += 2.0 * n * (n / expected).ln();
        }
        let present = |of: &[f64]| of.iter().filter(|n| **n > 0.0).count();
        degrees += (present(&of_x) - 1) * (present(&of_y) - 1);
    }
    (degrees > 0).then(|| chi_squared(g, degrees as f64))
}

/// Whether the line of `y` over the quantities `held` (its offset, slopes and noise) is the same in
/// every class of `x`.
fn classes_against(cells: &[Vec<usize>], x: &[usize], y: &[f64], held: &[&[f64]]) -> Option<f64> {
    let mut ratio = Ratio::default();
    for cell in cells {
        let levels = cell.iter().map(|&r| x[r]).max().map_or(0, |l| l + 1);
        let mut parts = vec![Vec::new(); levels];
        cell.iter().for_each(|&row| parts[x[row]].push(row));
        parts.retain(|part| part.len() >= held.len() + 3);
        if parts.len() > 1 {
            let fits: Vec<Fit> = parts.iter().map(|part| Fit::of(part, y, held)).collect();
            ratio.add(&Fit::of(&parts.concat(), y, held), &fits);
        }
    }
    ratio.p_value()
}

/// A least-squares line.
struct Fit {
    rows: f64,
    coefficients: f64,
    variance: f64,
}

impl Fit {
    /// The line of `y` over a constant and the columns `x`, on some rows. A column that repeats
    /// those before it is left out.
    fn of(rows: &[usize], y: &[f64], x: &[&[f64]]) -> Fit {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for column in x {
            let mut rest = centred(rows, column);
            let whole = dot(&rest, &rest);
            // Twice is enough to be orthogonal to the last bit.
            (0..2).for_each(|_| take_out(&mut rest, &basis));
            let left = dot(&rest, &rest);
            if left > SINGULAR * whole && left > 0.0 {
                rest.iter_mut().for_each(|v| *v /= left.sqrt());
                basis.push(rest);
            }
        }
        let mut rest = centred(rows, y);
        (0..2).for_each(|_| take_out(&mut rest, &basis));
        Fit {
            rows: rows.len() as f64,
            coefficients: basis.len() as f64 + 1.0,
            variance: dot(&rest, &rest) / rows.len() as f64,
        }
    }

    /// The part of `-2 log likelihood` that depends on the data, and what it is on average when the
    /// variance is 1 (the logarithm of a chi-squared number).
    fn deviance(&self, floor: f64) -> (f64, f64) {
        let n = self.rows;
        let mean = digamma((n - self.coefficients) / 2.0) + (2.0 / n).ln();
        (n * self.variance.max(floor).ln(), n * mean)
    }
}

/// A likelihood ratio, summed over cells.
#[derive(Default)]
struct Ratio {
    value: f64,
    expected: f64,
    degrees: f64,
}

impl Ratio {
    /// Adds what `parts` say better than `whole`, on the same rows.
    fn add(&mut self, whole: &Fit, parts: &[Fit]) {
        let room = |f: &Fit| f.rows >= f.coefficients + 2.0;
        // Where nothing varies, there is nothing to explain.
        if !parts.iter().all(room) || whole.variance <= SINGULAR {
            return;
        }
        let parameters = |f: &Fit| f.coefficients + 1.0;
        let degrees = parts.iter().map(parameters).sum::<f64>() - parameters(whole);
        if degrees <= 0.0 {
            return;
        }
        let floor = SINGULAR * whole.variance;
        let (mut value, mut expected) = whole.deviance(floor);
        for part in parts {
            let (v, e) = part.deviance(floor);
            (value, expected) = (value - v, expected - e);
        }
        self.value += value;
        self.expected += expected;
        self.degrees += degrees;
    }

    /// The tail of the ratio, scaled so that its mean is that of chi-squared (Bartlett, 1937): small
    /// cells would otherwise call too much dependent.
    fn p_value(&self) -> Option<f64> {
        let scaled = self.value * self.degrees / self.expected;
        (self.degrees > 0.0).then(|| chi_squared(scaled, self.degrees))
    }
}

/// The values of `column` on some rows, less their mean.
fn centred(rows: &[usize], column: &[f64]) -> Vec<f64> {
    let mean = rows.iter().map(|&r| column[r]).sum::<f64>() / rows.len() as f64;
    rows.iter().map(|&r| column[r] - mean).collect()
}

/// Takes from `rest` its part along each direction of `basis`.
fn take_out(rest: &mut [f64], basis: &[Vec<f64>]) {
    for direction in basis {
        let along = dot(rest, direction);
        rest.iter_mut()
            .zip(direction)
            .for_each(|(r, d)| *r -= along * d);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;
    use crate::causal::ColumnKind;
    use lepton_tensor::random::Rng;

    fn tested(rows: &[Vec<f64>], x: usize, y: usize, given: &[usize]) -> Option<f64> {
        let names: Vec<String> = (0..rows[0].len()).map(|j| format!("x{j}")).collect();
        let values = rows.concat();
        let table = Table::new(&names, &values).unwrap();
        let columns = Columns::read(&table, &ColumnKind::of(&table)).unwrap();
        p_value(&columns, x, y, given)
    }

    #[test]
    fn the_g_test_is_the_one_of_the_books() {
        // 30, 10 / 20, 40: G = 2 sum n ln(n / expected) = 17.2610924..., one degree.
        let table = [
            (0.0, 0.0, 30),
            (0.0, 1.0, 10),
            (1.0, 0.0, 20),
            (1.0, 1.0, 40),
        ];
        let cell = |&(x, y, n): &(f64, f64, usize)| vec![vec![x, y, 0.0, 0.0]; n];
        let mut rows: Vec<Vec<f64>> = table.iter().flat_map(cell).collect();
        let expected = [20.0, 20.0, 30.0, 30.0_f64];
        let g: f64 = table
            .iter()
            .zip(expected)
            .map(|(c, e)| 2.0 * c.2 as f64 * (c.2 as f64 / e).ln())
            .sum();
        for (i, row) in rows.iter_mut().enumerate() {
            row[2] = f64::from(u8::from(i % 2 == 0)); // parts each count in halves
            row[3] = row[0]; // tells x wholly
        }
        let p = tested(&rows, 0, 1, &[]).unwrap();
        assert!((p - chi_squared(g, 1.0)).abs() < 1e-12 * p, "{p}");
        let halves = tested(&rows, 0, 1, &[2]).unwrap();
        assert!((halves - chi_squared(g, 2.0)).abs() < 1e-12, "{halves}");
        assert_eq!(tested(&rows, 0, 1, &[3]), None);
    }

    /// Columns 0 and 1 depend on columns 2 and 3 alone; `classes` says which of the first three
    /// hold classes, and column 3 has three of them.
    fn independent(rng: &mut Rng, rows: usize, classes: [bool; 3]) -> Vec<Vec<f64>> {
        let cut = |class: bool, v: f64| {
            if class {
                f64::from(u8::from(v > 0.2))
            } else {
                v
            }
        };
        let row = |_| {
            let third = rng.below(3) as f64;
            let z = cut(classes[2], rng.normal());
            let x = cut(classes[0], 0.6 * z + 0.4 * third + rng.normal() - 0.4);
            let y = cut(classes[1], 0.5 * z - 0.3 * third + rng.normal() + 0.3);
            vec![x, y, z, third]
        };
        (0..rows).map(row).collect()
    }

    #[test]
    fn at_a_level_of_a_twentieth_one_true_independence_in_twenty_is_refused() {
        let kinds = [
            [false, false, false],
            [true, false, false],
            [false, true, true],
            [true, true, false],
            [true, true, true],
            [false, false, true],
        ];
        for classes in kinds {
            let mut rng = Rng::new(7);
            let (mut refused, runs) = (0, 400);
            for _ in 0..runs {
                let rows = independent(&mut rng, 120, classes);
                let p = tested(&rows, 0, 1, &[2, 3]).unwrap();
                assert!((0.0..=1.0).contains(&p));
                refused += usize::from(p < 0.05);
            }
            // Four standard deviations of 400 draws of one in twenty are 0.044.
            let share = refused as f64 / runs as f64;
            assert!((0.01..0.095).contains(&share), "{classes:?}: {share}");
        }
    }

    #[test]
    fn what_depends_is_found_and_the_order_of_a_pair_has_no_say() {
        for classes in [
            [true, false, false],
            [true, true, false],
            [true, true, true],
        ] {
            let mut rng = Rng::new(3);
            let mut rows = independent(&mut rng, 300, classes);
            for row in &mut rows {
                let more = 0.8 * (row[0] - 0.5) + 0.7 * rng.normal();
                let moved = row[1] + more;
                row[1] = if classes[1] {
                    f64::from(u8::from(moved > 0.5))
                } else {
                    moved
                };
            }
            let p = tested(&rows, 0, 1, &[2, 3]).unwrap();
            assert!(p < 1e-4, "{classes:?}: {p}");
            assert_eq!(tested(&rows, 1, 0, &[2, 3]), Some(p));
        }
        // Other noise in one class is a dependence too, though no mean moves.
        let mut rng = Rng::new(5);
        let row = |i: usize| vec![(i % 2) as f64, (1 + 2 * (i % 2)) as f64 * rng.normal()];
        let rows: Vec<Vec<f64>> = (0..200).map(row).collect();
        assert!(tested(&rows, 0, 1, &[]).unwrap() < 1e-6);
        // A class that quantities part without error is one.
        let rows: Vec<Vec<f64>> = (0..60)
            .map(|i| {
                vec![
                    f64::from(u8::from(i > 30)),
                    i as f64,
                    f64::from(u8::from(i > 40)),
                ]
            })
            .collect();
        assert!(tested(&rows, 0, 1, &[]).unwrap() < 1e-10);
        assert!(tested(&rows, 0, 2, &[1]).is_some_and(|p| (0.0..=1.0).contains(&p)));
    }
}
