//! Programs: the same bits as the module they were traced from, for any number of rows, also from a file.

use lepton_autograd::{ConvOptions, DType, Var, no_grad};
use lepton_nn::files::weights;
use lepton_nn::{
    Conv2d, Dropout, Flatten, Gelu, Linear, Mlp, Module, Params, Program, Relu, Rng, Sequential,
};
use proptest::prelude::*;

fn convolutional(rng: &mut Rng) -> Sequential {
    let padded = ConvOptions {
        padding: [1, 1],
        ..ConvOptions::default()
    };
    Sequential::new()
        .add(Conv2d::new(2, 4, 3, padded, rng))
        .add(Relu)
        .add(Dropout::new(0.5))
        .add(Flatten)
        .add(Linear::new(4 * 5 * 5, 8, rng))
        .add(Gelu)
        .add(Linear::new(8, 3, rng).without_bias())
}

/// Fails unless the program, and the program read back from its files, answer as the module does.
fn replays(module: &dyn Module, shape: &[usize], rows: usize, seed: u64) {
    let program = Program::trace(module, shape, DType::F32).unwrap();
    let tensors = weights::read(&weights::write(&program.tensors).unwrap()).unwrap();
    let back = Program::from_json(&program.to_json(), tensors, &[]).unwrap();
    let x = Var::randn(&[&[rows], &shape[1..]].concat(), DType::F32, seed, 0);
    let want = no_grad(|| module.forward(&x)).to_vec::<f32>().unwrap();
    for p in [&program, &back] {
        assert_eq!(
            p.run(&[x.clone()]).unwrap()[0].to_vec::<f32>().unwrap(),
            want
        );
    }
    assert_eq!(back.to_string(), program.to_string());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_program_gives_the_modules_bits(rows in 0usize..9, hidden in 1usize..20, seed: u64) {
        let mut rng = Rng::new(seed);
        replays(&Mlp::new(&[30, hidden, 2], &mut rng), &[1, 30], rows, seed);
        replays(&convolutional(&mut rng), &[1, 2, 5, 5], rows, seed);
    }
}

#[test]
fn a_program_prints_its_ops_with_the_batch_named() {
    let net = Mlp::new(&[3, 4, 2], &mut Rng::new(0));
    let text = Program::trace(&net, &[1, 3], DType::F32)
        .unwrap()
        .to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "v0: f32 [batch, 3]");
    assert!(
        lines[1].contains("linear(v0, layers.0.weight, layers.0.bias) relu=true"),
        "{text}"
    );
    assert_eq!(net.params()[0].0, "layers.0.weight");
}

#[test]
fn a_program_that_reads_what_nothing_makes_is_refused() {
    let net = Linear::new(2, 2, &mut Rng::new(0));
    let mut program = Program::trace(&net, &[1, 2], DType::F32).unwrap();
    program.instructions[0].inputs[0] = 77;
    let e = program.prepare(&[]).unwrap_err().to_string();
    assert_eq!(
        e,
        "program: instruction 0 (linear) reads value 77, which nothing before it makes"
    );
}

#[test]
fn another_width_is_one_sentence() {
    let net = Linear::new(2, 2, &mut Rng::new(0));
    let program = Program::trace(&net, &[1, 2], DType::F32).unwrap();
    let x = Var::randn(&[4, 3], DType::F32, 0, 0);
    let e = program.run(&[x]).unwrap_err().to_string();
    assert_eq!(e, "program: input 0 is f32 [4, 3], must be f32 [batch, 2]");
}
