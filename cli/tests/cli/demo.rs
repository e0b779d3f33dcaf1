//! The founding story as a user meets it: what it writes, what it promises, that it repeats itself.

use serde_json::Value;

use crate::folder::{Folder, data, words};

const FILES: [&str; 7] = [
    "CARD.md",
    "model.int8.safetensors",
    "model.json",
    "model.safetensors",
    "report.html",
    "rules.txt",
    "summary.json",
];

fn summary(folder: &Folder, out: &str) -> Value {
    serde_json::from_slice(&folder.read(&format!("{out}/summary.json"))).unwrap()
}

fn number(summary: &Value, model: &str, field: &str) -> f64 {
    let models = summary["models"].as_array().unwrap();
    let found = models.iter().find(|m| m["name"] == model);
    let value = found.and_then(|m| m[field].as_f64());
    value.unwrap_or_else(|| panic!("{model} has no {field}: {summary}"))
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
    assert_eq!(folder.names_in("lepton-demo"), FILES);
    let table = told.rsplit("\n\n").nth(1).unwrap();
    for name in ["model", "central", "private", "distilled", "pruned", "int8"] {
        assert!(table.lines().any(|l| l.starts_with(name)), "{name}: {told}");
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
    let predict = ["predict", "--model", "lepton-demo", "--quiet", "--data"];
    let csv = folder.lepton(&[&predict[..], &[&data("breast_cancer.csv")]].concat());
    assert_eq!(csv.lines().count(), 570);
    assert!(csv.starts_with("prediction,p_0,p_1\n"), "{csv}");
}

#[test]
fn one_seed_tells_one_story_whatever_the_threads() {
    let folder = Folder::new("again");
    let tell = |out: &str, threads: &str, seed: &str| -> Vec<Vec<u8>> {
        let line = format!("demo --no-times --quiet --seed {seed} --out {out}");
        let mut command = folder.command(&words(&line));
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
        assert_eq!(folder.names_in(out), FILES);
        let read = |name: &&str| folder.read(&format!("{out}/{name}"));
        FILES.iter().map(read).collect()
    };
    let one = tell("a", "1", "0");
    assert!(one == tell("b", "2", "0") && one == tell("c", "7", "0"));
    let other = tell("d", "2", "1");
    // `model.json` has structure and published ranges, which no seed changes, and the hashes of the rest.
    for ((a, b), name) in one.iter().zip(&other).zip(FILES) {
        assert!(a != b, "{name}");
    }
    assert!(!summary(&folder, "a").to_string().contains("microseconds"));
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
