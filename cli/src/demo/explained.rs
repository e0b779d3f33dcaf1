//! One decision explained, the model told as rules, and what hangs together in the rows.

use lepton::Result;
use lepton::autograd::{Tensor, Var};
use lepton::explain::Table;
use lepton::explain::attribution::IntegratedGradients;
use lepton::explain::causal::{PcOptions, pc};
use lepton::explain::picture::{Bars, bars, dag};
use lepton::explain::surrogate::{Rule, Rules, Surrogate, SurrogateOptions, TreeOptions};

use lepton::nn::{Program, Rng};
use lepton::tabular::{Cells, Column, Features, Table as Csv, split};

use super::story::{classes, logits};
use super::ward::{CLASSES, Ward};

/// Bars in the picture: the strongest of thirty.
const BARS: usize = 8;
/// Features in the causal graph.
const STRONGEST: usize = 6;

/// What the explanation found.
pub(crate) struct Explained {
    /// The patient's number among the held-out rows.
    pub(crate) patient: usize,
    /// The class the model gives, and the class the biopsy had.
    pub(crate) predicted: &'static str,
    pub(crate) truth: &'static str,
    /// The chance the model gives its class.
    pub(crate) chance: f64,
    /// By how much the parts miss the difference of the scores.
    pub(crate) delta: f64,
    /// Features and their parts, the strongest first.
    pub(crate) parts: Vec<(String, f64)>,
    pub(crate) bars: String,
    /// The model as rules, and the share of held-out rows on which they agree.
    pub(crate) rules: String,
    pub(crate) fidelity: f64,
    /// The graph among the strongest features: as text, as a picture.
    pub(crate) graph: String,
    pub(crate) dag: String,
}

/// Explains `program` on the held-out rows, whose patients are taken to have agreed to it.
pub(crate) fn explain(program: &Program, ward: &Ward, seed: u64) -> Result<Explained> {
    let names = ward.names();
    let patient = closest_to_doubt(program, ward)?;
    let row = ward.test.x.slice(0, patient, 1, 1)?.contiguous();
    let two = logits(program, &row)?;
    let class = usize::from(two[1] > two[0]);
    // The score is how far the class stands above the other; the reference is the middle of all ranges.
    let score = |x: &Var| {
        let y = program
            .run(std::slice::from_ref(x))
            .unwrap_or_else(|e| panic!("{e}"))
            .swap_remove(0);
        y.select(1, class as isize) - y.select(1, 1 - class as isize)
    };
    let found = IntegratedGradients {
        steps: 256,
        ..IntegratedGradients::default()
    }
    .explain(score, &row, None)?;
    let mut parts: Vec<(String, f64)> = names.iter().cloned().zip(found.values.to_f64()).collect();
    parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let title = format!("Why patient {patient} is called {}", CLASSES[class]);
    let bars = bars(&Bars {
        title: &title,
        negative: "speaks against",
        positive: "speaks for it",
        entries: &parts[..BARS],
    })?;
    let (rules, fidelity) = rules(program, ward, seed)?;
    let (graph, dag) = graph(program, ward, &names)?;
    Ok(Explained {
        patient,
        predicted: CLASSES[class],
        truth: CLASSES[ward.test.labels[patient]],
        chance: 1.0 / (1.0 + (two[1 - class] - two[class]).exp()),
        delta: found.delta[0].abs(),
        parts,
        bars,
        rules,
        fidelity,
        graph,
        dag,
    })
}

/// The held-out malignant case the model is least sure of and still gets right: the one a doctor
/// would ask about.
fn closest_to_doubt(program: &Program, ward: &Ward) -> Result<usize> {
    let all = logits(program, &ward.test.x)?;
    let margin = |i: usize| all[2 * i] - all[2 * i + 1];
    let caught = (0..ward.test.len()).filter(|&i| ward.test.labels[i] == 0 && margin(i) > 0.0);
    Ok(caught
        .min_by(|&a, &b| margin(a).total_cmp(&margin(b)))
        .unwrap_or(0))
}

/// The model asked as a black box, in the units of the table.
fn ask(program: &Program, features: &Features, table: &Table<'_>) -> Result<Vec<usize>> {
    let names = features.names();
    let column = |j: usize| Column {
        name: names[j].clone(),
        cells: Cells::Number(table.column(j).collect()),
    };
    let csv = Csv::from_columns("queries", (0..table.columns()).map(column).collect())?;
    let x = features.encode(&csv)?;
    classes(program, &Tensor::from_vec(x.values, &[x.rows, x.cols])?)
}

