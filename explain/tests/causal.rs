//! PC against causal-learn, against known diagrams, and against itself under another column order.

mod common;

use lepton_explain::Table;
use lepton_explain::causal::correlation::Correlation;
use lepton_explain::causal::{Discovery, Edge, Graph, PcOptions, pc, pc_with};
use proptest::prelude::*;
use serde_json::Value;

const SETS: [&str; 3] = ["sem_gauss_a", "sem_gauss_c", "sem_uniform_a"];

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("x{i}")).collect()
}

/// The graph of an adjacency matrix: 1 at (i, j) reads i -> j, and both ways is undirected.
fn graph(matrix: &Value) -> Graph {
    let rows: Vec<Vec<i64>> = serde_json::from_value(matrix.clone()).unwrap();
    let mut graph = Graph::new(&names(rows.len()));
    for a in 0..rows.len() {
        for b in 0..a {
            match (rows[a][b], rows[b][a]) {
                (1, 1) => graph.connect(a, b),
                (1, 0) => graph.direct(a, b),
                (0, 1) => graph.direct(b, a),
                _ => {}
            }
        }
    }
    graph
}

/// The queries of a set: x, y, the columns held fixed, and the entry with the answer.
fn queries(set: &Value, key: &str) -> Vec<(usize, usize, Vec<usize>, Value)> {
    let whole = |v: &Value| v.as_u64().unwrap() as usize;
    let query = |q: &Value| {
        let given = q["S"].as_array().unwrap().iter().map(whole).collect();
        (whole(&q["x"]), whole(&q["y"]), given, q.clone())
    };
    set[key].as_array().unwrap().iter().map(query).collect()
}

#[test]
fn pc_finds_the_graphs_of_causal_learn() {
    let cases = common::json("causal.json");
    for set in SETS {
        let (names, values) = common::csv(&format!("{set}.csv"));
        let table = Table::new(&names, &values).unwrap();
        for alpha in [0.05, 0.01] {
            let mut found = pc(
                &table,
                PcOptions {
                    alpha,
                    ..Default::default()
                },
            )
            .unwrap()
            .graph;
            let wanted = &cases[set][format!("pc_fisherz_{alpha}")];
            let truth = graph(&cases[set]["true_cpdag"]);
            let distance = found.distance(&truth) as u64;
            assert_eq!(
                Some(distance),
                wanted["shd_to_true_cpdag"].as_u64(),
                "{set} at {alpha}"
            );
            if (set, alpha) == ("sem_gauss_a", 0.01) {
                // x0 -> x3 -- x2 <- x4 would have to go both ways; causal-learn takes the first.
                assert!(found.is_undirected(2, 3) && found.torn() == [(2, 3)]);
                assert!(found.note().contains("1 contradictions among the tests"));
                found.direct(2, 3);
            }
            assert_eq!(
                found.edges(),
                graph(&wanted["adj"]).edges(),
                "{set} at {alpha}"
            );
        }
    }
}

#[test]
fn p_values_are_those_of_causal_learn() {
    let cases = common::json("causal.json");
    for set in SETS {
        let (names, values) = common::csv(&format!("{set}.csv"));
        let correlation = Correlation::of(&Table::new(&names, &values).unwrap(), 0.0).unwrap();
        for (x, y, given, wanted) in queries(&cases[set], "fisherz_pvalues") {
            let p = correlation.p_value(x, y, &given).unwrap();
            let wanted = wanted["p"].as_f64().unwrap();
            assert!(
                (p - wanted).abs() < 1e-9,
                "{set} {x} {y} {given:?}: {p} and {wanted}"
            );
        }
    }
}

