//! A table of rows to learn.

use lepton_autograd::{Param, Tensor, Var};
use lepton_tensor::random::Rng;

use crate::module;
use crate::module::Module;

/// Rows of `weight [rows, width]` by their numbers: words, categories, positions.
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_nn::{Embedding, Module, Rng};
/// let words = Embedding::new(10, 4, &mut Rng::new(0)).padding(0);
/// let y = words.forward(&Var::new(&[3i64, 0], &[1, 2]));
/// assert_eq!(y.shape(), [1, 2, 4]);
/// assert_eq!(y.to_vec::<f32>().unwrap()[4..], [0.0; 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Embedding {
    /// `[rows, width]`.
    pub weight: Param,
    padding: Option<usize>,
}

module!(Embedding { weight } plain { padding });

impl Embedding {
    /// A table of `num_embeddings` rows of `embedding_dim` normal values.
    ///
    /// # Panics
    /// When a size is 0.
    #[track_caller]
    pub fn new(num_embeddings: usize, embedding_dim: usize, rng: &mut Rng) -> Embedding {
        assert!(
            num_embeddings > 0 && embedding_dim > 0,
            "Embedding({num_embeddings}, {embedding_dim}): both sizes must be at least 1"
        );
        let values = Tensor::build(&[num_embeddings, embedding_dim], |out: &mut [f32]| {
            out.iter_mut().for_each(|x| *x = rng.normal() as f32);
        });
        Embedding {
            weight: Param::new(values),
            padding: None,
        }
    }

    /// The same with a row that is 0 and does not learn: PyTorch's `padding_idx`.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn padding(mut self, row: usize) -> Embedding {
        let [rows, width] = [0, 1].map(|a| self.weight.tensor().shape()[a]);
        assert!(row < rows, "Embedding: there is no row {row} among {rows}");
        self.weight.tensor_mut().make_mut::<f32>()[row * width..][..width].fill(0.0);
        self.padding = Some(row);
        self
    }
}

impl Module for Embedding {
    /// The rows that `x`, whole numbers of any shape, names: one more axis, the width.
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self.weight.var().embedding(x, self.padding)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
