//! The surrogate tree against scikit-learn's on the answers of a real network.

mod common;

use lepton_explain::Table;
use lepton_explain::surrogate::{Rules, Surrogate, SurrogateOptions, Tree, TreeOptions};
use lepton_tensor::Result;
use proptest::prelude::*;

/// The network 30-16-8-2 with ReLU of `mlp_bc.safetensors`.
struct Network(Vec<(Vec<f64>, Vec<f64>)>);

impl Network {
    fn load() -> Network {
        let file = common::tensors("mlp_bc.safetensors");
        let layer = |i: usize| {
            let get = |part: &str| file.get(&format!("w/{i}.{part}")).1;
            (get("weight"), get("bias"))
        };
        Network([0, 2, 4].map(layer).to_vec())
    }

    fn class(&self, row: &[f64]) -> usize {
        let mut x = row.to_vec();
        for (i, (weight, bias)) in self.0.iter().enumerate() {
            let dot = |w: &[f64]| w.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
            let out = weight.chunks(x.len()).zip(bias).map(|(w, b)| dot(w) + b);
            x = out.map(|y| if i < 2 { y.max(0.0) } else { y }).collect();
        }
        usize::from(x[1] > x[0])
    }

    fn classes(&self, table: &Table<'_>) -> Result<Vec<usize>> {
        Ok((0..table.rows())
            .map(|i| self.class(table.row(i)))
            .collect())
    }
}

struct Case {
    network: Network,
    names: Vec<String>,
    x: Vec<f64>,
    model: Vec<usize>,
}

const TRAIN: usize = 400;

impl Case {
    fn load() -> Case {
        let file = common::tensors("bc_data.safetensors");
        let (shape, x) = file.get("x");
        let names = (0..shape[1]).map(|j| format!("x{j}")).collect();
        let model = file.get("mlp_pred").1.iter().map(|&c| c as usize).collect();
        Case {
            network: Network::load(),
            names,
            x,
            model,
        }
    }

    fn train(&self) -> Table<'_> {
        Table::new(&self.names, &self.x[..TRAIN * self.names.len()]).unwrap()
    }

    fn test(&self) -> Table<'_> {
        Table::new(&self.names, &self.x[TRAIN * self.names.len()..]).unwrap()
    }

    fn query(&self) -> impl Fn(&Table<'_>) -> Result<Vec<usize>> {
        |table| self.network.classes(table)
    }
}

fn share_equal(a: &[usize], b: &[usize]) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
}

#[test]
fn the_network_answers_as_its_file_says() {
    let case = Case::load();
    let all = Table::new(&case.names, &case.x).unwrap();
    assert_eq!(case.network.classes(&all).unwrap(), case.model);
}

#[test]
fn a_plain_tree_is_the_one_of_scikit_learn() {
    let case = Case::load();
    let (train, test) = case.model.split_at(TRAIN);
    let wanted = &common::json("surrogate_tree.json")["breast_cancer (shared data, model mlp_bc)"];
    for max_depth in [3, 4, 5] {
        let options = TreeOptions {
            max_depth,
            min_leaf: 1,
        };
        let tree = Tree::fit(&case.train(), train, options).unwrap();
        let wanted = &wanted[format!("depth{max_depth}")];
        assert_eq!(Some(tree.leaves() as u64), wanted["leaves"].as_u64());
        let fidelity = share_equal(&tree.predict_all(&case.train()), train);
        assert_eq!(Some(fidelity), wanted["fidelity_train"].as_f64());
        // At depth 5 two splits tie and scikit-learn draws lots: one test row of 169 may differ.
        let fidelity = share_equal(&tree.predict_all(&case.test()), test);
        let room = if max_depth == 5 { 1.01 / 169.0 } else { 1e-12 };
        assert!((fidelity - wanted["fidelity_test"].as_f64().unwrap()).abs() < room);
    }
}

