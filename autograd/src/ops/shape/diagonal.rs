//! Diagonals and triangles of matrices.

use lepton_tensor::{Tensor, layout};

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;

impl Var {
    /// The elements whose index along `b` is that along `a` plus `offset`, on a new last axis.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.diagonal(0, 0, 1).to_vec::<f32>()?, [1.0, 5.0]);
    /// assert_eq!(x.diagonal(1, 0, 1).to_vec::<f32>()?, [2.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range, or both are the same.
    #[track_caller]
    pub fn diagonal(&self, offset: isize, a: isize, b: isize) -> Var {
        self.two_axes("diagonal", a, b);
        let x = self.move_axes(&[a, b], &[-2, -1]);
        let (head, tail) = x.shape().split_at(x.rank() - 2);
        let [start, len, step] = diagonal_run(tail[0], tail[1], offset);
        let flat = x.reshape(&[head, &[tail[0] * tail[1]]].concat());
        flat.slice(head.len(), start, len, step as isize)
    }

    /// This variable with `value` on the diagonal that [`Var::diagonal`] reads.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.diagonal_scatter(&Var::new(&[9.0f32, 8.0], &[2]), 0, 0, 1).to_vec::<f32>()?, [9.0, 2.0, 3.0, 8.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range, or the value has another shape than the diagonal.
    #[track_caller]
    pub fn diagonal_scatter(&self, value: &Var, offset: isize, a: isize, b: isize) -> Var {
        self.two_axes("diagonal_scatter", a, b);
        let x = self.move_axes(&[a, b], &[-2, -1]);
        let (head, tail) = x.shape().split_at(x.rank() - 2);
        let [start, len, step] = diagonal_run(tail[0], tail[1], offset);
        assert!(
            value.dtype() == self.dtype() && *value.shape() == *[head, &[len]].concat(),
            "diagonal_scatter: {} {:?} is not the diagonal {offset} of {} {:?}, which has {len} elements",
            value.dtype(),
            value.shape(),
            self.dtype(),
            self.shape()
        );
        let flat = x.reshape(&[head, &[tail[0] * tail[1]]].concat());
        let mut region: Vec<_> = head.iter().map(|&d| (0, d, 1)).collect();
        region.push((start, len, step as isize));
        flat.slice_assign(&region, value)
            .reshape(x.shape())
            .move_axes(&[-2, -1], &[a, b])
    }

    /// Zeros but for the last axis, laid on a diagonal of the axes `a` and `b` of the result.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).diag_embed(0, 0, 1).to_vec::<f32>()?, [1.0, 0.0, 0.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range, or both are the same.
    #[track_caller]
    pub fn diag_embed(&self, offset: isize, a: isize, b: isize) -> Var {
        let Some((&last, head)) = self.shape().split_last() else {
            panic!(
                "diag_embed: a number has no axis to lay on a diagonal; give it one: x.unsqueeze(0)"
            )
        };
        for axis in [a, b] {
            layout::axis("diag_embed", axis, self.rank() + 1).or_panic();
        }
        let wrapped = |axis: isize| axis.rem_euclid(self.rank() as isize + 1);
        assert!(
            wrapped(a) != wrapped(b),
            "diag_embed: {a} and {b} are one axis of the result; they must differ"
        );
        let n = last.saturating_add(offset.unsigned_abs());
        layout::numel(&[head, &[n, n]].concat())
            .map_err(|e| e.told_by("diag_embed"))
            .or_panic();
        let square = Var::zeros(&[head, &[n, n]].concat(), self.dtype(), self.device());
        square
            .diagonal_scatter(self, offset, -2, -1)
            .move_axes(&[-2, -1], &[a, b])
    }

    /// The sum of the diagonal of a matrix.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.trace().item()?, 5.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are not two axes.
    #[track_caller]
    pub fn trace(&self) -> Var {
        assert!(
            self.rank() == 2,
            "trace: wants a matrix, got shape {:?}",
            self.shape()
        );
        self.diagonal(0, 0, 1).sum(&[])
    }

    /// The last two axes with zeros above the diagonal `offset`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.tril(0).to_vec::<f32>()?, [1.0, 0.0, 3.0, 4.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn tril(&self, offset: isize) -> Var {
        self.triangle("tril", |row, col| col <= row.saturating_add(offset))
    }

    /// The last two axes with zeros below the diagonal `offset`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.triu(0).to_vec::<f32>()?, [1.0, 2.0, 0.0, 4.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn triu(&self, offset: isize) -> Var {
        self.triangle("triu", |row, col| col >= row.saturating_add(offset))
    }

    #[track_caller]
    fn triangle(&self, what: &str, keep: impl Fn(isize, isize) -> bool) -> Var {
        assert!(
            self.rank() >= 2,
            "{what}: wants matrices, got shape {:?}",
            self.shape()
        );
        let tail = &self.shape()[self.rank() - 2..];
        let mask = Tensor::build(tail, |out: &mut [bool]| {
            let cols = tail[1];
            out.iter_mut()
                .enumerate()
                .for_each(|(i, y)| *y = keep((i / cols) as isize, (i % cols) as isize));
        });
        Var::where_(&mask.into(), self, &self.zeros_like())
    }
}

/// Start, length and step of a diagonal in a flattened `[rows, cols]`.
fn diagonal_run(rows: usize, cols: usize, offset: isize) -> [usize; 3] {
    let away = offset.unsigned_abs();
    let (down, right) = if offset < 0 { (away, 0) } else { (0, away) };
    let len = rows.saturating_sub(down).min(cols.saturating_sub(right));
    let start = if len == 0 { 0 } else { down * cols + right };
    [start, len, cols + 1]
}