/// A small tree of the model as text, and how often it is right about the model.
///
/// The tree asks around one half of the held-out rows, and is judged on the other: a tree learnt from
/// the hospitals' rows would carry them in its thresholds, past the noise.
fn rules(program: &Program, ward: &Ward, seed: u64) -> Result<(String, f64)> {
    let names = ward.features.names();
    let halves = split::stratified(&ward.test.labels, 0.5, &mut Rng::new(seed).fork(4))?;
    let part = |rows: &[usize]| numbers(&ward.test.table.take(rows), &names);
    let (seen, held) = (part(&halves.train)?, part(&halves.test)?);
    let all = numbers(&ward.test.table, &names)?;
    let (seen, held) = (Table::new(&names, &seen)?, Table::new(&names, &held)?);
    let all = Table::new(&names, &all)?;
    let query = |t: &Table<'_>| ask(program, &ward.features, t);
    let tree = TreeOptions {
        max_depth: 4,
        min_leaf: 40,
    };
    let options = SurrogateOptions {
        tree,
        seed,
        ..SurrogateOptions::default()
    };
    let surrogate = Surrogate::fit(query, &seen, options)?;
    let fidelity = surrogate.fidelity(query, &held)?;
    let rules = Rules::measure(
        surrogate.tree(),
        &all,
        &query(&all)?,
        &CLASSES.map(String::from),
    )?;
    Ok((text_of(&rules), fidelity))
}

/// The rules that some row meets, the widest first, and how many there are beside them.
fn text_of(rules: &Rules) -> String {
    let mut met: Vec<_> = rules.rules().iter().filter(|r| r.covered > 0).collect();
    met.sort_by_key(|r| std::cmp::Reverse(r.covered));
    let told = |r: &&Rule| {
        let agrees = 100.0 * r.precision().unwrap_or(0.0);
        let covers = 100.0 * rules.coverage(r);
        format!(
            "{}\n    covers {covers:.1} % of the rows; the model agrees on {agrees:.1} %\n\n",
            rules.sentence(r)
        )
    };
    let mut text: String = met.iter().map(told).collect();
    match rules.rules().len() - met.len() {
        0 => {}
        1 => text += "One more rule is met by no held-out row.\n",
        n => text += &format!("{n} more rules are met by no held-out row.\n"),
    }
    text.trim_end().to_owned() + "\n"
}

/// The columns `names` of a table, row after row.
fn numbers(table: &Csv, names: &[String]) -> Result<Vec<f64>> {
    let columns = names
        .iter()
        .map(|n| super::ward::numbers(table, n))
        .collect::<Result<Vec<&[f64]>>>()?;
    Ok((0..table.rows())
        .flat_map(|i| columns.iter().map(move |c| c[i]))
        .collect())
}

/// PC among the features that move the model most over the held-out rows, with the diagnosis.
fn graph(program: &Program, ward: &Ward, names: &[String]) -> Result<(String, String)> {
    let score = |x: &Var| {
        let y = program
            .run(std::slice::from_ref(x))
            .unwrap_or_else(|e| panic!("{e}"))
            .swap_remove(0);
        y.select(1, 1) - y.select(1, 0)
    };
    let all = IntegratedGradients::default()
        .explain(score, &ward.test.x, None)?
        .values
        .to_f64();
    let width = names.len();
    let strength = |j: usize| {
        all.iter()
            .skip(j)
            .step_by(width)
            .map(|v| v.abs())
            .sum::<f64>()
    };
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&a, &b| strength(b).total_cmp(&strength(a)));
    let chosen = &order[..STRONGEST];
    let original = ward.features.names();
    let values = numbers(
        &ward.test.table,
        &chosen
            .iter()
            .map(|&j| original[j].clone())
            .collect::<Vec<_>>(),
    )?;
    let rows = ward.test.len();
    let mut heads: Vec<String> = chosen.iter().map(|&j| names[j].clone()).collect();
    heads.push("diagnosis".to_owned());
    let with_class = (0..rows).flat_map(|i| {
        let row = values[i * STRONGEST..][..STRONGEST].to_vec();
        row.into_iter().chain([ward.test.labels[i] as f64])
    });
    let flat: Vec<f64> = with_class.collect();
    let found = pc(
        &Table::new(&heads, &flat)?,
        PcOptions {
            alpha: 0.01,
            ..PcOptions::default()
        },
    )?;
    let picture = dag("What hangs together", &found.graph)?;
    Ok((found.graph.to_string(), picture))
}
