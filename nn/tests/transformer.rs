//! The layers of a transformer: against each other, as a program, and in training.

use lepton_autograd::{AttentionOptions, DType, Var, no_grad};
use lepton_nn::{
    Adam, Embedding, LayerNorm, Module, MultiheadAttention, Optimizer, Params, Program, Rng,
    Sequential, cross_entropy, module,
};

fn values(x: &Var) -> Vec<f64> {
    x.tensor().to_f64()
}

fn near(a: &Var, b: &Var) -> bool {
    let close = |(x, y): (f64, f64)| (x - y).abs() < 1e-5;
    a.shape() == b.shape() && values(a).into_iter().zip(values(b)).all(close)
}

#[test]
fn a_sequence_attends_to_itself_as_to_any_other() {
    let layer = MultiheadAttention::new(12, 3, &mut Rng::new(0));
    let x = Var::randn(&[2, 5, 12], DType::F32, 1, 0);
    for causal in [false, true] {
        let options = AttentionOptions {
            causal,
            ..AttentionOptions::default()
        };
        let (one, other) = (
            layer.attend_self(&x, &options),
            layer.attend(&x, &x, &x, &options),
        );
        assert!(near(&one, &other));
        // The first step sees itself alone, so what follows does not change it.
        let cut = layer.attend_self(&x.slice(1, 0, 1, 1), &options);
        assert_eq!(near(&one.slice(1, 0, 1, 1), &cut), causal);
    }
    let memory = Var::randn(&[2, 7, 12], DType::F32, 2, 0);
    let y = layer.attend(&x, &memory, &memory, &AttentionOptions::default());
    assert_eq!(y.shape(), [2, 5, 12]);
}

#[test]
fn attention_and_norms_run_as_a_program_on_any_number_of_rows() {
    let mut rng = Rng::new(0);
    let net = Sequential::new()
        .add(LayerNorm::new(&[8]))
        .add(MultiheadAttention::new(8, 2, &mut rng));
    let program = Program::trace(&net, &[1, 4, 8], DType::F32).unwrap();
    for rows in [1, 3] {
        let x = Var::randn(&[rows, 4, 8], DType::F32, 7, 0);
        let want = no_grad(|| net.forward(&x));
        assert_eq!(values(&program.run(&[x]).unwrap()[0]), values(&want));
    }
}

/// Says which of two words came first.
#[derive(Clone, Debug)]
struct First {
    words: Embedding,
    places: Embedding,
    norm: LayerNorm,
    attention: MultiheadAttention,
}

module!(First {
    words,
    places,
    norm,
    attention
});

impl First {
    /// Logits `[batch, 2]` for words `[batch, time]`.
    fn forward(&self, x: &Var) -> Var {
        let time = Var::new(
            &(0..x.shape()[1] as i64).collect::<Vec<_>>(),
            &[x.shape()[1]],
        );
        let h = self.words.forward(x) + self.places.forward(&time);
        let h = &h + self.attention.forward(&self.norm.forward(&h));
        h.select(1, 0).slice(1, 0, 2, 1)
    }
}

#[test]
fn a_small_transformer_learns() {
    let mut rng = Rng::new(4);
    let mut net = First {
        words: Embedding::new(3, 8, &mut rng).padding(2),
        places: Embedding::new(4, 8, &mut rng),
        norm: LayerNorm::new(&[8]),
        attention: MultiheadAttention::new(8, 2, &mut rng),
    };
    let x = Var::new(
        &[0i64, 1, 2, 2, 1, 0, 2, 2, 2, 0, 1, 2, 2, 1, 0, 2],
        &[4, 4],
    );
    let y = Var::new(&[0i64, 1, 0, 1], &[4]);
    let mut adam = Adam::new(0.02).unwrap();
    let first = cross_entropy(&net.forward(&x), &y).item().unwrap();
    for _ in 0..60 {
        let mut grads = cross_entropy(&net.forward(&x), &y).backward();
        adam.step(&mut net, &mut grads).unwrap();
    }
    let last = cross_entropy(&net.forward(&x), &y).item().unwrap();
    assert!(last < 0.05 && last < first / 5.0, "{first} to {last}");
    // The row of the padding has stayed 0.
    assert_eq!(net.words.weight.tensor().to_f64()[16..], [0.0; 8]);
    assert_eq!(net.num_params(), 3 * 8 + 4 * 8 + 16 + 4 * (64 + 8));
}
