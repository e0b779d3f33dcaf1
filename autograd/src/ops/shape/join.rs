//! Several variables as one, and back from what broadcasting repeated.

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;
use lepton_tensor::{Error, layout};

/// Several variables at once.
impl Var {
    /// Variables of one shape along a new axis.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::stack(&[Var::new(&[1.0f32, 2.0], &[2]), Var::new(&[3.0f32, 4.0], &[2])], 0);
    /// assert_eq!(y.shape(), [2, 2]);
    /// ```
    ///
    /// # Panics
    /// When there is none, or their shapes or dtypes differ.
    #[track_caller]
    pub fn stack(parts: &[Var], axis: isize) -> Var {
        let first = parts
            .first()
            .ok_or_else(|| Error::shape("stack: there is nothing to stack; give at least one"))
            .or_panic();
        layout::axis("stack", axis, first.rank() + 1).or_panic();
        if let Some(other) = parts.iter().find(|p| p.meta() != first.meta()) {
            panic!(
                "stack: {} {:?} and {} {:?} differ; stack wants one shape and dtype",
                first.dtype(),
                first.shape(),
                other.dtype(),
                other.shape()
            );
        }
        let parts: Vec<Var> = parts.iter().map(|p| p.unsqueeze(axis)).collect();
        Var::cat(&parts, axis)
    }

    /// Matrices along a diagonal, zeros elsewhere; vectors count as rows, numbers as 1 x 1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let parts = [Var::new(&[1.0f32], &[1, 1]), Var::new(&[2.0f32], &[1, 1])];
    /// assert_eq!(Var::block_diag(&parts).to_vec::<f32>()?, [1.0, 0.0, 0.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When one has more than two axes or there is none.
    #[track_caller]
    pub fn block_diag(parts: &[Var]) -> Var {
        let dtype = parts.first().map(Var::dtype);
        if dtype.is_none() {
            panic!("block_diag: there is nothing to join; give at least one matrix");
        }
        if let Some(p) = parts
            .iter()
            .find(|p| p.rank() > 2 || Some(p.dtype()) != dtype)
        {
            panic!(
                "block_diag: {} {:?} is no matrix of the first one's dtype",
                p.dtype(),
                p.shape()
            );
        }
        let parts: Vec<Var> = parts
            .iter()
            .map(|p| match p.rank() {
                0 | 1 => p.reshape(&[1, p.numel()]),
                _ => p.clone(),
            })
            .collect();
        let width: usize = parts.iter().map(|p| p.shape()[1]).sum();
        let mut start = 0;
        let rows: Vec<Var> = parts
            .iter()
            .map(|p| {
                let n = p.shape()[1];
                start += n;
                p.pad(&[(0, 0), (start - n, width - start)])
            })
            .collect();
        Var::cat(&rows, 0)
    }

    /// Coordinates of the grid of several vectors, one variable each; `xy` swaps the first two axes
    /// of the result.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let axes = [Var::new(&[1.0f32, 2.0], &[2]), Var::new(&[3.0f32, 4.0, 5.0], &[3])];
    /// let grid = Var::meshgrid(&axes, false);
    /// assert_eq!(grid[0].to_vec::<f32>()?, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    /// assert_eq!(grid[1].to_vec::<f32>()?, [3.0, 4.0, 5.0, 3.0, 4.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there is none or one is no vector.
    #[track_caller]
    pub fn meshgrid(parts: &[Var], xy: bool) -> Vec<Var> {
        assert!(
            !parts.is_empty(),
            "meshgrid: there is no vector; give at least one"
        );
        if let Some(p) = parts.iter().find(|p| p.rank() > 1) {
            panic!("meshgrid: {:?} is no vector", p.shape());
        }
        let shape: Vec<usize> = parts.iter().map(Var::numel).collect();
        let grid = |(i, p): (usize, &Var)| {
            let mut own = vec![1; shape.len()];
            own[i] = p.numel();
            let y = p.reshape(&own).expand(&shape);
            if xy && shape.len() > 1 {
                y.transpose(0, 1)
            } else {
                y
            }
        };
        parts.iter().enumerate().map(grid).collect()
    }

    /// The adjoint of [`Var::expand`]: sums over what broadcasting to this shape repeats.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.sum_to_shape(&[3]).to_vec::<f32>()?, [5.0, 7.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `shape` does not broadcast to this variable's.
    #[track_caller]
    pub fn sum_to_shape(&self, shape: &[usize]) -> Var {
        let fits = crate::broadcast_shape("sum_to_shape", self.shape(), shape);
        assert!(
            fits.is_ok_and(|s| s[..] == *self.shape()),
            "sum_to_shape: {shape:?} does not broadcast to {:?}",
            self.shape()
        );
        self.sum_to(shape)
    }
}
