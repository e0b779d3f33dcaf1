//! The outcomes of a pair, cut where their privacy loss crosses a grid.

/// Mass under `P` and mass under `Q`.
pub(crate) type Masses = (f64, f64);

/// All outcomes of a pair, by the grid cell of their loss.
pub(crate) struct Pieces {
    /// Width of a cell; cell `i` holds the losses from `i * step` to `(i + 1) * step`.
    pub(crate) step: f64,
    /// Cell and masses, in any order, a cell as often as it likes.
    pub(crate) cells: Vec<(i64, Masses)>,
    /// Outcomes with losses at or above `edge * step`, too rare to tell apart.
    pub(crate) above: (i64, Masses),
    /// Outcomes with losses at or below `edge * step`, too rare to tell apart.
    pub(crate) below: (i64, Masses),
}

impl Pieces {
    /// The pair `(Q, P)`: masses change places, losses change sign.
    pub(crate) fn reversed(mut self) -> Pieces {
        let swap = |(p, q): Masses| (q, p);
        for (cell, masses) in &mut self.cells {
            (*cell, *masses) = (-*cell - 1, swap(*masses));
        }
        let flip = |(edge, masses): (i64, Masses)| (-edge, swap(masses));
        (self.above, self.below) = (flip(self.below), flip(self.above));
        self
    }

    /// The experiment that runs `other` with chance `weight` and `self` otherwise, and says which.
    pub(super) fn mixed(mut self, other: Pieces, weight: f64) -> Pieces {
        let by = |w: f64, (p, q): Masses| (w * p, w * q);
        self.cells
            .iter_mut()
            .for_each(|(_, masses)| *masses = by(1.0 - weight, *masses));
        self.cells.extend(
            other
                .cells
                .into_iter()
                .map(|(cell, masses)| (cell, by(weight, masses))),
        );
        let join = |a: Masses, b: Masses| {
            let (a, b) = (by(1.0 - weight, a), by(weight, b));
            (a.0 + b.0, a.1 + b.1)
        };
        self.above = (
            self.above.0.min(other.above.0),
            join(self.above.1, other.above.1),
        );
        self.below = (
            self.below.0.max(other.below.0),
            join(self.below.1, other.below.1),
        );
        self
    }
}