#[test]
fn asking_the_model_about_more_points_makes_the_tree_more_faithful() {
    let case = Case::load();
    for max_depth in [3, 4, 5] {
        let tree = TreeOptions {
            max_depth,
            min_leaf: 1,
        };
        let fidelity = |seed, queries| {
            let options = SurrogateOptions {
                tree,
                seed,
                queries,
                ..Default::default()
            };
            let surrogate = Surrogate::fit(case.query(), &case.train(), options).unwrap();
            surrogate.fidelity(case.query(), &case.test()).unwrap()
        };
        let mean = (0..4).map(|seed| fidelity(seed, 8000)).sum::<f64>() / 4.0;
        assert!(
            mean > fidelity(0, 0) && mean >= 0.955,
            "depth {max_depth}: {mean}"
        );
    }
}

#[test]
fn rules_answer_as_the_tree_and_count_what_they_say() {
    let case = Case::load();
    let train = case.train();
    let surrogate = Surrogate::fit(case.query(), &train, SurrogateOptions::default()).unwrap();
    let classes = ["malignant".to_string(), "benign".to_string()];
    let model = &case.model[..TRAIN];
    let rules = Rules::measure(surrogate.tree(), &train, model, &classes).unwrap();
    let mut agreeing = 0;
    for rule in rules.rules() {
        agreeing += rule.agreeing;
    }
    let fidelity = surrogate.fidelity(case.query(), &train).unwrap();
    assert_eq!(agreeing as f64 / TRAIN as f64, fidelity);
    for (i, class) in surrogate.tree().predict_all(&train).into_iter().enumerate() {
        assert_eq!(rules.predict(train.row(i)), class);
        assert_eq!(
            rules
                .rules()
                .iter()
                .filter(|r| r.holds(train.row(i)))
                .count(),
            1
        );
    }
}

#[test]
fn fidelity_is_of_rows_that_did_not_grow_the_tree_beside_one_answer_for_all() {
    let case = Case::load();
    let (train, test) = (case.train(), case.test());
    let all = Table::new(&case.names, &case.x).unwrap();
    let surrogate = Surrogate::fit(case.query(), &train, SurrogateOptions::default()).unwrap();
    let found = surrogate.judge(case.query(), &all).unwrap();
    assert_eq!((found.rows, found.seen), (test.rows(), TRAIN));
    assert_eq!(
        found.share(),
        surrogate.fidelity(case.query(), &test).unwrap()
    );
    let held = &case.model[TRAIN..];
    let ones = held.iter().filter(|c| **c == 1).count();
    let most = ones.max(held.len() - ones);
    assert_eq!(
        (found.of_class, found.always_one_class()),
        (most, most as f64 / held.len() as f64)
    );
    assert!(found.share() > found.always_one_class());

    let classes = ["malignant".to_string(), "benign".to_string()];
    let rules = surrogate.rules(case.query(), &all, &classes).unwrap();
    assert_eq!(rules.fidelity(), found);
    let covered: usize = rules.rules().iter().map(|r| r.covered).sum();
    assert_eq!(covered, held.len());
    let text = rules.to_string();
    for rule in rules.rules().iter().filter(|r| r.covered > 0) {
        let count = format!("covers {} of 169 unseen rows", rule.covered);
        let agrees = format!(
            "the model agrees on {} of {} (",
            rule.agreeing, rule.covered
        );
        assert!(text.contains(&count) && text.contains(&agrees), "{text}");
    }
    let whole = format!("agrees on {} of 169 rows that did not grow", found.agreeing);
    assert!(
        text.contains(&whole) && text.contains("always answering benign"),
        "{text}"
    );
    // Rows that grew the tree say nothing of it, alone or with another sign of zero.
    assert!(surrogate.judge(case.query(), &train).is_err());
    assert!(surrogate.rules(case.query(), &train, &classes).is_err());
    let wild = |t: &Table<'_>| Ok(vec![usize::MAX; t.rows()]);
    assert!(surrogate.judge(wild, &test).is_err());
    let endless = SurrogateOptions {
        queries: usize::MAX,
        ..Default::default()
    };
    assert!(Surrogate::fit(case.query(), &train, endless).is_err());
}