#[test]
fn separations_and_classes_are_those_of_the_true_diagrams() {
    let cases = common::json("causal.json");
    for set in SETS {
        let diagram = graph(&cases[set]["true_adj"]);
        let class = graph(&cases[set]["true_cpdag"]);
        assert_eq!(diagram.cpdag().unwrap().edges(), class.edges());
        for (x, y, given, wanted) in queries(&cases[set], "d_separation") {
            let separated = diagram.separated(x, y, &given);
            assert_eq!(
                Some(separated),
                wanted["separated"].as_bool(),
                "{set} {x} {y} {given:?}"
            );
        }
    }
}

#[test]
fn columns_that_repeat_each_other_are_named_or_ridged() {
    let names = ["a", "twice", "c"].map(String::from);
    let wave = |i: u32, step: f64| (f64::from(i) * step).sin();
    let row = |i| {
        [
            wave(i, 1.0),
            2.0 * wave(i, 1.0),
            wave(i, 1.0) + wave(i, 1.7),
        ]
    };
    let values: Vec<f64> = (0..200).flat_map(row).collect();
    let table = Table::new(&names, &values).unwrap();
    let error = pc(&table, PcOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("is a linear combination of `") && error.contains("ridge"),
        "{error}"
    );
    let found = pc(
        &table,
        PcOptions {
            ridge: 1e-3,
            ..Default::default()
        },
    )
    .unwrap();
    assert!(found.graph.is_adjacent(0, 1));

    // A sum of two columns repeats them too, though no two columns are alike.
    let names = ["a", "b", "sum"].map(String::from);
    let row = |i| [wave(i, 1.0), wave(i, 1.7), wave(i, 1.0) + wave(i, 1.7)];
    let values: Vec<f64> = (0..200).flat_map(row).collect();
    let table = Table::new(&names, &values).unwrap();
    let error = pc(&table, PcOptions::default()).unwrap_err().to_string();
    assert!(
        names.iter().all(|n| error.contains(&format!("`{n}`"))),
        "{error}"
    );
    let ridged = PcOptions {
        ridge: 1e-6,
        ..Default::default()
    };
    // With a ridge it still follows each when the other is given.
    let found = pc(&table, ridged).unwrap();
    assert_eq!(
        found.graph.edges(),
        [Edge::Directed(0, 2), Edge::Directed(1, 2)]
    );

    let names = ["a", "still"].map(String::from);
    let values: Vec<f64> = (0..20).flat_map(|i| [f64::from(i), 0.1]).collect();
    let error = pc(&Table::new(&names, &values).unwrap(), PcOptions::default()).unwrap_err();
    assert!(error.to_string().contains("`still` is constant"), "{error}");
}

#[test]
fn every_printed_form_says_what_it_is_not() {
    let (names, values) = common::csv("sem_gauss_c.csv");
    let found = pc(&Table::new(&names, &values).unwrap(), PcOptions::default()).unwrap();
    for text in [
        found.to_string(),
        found.graph.to_string(),
        found.graph.to_mermaid(),
    ] {
        assert!(text.contains("association, not cause"), "{text}");
    }
}

#[test]
fn mermaid_keeps_strange_names_inside_their_quotes() {
    let mut graph = Graph::new(&["a\"]; b".to_string(), "x & <y> #1".to_string()]);
    graph.direct(0, 1);
    let want =
        "graph LR\n    n0[\"a#quot;]; b\"]\n    n1[\"x #amp; #lt;y#gt; #35;1\"]\n    n0 --> n1\n";
    assert_eq!(graph.to_mermaid(), want);
}

/// A diagram whose arrows go from lower to higher nodes: bit k of `bits` is pair k.
fn diagram(n: usize, bits: &[bool]) -> Graph {
    let mut graph = Graph::new(&names(n));
    let pairs = (0..n).flat_map(|b| (0..b).map(move |a| (a, b)));
    for ((a, b), _) in pairs.zip(bits).filter(|(_, bit)| **bit) {
        graph.direct(a, b);
    }
    graph
}

/// Numbers in (-1.7, 1.7) with variance 1 that no order of columns or rows repeats.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        ((mixed >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 12f64.sqrt()
    }
}

