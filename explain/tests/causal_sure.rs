//! How sure a discovered graph is: resamples, contradictions, columns of few values, ranks.

use lepton_explain::Table;
use lepton_explain::causal::correlation::Correlation;
use lepton_explain::causal::{
    BootstrapOptions, ColumnKind, Edge, Graph, PcOptions, Tests, pc, pc_bootstrap, pc_with,
};
use lepton_explain::picture::dag;
use lepton_tensor::random::Rng;
use proptest::prelude::*;

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(String::from).to_vec()
}

/// A class that two quantities cause, and a measurement of one of them.
fn patients(rows: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let row = |_| {
        let (size, age) = (rng.normal(), rng.normal());
        let sick = f64::from(u8::from(1.5 * size + 1.5 * age + rng.normal() > 0.0));
        [size, age, sick, size + 0.5 * rng.normal()]
    };
    (0..rows).flat_map(row).collect()
}

#[test]
fn a_column_of_classes_is_tested_as_classes_and_the_note_says_so() {
    let names = names(["size", "age", "sick", "scan"]);
    let values = patients(400, 1);
    let table = Table::new(&names, &values).unwrap();
    let mut kinds = [ColumnKind::Continuous; 4];
    kinds[2] = ColumnKind::Classes(2);
    assert_eq!(ColumnKind::of(&table), kinds);
    let found = pc(&table, PcOptions::default()).unwrap();
    assert!(found.graph.is_directed(0, 2) && found.graph.is_directed(1, 2));
    assert!(!found.graph.is_adjacent(2, 3), "{found}");
    let note = found.graph.note();
    assert!(
        note.contains("conditional Gaussian") && note.contains("`sick` as classes"),
        "{note}"
    );
    // Who asks for Fisher's test nevertheless is told where it does not hold.
    let fisher = PcOptions {
        tests: Tests::FisherZ,
        ..Default::default()
    };
    let note = pc(&table, fisher).unwrap().graph.note().to_string();
    assert!(note.contains("not valid for `sick`"), "{note}");
}

#[test]
fn columns_of_classes_alone_are_tested_by_g() {
    let mut rng = Rng::new(2);
    let row = |_| {
        let a = rng.below(3);
        let mut copy = |of: u64| if rng.below(10) < 7 { of } else { rng.below(3) };
        let b = copy(a);
        [a, b, copy(b)].map(|v| v as f64)
    };
    let values: Vec<f64> = (0..600).flat_map(row).collect();
    let names = names(["a", "b", "c"]);
    let found = pc(&Table::new(&names, &values).unwrap(), PcOptions::default()).unwrap();
    let chain = [Edge::Undirected(0, 1), Edge::Undirected(1, 2)];
    assert_eq!(found.graph.edges(), chain, "{found}");
    assert!(found.graph.note().contains("G tests"), "{found}");
}

#[test]
fn contradictions_stand_in_every_form_of_the_graph() {
    // Tests of four nodes in a row, whose ends are separated by nothing in between: the colliders at
    // both inner nodes would point at each other.
    let names = names(["a", "b", "c", "d"]);
    let test = |x: usize, y: usize, given: &[usize]| {
        let apart = given.is_empty() && y - x > 1;
        Ok(if apart {
            0.5 + 0.1 * (x + y) as f64
        } else {
            0.0
        })
    };
    let found = pc_with(&names, 0.1, 2, test).unwrap();
    assert!(!found.conflicts.is_empty());
    assert_eq!(found.graph.conflicts(), found.conflicts);
    let renamed = found.graph.clone().with_note("another note");
    let warning = "contradictions among the tests: read the arrows with care";
    for text in [
        found.to_string(),
        found.graph.to_string(),
        found.graph.note().to_string(),
        found.graph.to_mermaid(),
        renamed.to_string(),
    ] {
        assert!(text.contains(warning), "{text}");
    }
    // A picture breaks the line, so it is looked for word by word.
    let svg = dag("What hangs together", &renamed).unwrap();
    assert!(warning.split(' ').all(|word| svg.contains(word)), "{svg}");
    assert!(!Graph::new(&names).to_string().contains("contradictions"));
}

#[test]
fn resamples_tell_a_sure_edge_from_a_lucky_one_and_are_the_same_on_any_number_of_threads() {
    let names = names(["size", "age", "sick", "scan"]);
    let values = patients(150, 4);
    let table = Table::new(&names, &values).unwrap();
    let bootstrap = BootstrapOptions {
        samples: 40,
        seed: 9,
    };
    let run = || pc_bootstrap(&table, PcOptions::default(), bootstrap).unwrap();
    let found = run();
    assert_eq!(found.samples + found.failed, 40);
    assert_eq!(found.discovery, pc(&table, PcOptions::default()).unwrap());
    assert!(found.of(0, 3).present() > 0.95 && found.of(1, 3).present() < 0.6);
    let (there, back) = (found.of(0, 2), found.of(2, 0));
    assert_eq!(there.forward, back.backward);
    assert_eq!(there.present(), back.present());
    let text = found.to_string();
    assert!(text.starts_with("association, not cause"), "{text}");
    for (edge, r) in found.edges() {
        let (Edge::Directed(a, b) | Edge::Undirected(a, b)) = edge;
        assert_eq!(r, found.of(a, b));
        let line = text
            .lines()
            .find(|l| l.contains(&names[a]) && l.contains(&names[b]));
        assert!(line.unwrap().contains("of 40 resamples"), "{text}");
    }
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(pool.install(run), found);
    }
    let other = BootstrapOptions {
        seed: 10,
        ..bootstrap
    };
    assert_ne!(
        pc_bootstrap(&table, PcOptions::default(), other).unwrap(),
        found
    );
    let none = BootstrapOptions {
        samples: 0,
        ..bootstrap
    };
    assert!(pc_bootstrap(&table, PcOptions::default(), none).is_err());
}

