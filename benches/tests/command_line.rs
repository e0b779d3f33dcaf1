//! Errors are one line on standard error, exit code 2, and never a panic.

use std::fs;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lepton-bench"))
        .args(args)
        .output()
        .expect("the program runs")
}

/// The one line of complaint.
fn complaint(args: &[&str]) -> String {
    let out = run(args);
    let text = String::from_utf8(out.stderr).expect("text");
    assert_eq!(out.status.code(), Some(2), "{args:?}: {text}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

/// A file of this test in the folder that cargo gives it.
fn file(name: &str, text: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn arguments() {
    complaint(&[]);
    complaint(&["fly"]);
    complaint(&["ab", "HEAD"]);
    complaint(&["ab", "HEAD", "HEAD", "--rounds", "1"]);
    complaint(&["report", "--out", "x.html"]);
    assert!(complaint(&["record", "--case", "gem"]).contains("unknown case 'gem'; known: "));
    assert!(complaint(&["record", "--threads", "0"]).contains("--threads"));
    assert!(
        complaint(&["ab", "no-such-revision", "HEAD"]).contains("no revision 'no-such-revision'")
    );
}

#[test]
fn a_line_that_is_cut_or_alien_is_named() {
    let cut = file(
        "cut.jsonl",
        "\n{\"peer\":\"a\",\"case\":\"b\",\"threads\":1,\"ns_per_iter\":2,\"ns_best\":1}\n{\"peer\":\"a\"",
    );
    assert!(complaint(&["ratios", &cut]).contains("cut.jsonl:3: "));
    let alien = file("alien.jsonl", "{\"a\":1}\n");
    let out = file("never.html", "");
    assert!(complaint(&["report", &alien, "--out", &out]).contains("alien.jsonl:1: "));
    assert!(complaint(&["report", "no/such.jsonl", "--out", &out]).contains("no/such.jsonl: "));
    assert!(complaint(&["count", "--check", &alien]).contains("alien.jsonl: ") || !valgrind());
    let row = file("row.jsonl", "");
    assert!(complaint(&["report", &row, "--peers", &cut, "--out", &out]).contains("cut.jsonl:3: "));
    assert!(complaint(&["report", &row, "--out", "/no/such/folder/x.html"]).contains("x.html: "));
}

fn valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

#[test]
fn a_history_is_appended_to_and_drawn() {
    let history = file("history.jsonl", "");
    let page = file("history.html", "");
    for _ in 0..2 {
        let out = run(&[
            "record",
            "--no-count",
            "--case",
            "ew:exp@1000",
            "--out",
            &history,
        ]);
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    let text = fs::read_to_string(&history).expect("a history");
    assert_eq!(text.lines().count(), 2);
    for field in [
        "\"id\":\"exp/f32/1000/contiguous/",
        "\"allocations\":",
        "\"rustc\":",
        "\"commit\":",
    ] {
        assert!(text.contains(field), "{field} in {text}");
    }
    assert!(run(&["report", &history, "--out", &page]).status.success());
    assert!(
        fs::read_to_string(&page)
            .expect("a page")
            .contains("1000/contiguous")
    );
}
