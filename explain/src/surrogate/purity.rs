//! How pure a split leaves its sides, in whole numbers.

/// One side of a split while the scan moves rows across.
pub(super) struct Side {
    counts: Vec<usize>,
    pub(super) rows: u128,
    squares: u128, // sum over the classes of count^2, kept up to date in O(1)
}

impl Side {
    pub(super) fn new(counts: &[usize]) -> Side {
        let (mut rows, mut squares) = (0, 0);
        for &c in counts {
            rows += c as u128;
            squares += (c as u128) * (c as u128);
        }
        Side {
            counts: counts.to_vec(),
            rows,
            squares,
        }
    }

    pub(super) fn add(&mut self, class: usize) {
        self.squares += 2 * self.counts[class] as u128 + 1;
        self.counts[class] += 1;
        self.rows += 1;
    }

    pub(super) fn remove(&mut self, class: usize) {
        self.squares -= 2 * self.counts[class] as u128 - 1;
        self.counts[class] -= 1;
        self.rows -= 1;
    }
}

/// How pure a split leaves its sides: `sum c^2 / n` on the left plus the same on the right, as an
/// exact fraction. The weighted Gini impurity is `1 - purity / n`, so the largest purity wins.
pub(super) struct Purity {
    over: u128,
    under: u128,
}

impl Purity {
    pub(super) fn of(left: &Side, right: &Side) -> Purity {
        Purity {
            over: left.squares * right.rows + right.squares * left.rows,
            under: left.rows * right.rows,
        }
    }

    pub(super) fn beats(&self, other: &Purity) -> bool {
        self.over * other.under > other.over * self.under
    }
}