#[test]
fn a_missing_value_is_told_and_gets_no_class() {
    let names = ["x".to_string()];
    let table = Table::new(&names, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let labels = [0, 0, 1, 1];
    let options = TreeOptions {
        max_depth: 1,
        min_leaf: 1,
    };
    let tree = Tree::fit(&table, &labels, options).unwrap();
    let classes = ["low".to_string(), "high".to_string()];
    let rules = Rules::measure(&tree, &table, &labels, &classes).unwrap();
    let refused = |ask: &(dyn Fn(&[f64]) -> usize + std::panic::RefUnwindSafe),
                   row: &'static [f64]| {
        std::panic::catch_unwind(|| ask(row)).is_err()
    };
    for row in [&[f64::NAN][..], &[], &[1.0, 2.0]] {
        assert!(refused(&|row| tree.predict(row), row), "{row:?}");
        assert!(refused(&|row| rules.predict(row), row), "{row:?}");
    }
    assert_eq!(
        (
            tree.predict(&[f64::INFINITY]),
            rules.predict(&[f64::INFINITY])
        ),
        (1, 1)
    );
}

#[test]
fn questions_about_one_feature_become_one_interval() {
    let names = ["x".to_string()];
    let values: Vec<f64> = (0..30).map(f64::from).collect();
    let table = Table::new(&names, &values).unwrap();
    let labels: Vec<usize> = values
        .iter()
        .map(|&x| usize::from(x > 10.0 && x <= 20.0))
        .collect();
    let options = TreeOptions {
        max_depth: 3,
        min_leaf: 1,
    };
    let tree = Tree::fit(&table, &labels, options).unwrap();
    let classes = ["out".to_string(), "in".to_string()];
    let rules = Rules::measure(&tree, &table, &labels, &classes).unwrap();
    let text = rules.with_units(&["cm"]).unwrap().to_string();
    let want =
        "if x <= 10.5 cm then out\n    covers 36.7 % of 30 rows; the model agrees on 100.0 %\n";
    assert!(text.contains(want), "{text}");
    assert!(text.contains("if 10.5 < x <= 20.5 cm then in\n"), "{text}");
}

proptest! {
    #[test]
    fn a_deep_tree_repeats_any_answers_and_obeys_its_limits(
        cells in proptest::collection::vec(0..6i32, 3..90),
        answers in proptest::collection::vec(0..3usize, 30),
        max_depth in 0..5usize,
        min_leaf in 1..4usize,
    ) {
        let names = ["a".to_string(), "b".to_string(), "c".to_string()];
        let values: Vec<f64> = cells[..cells.len() / 3 * 3].iter().map(|&v| f64::from(v)).collect();
        let table = Table::new(&names, &values).unwrap();
        // Equal rows get equal answers, or no tree could repeat them.
        let model = |i: usize| answers[table.row(i).iter().sum::<f64>() as usize];
        let labels: Vec<usize> = (0..table.rows()).map(model).collect();
        let deep = TreeOptions { max_depth: 99, min_leaf: 1 };
        prop_assert_eq!(Tree::fit(&table, &labels, deep).unwrap().predict_all(&table), labels.clone());
        let tree = Tree::fit(&table, &labels, TreeOptions { max_depth, min_leaf }).unwrap();
        prop_assert!(tree.depth() <= max_depth);
        for node in tree.nodes().iter().filter(|n| n.split.is_none()) {
            prop_assert!(node.counts.iter().sum::<usize>() >= min_leaf.min(labels.len()));
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(seed in 0..1000usize) {
        let names = ["a".to_string(), "b".to_string()];
        let cell = |i: usize, j: usize| (((i + seed) * (7 + 4 * j)) % 23) as f64;
        let values: Vec<f64> = (0..40).flat_map(|i| [cell(i, 0), cell(i, 1)]).collect();
        let labels: Vec<usize> = (0..40).map(|i| (i * i + seed) % 3).collect();
        let reversed: Vec<f64> = values.chunks(2).rev().flatten().copied().collect();
        let backwards: Vec<usize> = labels.iter().rev().copied().collect();
        let grow = |v: &[f64], l: &[usize]| {
            Tree::fit(&Table::new(&names, v).unwrap(), l, TreeOptions::default()).unwrap()
        };
        prop_assert_eq!(grow(&values, &labels), grow(&reversed, &backwards));
    }
}
