//! The founding story as a user meets it: what it writes, what it promises, that it repeats itself, and
//! that what it says can be computed again from what it writes.

use serde_json::Value;

use crate::folder::{Folder, data, words};

const DOCUMENTS: [&str; 7] = [
    "CARD.md",
    "model.json",
    "model.safetensors",
    "report.html",
    "rules.txt",
    "split.csv",
    "summary.json",
];
const MODELS: [&str; 5] = ["central", "distilled", "int8", "private", "pruned"];

fn summary(folder: &Folder, out: &str) -> Value {
    serde_json::from_slice(&folder.read(&format!("{out}/summary.json"))).unwrap()
}

fn model<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let models = summary["models"].as_array().unwrap();
    let found = models.iter().find(|m| m["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {summary}"))
}

fn number(summary: &Value, name: &str, field: &str) -> f64 {
    let value = model(summary, name)[field].as_f64();
    value.unwrap_or_else(|| panic!("{name} has no {field}: {summary}"))
}

/// What the run wrote, all of it, with the names below `out`.
fn written(folder: &Folder, out: &str) -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<String> = folder.names_in(out);
    names.retain(|n| !MODELS.contains(&n.as_str()));
    assert_eq!(names, DOCUMENTS);
    for m in MODELS {
        let files = folder.names_in(&format!("{out}/{m}"));
        assert_eq!(files, ["model.json", "model.safetensors"], "{m}");
        names.extend(files.iter().map(|f| format!("{m}/{f}")));
    }
    let read = |n: String| (n.clone(), folder.read(&format!("{out}/{n}")));
    names.into_iter().map(read).collect()
}

#[test]
fn alone_the_command_prints_its_help_and_writes_nothing() {
    let folder = Folder::new("alone");
    assert_eq!(folder.lepton(&[]), folder.lepton(&["--help"]));
    assert!(folder.names().is_empty());
    let line = folder.refused(&["--seed", "1"]);
    assert!(line.starts_with("unexpected argument '--seed'"), "{line}");
}

