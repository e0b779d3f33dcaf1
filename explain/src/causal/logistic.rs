//! Logistic regression: whether classes still depend on other classes once quantities are known.

use super::distribution::chi_squared;

/// Keeps the coefficients finite where a column parts the classes without error.
const PENALTY: f64 = 1e-4;

/// The p-value of "the quantities `held` tell as much of the classes `x` without the classes `y` as
/// with them", by the likelihood ratio within each cell of rows; `None` where nothing varies.
pub(super) fn p_value(
    cells: &[Vec<usize>],
    x: (usize, &[usize]),
    y: (usize, &[usize]),
    held: &[&[f64]],
) -> Option<f64> {
    let (mut ratio, mut degrees) = (0.0, 0);
    for cell in cells {
        let (of_x, of_y) = (present(cell, x), present(cell, y));
        let more = (of_x.len() - 1) * (of_y.len() - 1);
        let parameters = (of_x.len() - 1) * (held.len() + of_y.len());
        if more == 0 || cell.len() <= parameters + 1 {
            continue;
        }
        let target: Vec<usize> = cell.iter().filter_map(|&r| place(&of_x, x.1[r])).collect();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(cell.len());
        for &r in cell {
            rows.push(
                std::iter::once(1.0)
                    .chain(held.iter().map(|c| c[r]))
                    .collect(),
            );
        }
        let without = log_likelihood(&rows, &target, of_x.len());
        for (row, &r) in rows.iter_mut().zip(cell) {
            row.extend(of_y[1..].iter().map(|&l| f64::from(u8::from(y.1[r] == l))));
        }
        ratio += 2.0 * (log_likelihood(&rows, &target, of_x.len()) - without);
        degrees += more;
    }
    (degrees > 0).then(|| chi_squared(ratio, degrees as f64))
}

/// The classes that occur on some rows, in order.
fn present(rows: &[usize], of: (usize, &[usize])) -> Vec<usize> {
    let mut seen = vec![false; of.0];
    rows.iter().for_each(|&r| seen[of.1[r]] = true);
    (0..of.0).filter(|&level| seen[level]).collect()
}

fn place(levels: &[usize], level: usize) -> Option<usize> {
    levels.iter().position(|&l| l == level)
}

/// The largest log-likelihood of `classes` classes that depend on `rows` by a softmax, the first
/// class being the one others are compared with. By Newton's method.
fn log_likelihood(rows: &[Vec<f64>], target: &[usize], classes: usize) -> f64 {
    let mut model = Model {
        width: rows[0].len(),
        classes,
        weights: vec![0.0; rows[0].len() * (classes - 1)],
    };
    let mut best = model.score(rows, target);
    for _ in 0..50 {
        let step = model.newton(rows, target);
        let mut size = 1.0;
        let better = loop {
            let next = model.moved(&step, size);
            let score = next.score(rows, target);
            if score > best {
                break Some((next, score));
            }
            size /= 2.0;
            if size < 1e-6 {
                break None;
            }
        };
        let Some((next, score)) = better else { break };
        let gain = score - best;
        (model, best) = (next, score);
        if gain < 1e-10 {
            break;
        }
    }
    best + model.penalty()
}

/// Weights of each class but the first, class after class.
struct Model {
    width: usize,
    classes: usize,
    weights: Vec<f64>,
}

impl Model {
    fn moved(&self, step: &[f64], size: f64) -> Model {
        let moved = self.weights.iter().zip(step).map(|(w, s)| w + size * s);
        Model {
            weights: moved.collect(),
            ..*self
        }
    }

    fn penalty(&self) -> f64 {
        PENALTY / 2.0 * self.weights.iter().map(|w| w * w).sum::<f64>()
    }

    /// The logarithm of each class's share on one row.
    fn log_shares(&self, row: &[f64]) -> Vec<f64> {
        let each = self.weights.chunks_exact(self.width);
        let logits = each.map(|w| w.iter().zip(row).map(|(w, x)| w * x).sum());
        let mut logits: Vec<f64> = std::iter::once(0.0).chain(logits).collect();
        let most = logits.iter().copied().fold(f64::MIN, f64::max);
        let total = logits.iter().map(|l| (l - most).exp()).sum::<f64>().ln() + most;
        logits.iter_mut().for_each(|l| *l -= total);
        logits
    }

    /// The log-likelihood less the penalty.
    fn score(&self, rows: &[Vec<f64>], target: &[usize]) -> f64 {
        let each = rows.iter().zip(target);
        each.map(|(row, &t)| self.log_shares(row)[t]).sum::<f64>() - self.penalty()
    }

    /// The step to the top of the parabola that the score is here.
    fn newton(&self, rows: &[Vec<f64>], target: &[usize]) -> Vec<f64> {
        let (d, n) = (self.width, self.weights.len());
        let mut slope: Vec<f64> = self.weights.iter().map(|w| -PENALTY * w).collect();
        let mut bend = vec![0.0; n * n];
        (0..n).for_each(|i| bend[i * n + i] = PENALTY);
        for (row, &t) in rows.iter().zip(target) {
            let shares: Vec<f64> = self.log_shares(row).iter().map(|l| l.exp()).collect();
            for a in 0..self.classes - 1 {
                let miss = f64::from(u8::from(t == a + 1)) - shares[a + 1];
                for (i, x) in row.iter().enumerate() {
                    slope[a * d + i] += miss * x;
                }
                for b in 0..self.classes - 1 {
                    let own = f64::from(u8::from(a == b));
                    let weight = shares[a + 1] * (own - shares[b + 1]);
                    for (i, x) in row.iter().enumerate() {
                        let line = &mut bend[(a * d + i) * n + b * d..][..d];
                        line.iter_mut()
                            .zip(row)
                            .for_each(|(h, z)| *h += weight * x * z);
                    }
                }
            }
        }
        solve(bend, slope)
    }
}

/// The solution of `a x = b` for a positive definite `a`, by Cholesky.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let below: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - below;
            a[i * n + j] = if i == j {
                rest.max(f64::MIN_POSITIVE).sqrt()
            } else {
                rest / a[j * n + j]
            };
        }
        let below: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - below) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let above: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - above) / a[i * n + i];
    }
    b
}