#[test]
fn what_cannot_be_searched_is_refused_with_a_sentence() {
    let names = names(["a", "b"]);
    let mut rng = Rng::new(6);
    let values: Vec<f64> = (0..40).map(|_| rng.normal()).collect();
    let table = Table::new(&names, &values).unwrap();
    let default = PcOptions::default();
    for bad in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        let options = PcOptions {
            alpha: bad,
            ..default
        };
        assert!(pc(&table, options).is_err());
        assert!(pc_bootstrap(&table, options, BootstrapOptions::default()).is_err());
        let ridge = if (0.0..=1.0).contains(&bad) {
            -1.0
        } else {
            bad
        };
        assert!(pc(&table, PcOptions { ridge, ..default }).is_err());
        // A test that gives no p-value.
        let said = pc_with(&names, 0.05, 1, |_, _, _| Ok(2.0 + bad)).unwrap_err();
        assert!(
            said.to_string().contains("a p-value lies in [0, 1]"),
            "{said}"
        );
    }
    for rows in 0..4 {
        let few = Table::new(&names, &values[..2 * rows]).unwrap();
        assert!(pc(&few, default).is_err() && Correlation::of(&few, 0.0).is_err() == (rows < 2));
    }
    let same: Vec<f64> = values.iter().flat_map(|v| [*v, *v]).collect();
    let said = pc(&Table::new(&names, &same).unwrap(), default)
        .unwrap_err()
        .to_string();
    assert!(said.contains("linear combination"), "{said}");
    let still: Vec<f64> = values.iter().flat_map(|v| [*v, 3.0]).collect();
    let said = pc(&Table::new(&names, &still).unwrap(), default)
        .unwrap_err()
        .to_string();
    assert!(said.contains("`b` is constant"), "{said}");
    let one = Table::new(&names[..1], &values).unwrap();
    assert!(pc(&one, default).unwrap().graph.edges().is_empty());
    let correlation = Correlation::of(&table, 0.0).unwrap();
    assert!(correlation.partial(0, 2, &[]).is_err() && correlation.p_value(0, 1, &[7]).is_err());
    // Only a diagram tells what is separated.
    let mut open = Graph::new(&names);
    open.connect(0, 1);
    assert!(open.cpdag().is_err());
    assert!(std::panic::catch_unwind(|| open.separated(0, 1, &[])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_linear_combination_is_an_error_that_names_it(
        rows in 8..60usize,
        shares in proptest::collection::vec(prop_oneof![Just(0.0), -3.0..-0.2f64, 0.2..3.0f64], 4),
        scale in -150..150i32,
        place in 0..5usize,
        seed in any::<u64>(),
    ) {
        let mut rng = Rng::new(seed);
        let row = |_: usize| (0..4).map(|_| rng.normal()).collect::<Vec<f64>>();
        let free: Vec<Vec<f64>> = (0..rows).map(row).collect();
        let sum = |row: &[f64]| row.iter().zip(&shares).map(|(x, s)| x * s).sum::<f64>();
        // Its unit is another one, and it has an offset.
        let values: Vec<f64> = free.iter().flat_map(|row| {
            let mut all = row.clone();
            all.insert(place, (sum(row) + 1.0) * 10f64.powi(scale));
            all
        }).collect();
        let names: Vec<String> = (0..5).map(|j| format!("x{j}")).collect();
        let table = Table::new(&names, &values).unwrap();
        let error = pc(&table, PcOptions::default()).unwrap_err().to_string();
        let parts = shares.iter().filter(|s| **s != 0.0).count();
        if parts == 0 {
            prop_assert!(error.contains(&format!("`x{place}` is constant")), "{}", error);
        } else {
            // Those that take part and no others.
            for (j, s) in shares.iter().enumerate() {
                let name = format!("`x{}`", if j < place { j } else { j + 1 });
                prop_assert_eq!(error.contains(&name), *s != 0.0, "{}", error);
            }
            let ridged = PcOptions { ridge: 1e-3, ..Default::default() };
            prop_assert!(pc(&table, ridged).is_ok());
        }
        // Without that column there is nothing to complain about.
        let free = free.concat();
        prop_assert!(pc(&Table::new(&names[..4], &free).unwrap(), PcOptions::default()).is_ok());
    }
}