#[test]
fn the_story_is_told_and_written() {
    let folder = Folder::new("story");
    let (told, progress) = folder.both(&["demo"]);
    written(&folder, "lepton-demo");
    let tables = told.split("\n\n").filter(|b| b.starts_with("model "));
    let tables: Vec<&str> = tables.collect();
    assert_eq!(tables.len(), 2, "{told}");
    for name in MODELS {
        assert!(
            tables
                .iter()
                .all(|t| t.lines().any(|l| l.starts_with(name))),
            "{name}: {told}"
        );
    }
    assert!(
        progress.contains("epoch ") && progress.contains("round "),
        "{progress}"
    );

    let s = summary(&folder, "lepton-demo");
    assert!(number(&s, "central", "accuracy") >= 0.96, "{s}");
    assert!(number(&s, "private", "accuracy") >= 0.90, "{s}");
    assert!(number(&s, "private", "epsilon") <= 3.0, "{s}");
    assert_eq!(number(&s, "private", "delta"), 1e-5);
    assert_eq!(model(&s, "central")["epsilon"], "Infinity");
    for name in ["distilled", "pruned", "int8"] {
        let teacher = number(&s, "private", "accuracy");
        assert!(
            number(&s, name, "accuracy") >= teacher - 0.03,
            "{name}: {s}"
        );
        assert!(number(&s, name, "microseconds_a_row") > 0.0, "{name}: {s}");
    }
    assert!(number(&s, "int8", "bytes") < number(&s, "pruned", "bytes"));

    let page = String::from_utf8(folder.read("lepton-demo/report.html")).unwrap();
    assert!(
        page.contains("not cause") && page.contains("viewport"),
        "{page}"
    );
    for outside in ["<script", "<link", "src=\"http", "url(http"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

/// The rows of a CSV without its header, as words.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let row = |l: &str| l.split(',').map(str::to_owned).collect();
    csv.lines().skip(1).map(row).collect()
}

/// The biopsies of the project's table, 1 for malignant, by row.
fn malignant() -> Vec<bool> {
    let csv = std::fs::read_to_string(data("breast_cancer.csv")).unwrap();
    rows(&csv)
        .iter()
        .map(|r| r.last().unwrap() == "0")
        .collect()
}

/// The share of pairs of a malignant and a benign row that the chances order, ties counting half.
fn area(chances: &[f64], malignant: &[bool]) -> f64 {
    let of = |class| (0..chances.len()).filter(move |&i| malignant[i] == class);
    let pair = |a: usize, b: usize| match chances[a].total_cmp(&chances[b]) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let pairs = of(true).count() * of(false).count();
    let won: f64 = of(true)
        .flat_map(|a| of(false).map(move |b| pair(a, b)))
        .sum();
    won / pairs as f64
}

#[test]
fn each_model_of_the_table_is_a_directory_that_gives_its_numbers() {
    let folder = Folder::new("directories");
    folder.lepton(&words("demo --no-times --quiet --seed 3 --out o"));
    let s = summary(&folder, "o");
    let split = rows(&String::from_utf8(folder.read("o/split.csv")).unwrap());
    assert_eq!(split.len(), 569);
    let held: Vec<usize> = (0..569).filter(|&i| split[i][1] == "held out").collect();
    assert_eq!(held.len() as u64, s["rows"]["held_out"].as_u64().unwrap());
    for (h, size) in s["hospitals"].as_array().unwrap().iter().enumerate() {
        let there = split.iter().filter(|r| r[2] == (h + 1).to_string()).count();
        assert_eq!(there as u64, size.as_u64().unwrap());
    }

    let truth = malignant();
    let truth: Vec<bool> = held.iter().map(|&i| truth[i]).collect();
    for m in MODELS {
        let dir = format!("o/{m}");
        let table = data("breast_cancer.csv");
        let csv = folder.lepton(&["predict", "--model", &dir, "--quiet", "--data", &table]);
        assert!(
            csv.starts_with("prediction,p_benign,p_malignant\n"),
            "{csv}"
        );
        let answers = rows(&csv);
        let said: Vec<bool> = held.iter().map(|&i| answers[i][0] == "malignant").collect();
        let chances: Vec<f64> = held
            .iter()
            .map(|&i| answers[i][2].parse().unwrap())
            .collect();
        let count = |t, p| {
            said.iter()
                .zip(&truth)
                .filter(|r| (*r.1, *r.0) == (t, p))
                .count() as u64
        };
        let confusion = &model(&s, m)["confusion"];
        assert_eq!(confusion["true_positive"], count(true, true), "{m}");
        assert_eq!(confusion["false_negative"], count(true, false), "{m}");
        assert_eq!(confusion["true_negative"], count(false, false), "{m}");
        assert_eq!(confusion["false_positive"], count(false, true), "{m}");
        let right = count(true, true) + count(false, false);
        assert_eq!(number(&s, m, "accuracy"), right as f64 / held.len() as f64);
        assert!(
            (number(&s, m, "auc") - area(&chances, &truth)).abs() < 1e-12,
            "{m}"
        );
        let files = folder.names_in(&dir);
        let bytes: usize = files
            .iter()
            .map(|f| folder.read(&format!("{dir}/{f}")).len())
            .sum();
        assert_eq!(number(&s, m, "file_bytes"), bytes as f64, "{m}");
    }
}

#[test]
fn the_intervals_hold_the_marks_and_are_those_of_their_formulas() {
    let folder = Folder::new("intervals");
    folder.lepton(&words("demo --no-times --quiet --seed 7 --out o"));
    let s = summary(&folder, "o");
    for m in MODELS {
        for mark in ["accuracy", "auc", "sensitivity", "specificity"] {
            let value = number(&s, m, mark);
            let ends = &model(&s, m)[format!("{mark}_interval")];
            let (low, high) = (ends[0].as_f64().unwrap(), ends[1].as_f64().unwrap());
            assert!(
                low <= value && value <= high && high - low > 0.001,
                "{m} {mark}: {ends}"
            );
        }
        // Wilson's ends are where the seen share is 1.96 deviations away.
        let (p, n) = (number(&s, m, "accuracy"), 114.0);
        let low = model(&s, m)["accuracy_interval"][0].as_f64().unwrap();
        let away = (p - low) / (low * (1.0 - low) / n).sqrt();
        assert!((away - 1.96).abs() < 1e-3, "{m}: {away}");
    }
}

/// The chart starts at a typical benign patient, shows the whole, and speaks differently of typical
/// patients of the two classes.
#[test]
fn the_bars_lead_from_a_benign_patient_to_the_explained_one_and_tell_the_classes_apart() {
    let folder = Folder::new("bars");
    for seed in ["0", "1"] {
        folder.lepton(&words(&format!(
            "demo --no-times --quiet --seed {seed} --out o"
        )));
        let s = summary(&folder, "o");
        let e = &s["explanation"];
        let value = |key: &str| e[key].as_f64().unwrap();
        let features = e["features"].as_array().unwrap();
        let (own, others) = features.split_at(e["shown"].as_u64().unwrap() as usize);
        let sum = |of: &[Value]| of.iter().map(|f| f["part"].as_f64().unwrap()).sum::<f64>();
        assert!((sum(others) - value("rest")).abs() < 1e-9);
        let end = value("start") + sum(own) + value("rest");
        assert!(
            (end - value("end")).abs() < 1e-3 * value("start").abs(),
            "{e}"
        );
        assert!(
            value("start") < 0.0,
            "the reference is called malignant: {e}"
        );
        assert_eq!(value("end") > 0.0, e["predicted"] == "malignant");

        let adds = |f: &Value, class: &str| {
            let share = &f[format!("adds_for_{class}")];
            share["count"].as_f64().unwrap() / share["of"].as_f64().unwrap()
        };
        let warnings = s["warnings"].to_string();
        for f in own {
            let (benign, malignant) = (adds(f, "benign"), adds(f, "malignant"));
            // Of the benign patients about half lie above their own median.
            assert!((0.2..=0.8).contains(&benign), "{f}");
            // A bar that speaks alike of both classes is told as such, and no other is.
            let name = f["column"].as_str().unwrap().replace('_', " ");
            let told = warnings.contains(&format!("the bar of {name} says little of the class"));
            assert_eq!((benign - malignant).abs() <= 0.1, told, "{f}");
        }
        let typical = own
            .iter()
            .filter(|f| (adds(f, "malignant") > 0.5) != (adds(f, "benign") > 0.5));
        assert!(typical.count() >= own.len() / 2, "{e}");

        let row = e["patient"].as_u64().unwrap() as usize;
        assert_eq!(malignant()[row - 1], e["truth"] == "malignant");
        let csv = std::fs::read_to_string(data("breast_cancer.csv")).unwrap();
        let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        for f in features {
            let at = columns.iter().position(|&c| f["column"] == c).unwrap();
            let cell: f64 = rows(&csv)[row - 1][at].parse().unwrap();
            assert_eq!(cell, f["value"].as_f64().unwrap());
        }
    }
}

#[test]
fn one_seed_tells_one_story_whatever_the_threads() {
    let folder = Folder::new("again");
    let tell = |out: &str, threads: &str, seed: &str| {
        let line = format!("demo --no-times --quiet --seed {seed} --out {out}");
        let mut command = folder.command(&words(&line));
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
        written(&folder, out)
    };
    let one = tell("a", "1", "0");
    assert!(one == tell("b", "2", "0") && one == tell("c", "7", "0"));
    let other = tell("d", "2", "1");
    for (a, b) in one.iter().zip(&other) {
        assert!(a.1 != b.1, "{}", a.0); // a model's JSON has the hashes of the rest
    }
    assert!(!summary(&folder, "a").to_string().contains("microseconds"));
}

#[test]
fn secret_noise_is_another_each_time_and_changes_only_what_is_trained_with_it() {
    let folder = Folder::new("secret");
    let tell = |out: &str| {
        let line = format!("demo --no-times --quiet --secret-noise --out {out}");
        folder.lepton(&words(&line));
        written(&folder, out)
    };
    let (a, b) = (tell("a"), tell("b"));
    let same = |name: &str| {
        let of = |all: &[(String, Vec<u8>)]| all.iter().find(|f| f.0 == name).unwrap().1.clone();
        of(&a) == of(&b)
    };
    assert!(same("split.csv") && same("central/model.safetensors"));
    assert!(!same("private/model.safetensors") && !same("int8/model.safetensors"));
    assert_eq!(summary(&folder, "a")["noise"], "secret");
    let card = String::from_utf8(folder.read("a/CARD.md")).unwrap();
    assert!(card.contains("written nowhere"), "{card}");

    folder.lepton(&words("demo --no-times --quiet --out seeded"));
    let card = String::from_utf8(folder.read("seeded/CARD.md")).unwrap();
    assert!(card.contains("the promise does not hold"), "{card}");
    assert_eq!(summary(&folder, "seeded")["noise"], "from the seed");
}

#[test]
fn json_is_the_summary_and_nothing_else() {
    let folder = Folder::new("json");
    let told = folder.lepton(&words("demo --json --no-times --out o"));
    assert_eq!(told.as_bytes(), folder.read("o/summary.json"));
}

#[test]
fn a_place_that_cannot_be_written_is_refused_at_once() {
    let folder = Folder::new("noplace").with("taken", "");
    for place in ["taken", "taken/x", "/proc/lepton"] {
        let line = folder.refused(&["demo", "--out", place]);
        assert!(
            line.contains(&format!("cannot make the folder `{place}`")),
            "{line}"
        );
    }
}