/// Rows of the linear model of `diagram`: each node is the sum of its parents times `weight`,
/// with changing signs, and noise.
fn sample(diagram: &Graph, rows: usize, weight: f64, seed: u64) -> Vec<f64> {
    let n = diagram.nodes();
    let mut order: Vec<usize> = (0..n).collect(); // causes first
    order.sort_by_key(|&b| (0..n).filter(|&a| diagram.reaches(a, b)).count());
    let mut noise = Noise(seed);
    let mut values = Vec::new();
    for _ in 0..rows {
        let mut row = vec![0.0; n];
        for &node in &order {
            row[node] = noise.next();
            for parent in diagram.parents(node) {
                let sign = if (parent + node) % 3 == 0 { -1.0 } else { 1.0 };
                row[node] += sign * weight * row[parent];
            }
        }
        values.extend(row);
    }
    values
}

/// The edges of `found`, whose node k is column `order[k]` of another table, in its numbers.
fn renamed(found: &Graph, order: &[usize]) -> Graph {
    let mut graph = Graph::new(&names(order.len()));
    for edge in found.edges() {
        match edge {
            Edge::Directed(a, b) => graph.direct(order[a], order[b]),
            Edge::Undirected(a, b) => graph.connect(order[a], order[b]),
        }
    }
    graph
}

fn reordered(values: &[f64], order: &[usize]) -> Vec<f64> {
    values
        .chunks(order.len())
        .flat_map(|row| order.iter().map(|&j| row[j]))
        .collect()
}

fn found(values: &[f64], columns: usize, alpha: f64) -> Discovery {
    let names = names(columns);
    pc(
        &Table::new(&names, values).unwrap(),
        PcOptions {
            alpha,
            ..Default::default()
        },
    )
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn with_perfect_tests_pc_finds_the_class_of_the_diagram(
        bits in proptest::collection::vec(any::<bool>(), 15),
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let diagram = renamed(&diagram(6, &bits), &order);
        let test = |x, y, given: &[usize]| Ok(f64::from(u8::from(diagram.separated(x, y, given))));
        let found = pc_with(&names(6), 0.5, 4, test).unwrap();
        prop_assert_eq!(found.graph.edges(), diagram.cpdag().unwrap().edges());
        prop_assert!(found.conflicts.is_empty() && found.graph.torn().is_empty());
    }

    #[test]
    fn the_order_of_columns_has_no_say(
        bits in proptest::collection::vec(any::<bool>(), 15),
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        seed in any::<u64>(),
    ) {
        // Few rows and a high level: wrong tests, contradictions and all.
        let values = sample(&diagram(6, &bits), 40, 0.5, seed);
        let straight = found(&values, 6, 0.2);
        let shuffled = found(&reordered(&values, &order), 6, 0.2);
        prop_assert_eq!(renamed(&shuffled.graph, &order).edges(), straight.graph.edges());
        prop_assert_eq!(shuffled.conflicts.len(), straight.conflicts.len());
        prop_assert_eq!(shuffled.graph.torn().len(), straight.graph.torn().len());
        prop_assert!(straight.graph.is_acyclic());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    // Where one path joins any two nodes, no path can cancel another.
    #[test]
    fn a_large_sample_of_a_polytree_gives_its_class(
        branches in proptest::collection::vec((any::<prop::sample::Index>(), 0..5u8), 5),
        seed in any::<u64>(),
    ) {
        let mut tree = Graph::new(&names(6));
        for (node, (to, way)) in (1..).zip(&branches) {
            match (to.index(node), way) {
                (_, 0) => {} // a forest may be in pieces
                (to, 1 | 2) => tree.direct(to, node),
                (to, _) => tree.direct(node, to),
            }
        }
        // At this level and size a wrong test is rarer than one in a thousand runs of this test.
        let found = found(&sample(&tree, 20_000, 0.7, seed), 6, 1e-7);
        prop_assert_eq!(found.graph.edges(), tree.cpdag().unwrap().edges());
    }
}
