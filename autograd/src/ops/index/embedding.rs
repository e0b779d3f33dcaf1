//! Embeddings: rows of a table by their numbers.

use lepton_tensor::DType;
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;
use crate::ops::index::gather::IndexSelect;

impl Var {
    /// The rows of this table `[rows, ..]` that `index`, of any shape, names: `index.shape() + [..]`.
    /// The row `padding` gets no gradient. PyTorch's `F.embedding`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let table = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// let y = table.embedding(&Var::new(&[1i64, 0, 1], &[3, 1]), None);
    /// assert_eq!(y.shape(), [3, 1, 2]);
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// When the table has no axes, or an index or the padding is no row of it.
    #[track_caller]
    pub fn embedding(&self, index: &Var, padding: Option<usize>) -> Var {
        assert!(self.rank() > 0, "embedding: the table has no axes");
        assert!(
            padding.is_none_or(|p| p < self.shape()[0]),
            "embedding: the padding {padding:?} is no row of a table of {:?}",
            self.shape()
        );
        let flat = index.reshape(&[index.numel()]);
        let x = smallvec![self.clone(), flat];
        let rows = crate::apply(IndexSelect { axis: 0 }, x)
            .map_err(|e| e.told_by("embedding"))
            .or_panic();
        let y = rows[0].reshape(&[index.shape(), &self.shape()[1..]].concat());
        let Some(padding) = padding else { return y };
        // As i64: a narrower dtype of the index may not reach the last row.
        let index = index.to_dtype(DType::I64);
        let number = Var::full(&[], padding as f64, DType::I64, index.device());
        let mut shape = index.shape().to_vec();
        shape.resize(y.rank(), 1);
        let learns = index.ne(&number).reshape(&shape);
        Var::where_(&learns, &y, &y.detach())
    }
}
