//! Tables as people have them: what is read, what is said about it, and what is refused with a remedy.

use crate::folder::{Folder, words};

/// `n` rows of `row`, under a header.
fn table(header: &str, n: usize, row: impl Fn(usize) -> String) -> String {
    (0..n).fold(format!("{header}\n"), |file, i| file + &row(i) + "\n")
}

/// `lo` or `hi`, as the number says.
fn half(i: usize) -> &'static str {
    ["lo", "hi"][usize::from(i >= 20)]
}

const TRAIN: &str = "train --data t.csv --target y --hidden 4 --epochs 2 --out m";

/// What training on the table says on stderr, beside its progress.
fn notes(name: &str, file: &str, more: &[&str]) -> (Folder, String) {
    let folder = Folder::new(name).with("t.csv", file);
    let (_, notes) = folder.both(&[&words(TRAIN)[..], more].concat());
    (folder, notes)
}

#[test]
fn a_word_among_numbers_is_refused_wherever_it_stands() {
    for at in [0, 17, 39] {
        let cell = |i: usize| if i == at { "?".into() } else { i.to_string() };
        let file = table("x,y", 40, |i| format!("{},{}", cell(i), half(i)));
        let folder = Folder::new(&format!("word{at}")).with("t.csv", file);
        let line = folder.refused(&words(TRAIN));
        let place = format!("t.csv, line {}, column `x`: `?` is not a number", at + 2);
        assert!(line.starts_with(&place), "{line}");
        assert!(
            line.contains("`--missing '?'`") && line.contains("`--categorical x`"),
            "{line}"
        );
        folder.lepton(&[words(TRAIN), vec!["--quiet", "--missing", "?"]].concat());
        // The model knows its missing words.
        let csv = folder.lepton(&words("predict --model m --data t.csv --quiet"));
        assert_eq!(csv.lines().count(), 41);
    }
}

#[test]
fn what_a_column_is_read_as_is_said() {
    let file = table("a,b,c,t,y", 40, |i| {
        format!(
            "{i}%,\"1,{:03}\",{i} kg,{},{}",
            10 + i,
            ["Bern", "Basel"][i % 2],
            half(i)
        )
    });
    let (folder, notes) = notes("said", &file, &[]);
    for part in [
        "column `a`: `%` beside 40 of its 40 numbers is left out",
        "column `b`: its thousands are read as set apart (`1,010` in line 2 is read as 1010",
        "column `c`: `kg` beside 40 of its 40 numbers",
        "column `t` is read as text with 2 categories",
        "classification, since `y` is text",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    assert!(!notes.contains("column `y` is read"), "{notes}");
    let new = "a,b,c,t\n5%,\"1,011\",5 kg,Bern\n5,1012,7000 g,Bern\n";
    let line = folder
        .with("n.csv", new)
        .refused(&words("predict --model m --data n.csv"));
    assert!(
        line.contains("line 3, column `c`: `7000 g` carries `g`, but the other numbers carry `kg`"),
        "{line}"
    );
}

#[test]
fn decimal_commas_are_read_when_asked() {
    let file = table("x;y", 40, |i| format!("{i},5;{}", half(i)));
    let folder = Folder::new("comma").with("t.csv", format!("sep=;\n{file}"));
    let line = folder.refused(&words(TRAIN));
    assert!(
        line.contains("line 3, column `x`: `0,5` is not a number; say `--decimal ,`"),
        "{line}"
    );
    folder.lepton(&[words(TRAIN), vec!["--quiet", "--decimal", ","]].concat());
    let csv = folder.lepton(&words("predict --model m --data t.csv"));
    assert_eq!(csv.lines().count(), 41);
}

#[test]
fn labels_keep_their_text() {
    for (a, b) in [
        ("00501", "10001"),
        ("1e5", "2e5"),
        ("007", "7"),
        ("9007199254740993", "9007199254740992"),
    ] {
        let file = table("x,y", 40, |i| format!("{i},{}", if i < 20 { a } else { b }));
        let folder = Folder::new(&format!("label{a}")).with("t.csv", file);
        folder.lepton(&words(
            "train --data t.csv --target y --hidden 8 --epochs 100 --rate 0.05 --out m --quiet",
        ));
        let csv = folder.lepton(&words("predict --model m --data t.csv"));
        let answers: Vec<&str> = csv.lines().map(|l| l.split(',').next().unwrap()).collect();
        assert_eq!((answers[1], answers[40]), (a, b), "{csv}");
    }
}

#[test]
fn a_target_called_na_has_its_option() {
    let file = table("x,y", 40, |i| {
        format!("{i},{}", ["NA", "EU"][usize::from(i >= 20)])
    });
    let folder = Folder::new("na").with("t.csv", file);
    let line = folder.refused(&words(TRAIN));
    assert!(
        line.contains("line 2, column `y`: the target is missing, since `NA` counts as no value"),
        "{line}"
    );
    assert!(line.contains("`--missing ''`"), "{line}");
    folder.lepton(&[words(TRAIN), vec!["--quiet", "--missing", ""]].concat());
    let csv = folder.lepton(&words("predict --model m --data t.csv"));
    assert!(csv.starts_with("prediction,p_EU,p_NA\n"), "{csv}");
}

#[test]
fn predict_reads_what_the_model_needs() {
    let file = table("x,y", 40, |i| format!("{i},{}", half(i)));
    let folder = Folder::new("needs").with("t.csv", file);
    folder.lepton(&[words(TRAIN), vec!["--quiet"]].concat());
    let folder = folder
        .with("n.csv", "id,x,id,,y,\n17,1,a,b,,\n17b,30,,,?,7\n")
        .with("twice.csv", "x,x\n1,2\n")
        .with("cat.csv", "x\n0.5\n");
    let csv = folder.lepton(&words("predict --model m --data n.csv"));
    assert_eq!(csv.lines().count(), 3);
    let line = folder.refused(&words("predict --model m --data twice.csv"));
    assert!(
        line.contains("columns 1 and 2 are both named `x`"),
        "{line}"
    );
    let line = folder.refused(&words("predict --model m --data cat.csv --categorical x"));
    assert!(
        line.contains("the model reads numbers in column `x`; leave `--categorical x` out"),
        "{line}"
    );
}

#[test]
fn columns_that_teach_nothing_are_left_out() {
    let file = table("x,unit,void,mail,y", 40, |i| {
        format!("{i},3,,u{i}@x.ch,{}", half(i))
    });
    let (folder, notes) = notes("idle", &file, &[]);
    let card = String::from_utf8(folder.read("m/CARD.md")).unwrap();
    for (column, why) in [
        ("unit", "every value is `3`"),
        ("void", "it is empty"),
        ("mail", "different texts in 32 rows, so it identifies rows"),
    ] {
        assert!(
            notes.contains(&format!("column `{column}` is left out: ")) && notes.contains(why),
            "{notes}"
        );
        assert!(card.contains(&format!("- `{column}`: ")), "{card}");
    }
    for name in folder.names_in("m") {
        let text = String::from_utf8_lossy(&folder.read(&format!("m/{name}"))).into_owned();
        assert!(!text.contains("@x.ch"), "{name}");
    }
    let folder = folder.with("n.csv", "x,unit\n1,3\n1,99999\n");
    let csv = folder.lepton(&words("predict --model m --data n.csv"));
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(rows[0], rows[1]);
}

#[test]
fn the_task_is_said_with_its_reason() {
    let price = |i: usize| 100 * (i + i / 2 + 1);
    let few = table("x,y", 18, |i| format!("{i},{}", price(i)));
    let (_, told) = notes("prices", &few, &[]);
    assert!(
        told.contains("regression, since `y` has 18 different whole numbers in 18 rows"),
        "{told}"
    );
    assert!(told.contains("--task classification"), "{told}");
    let repeated = table("x,y", 60, |i| format!("{i},{}", price(i % 18)));
    let (_, told) = notes("repeats", &repeated, &[]);
    assert!(
        told.contains("classification, since `y` has 18 different whole numbers in 60 rows"),
        "{told}"
    );
    assert!(told.contains("--task regression"), "{told}");
    let (_, told) = notes("chosen", &repeated, &["--task", "regression"]);
    assert!(!told.contains("since `y`"), "{told}");
}

#[test]
fn what_is_no_table_is_refused_at_once() {
    let folder = Folder::new("notable")
        .with("t.csv", "5.1,3.5,0\n4.9,3.0,1\n")
        .with("wide.csv", b"a\0,\0b\0\n\0")
        .with("book.csv", b"PK\x03\x04....")
        .with("packed.csv", b"\x1F\x8B\x08\0")
        .with(
            "lfs.csv",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        );
    let zeros = std::fs::File::create(folder.path("zeros.csv")).unwrap();
    zeros.set_len(2 << 30).unwrap(); // no byte of it is stored
    for (name, part) in [
        ("t.csv", "line 1: the first line holds values (5.1, 3.5, 0)"),
        ("wide.csv", "the file is UTF-16"),
        ("zeros.csv", "there is a NUL byte"),
        ("book.csv", "zip archive"),
        ("packed.csv", "gzip"),
        ("lfs.csv", "a Git LFS pointer"),
    ] {
        let line = folder.refused(&["train", "--data", name, "--target", "y", "--out", "m"]);
        assert!(line.contains(part) && line.starts_with(name), "{line}");
        let line = folder.refused(&["inspect", name]);
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn the_cell_to_blame_is_named() {
    let odd = |i: usize, odd: &str| if i == 30 { odd.into() } else { i.to_string() };
    let file = table("x,y", 40, |i| format!("{},{}", odd(i, "1e300"), half(i)));
    let folder = Folder::new("blame").with("t.csv", file);
    let line = folder.refused(&words(TRAIN));
    assert!(
        line.starts_with("t.csv, line 32, column `x`: 1e300 is beyond"),
        "{line}"
    );
    let file = table("x,y", 40, |i| {
        format!(
            "{i},{}.5",
            odd(i, "1e308").replace("1e308", &"9".repeat(300))
        )
    });
    let folder = folder.with("t.csv", file);
    let line = folder.refused(&words(TRAIN));
    assert!(
        line.contains("line 32, column `y`: ") && line.contains(" is beyond"),
        "{line}"
    );
    let file = table("x,t,y", 40, |i| {
        format!("{i}, \"Bern, {}\",{}", i % 2, half(i))
    });
    let folder = folder.with("t.csv", file);
    folder.lepton(&[words(TRAIN), vec!["--quiet"]].concat());
    let file = table("x,y", 40, |i| format!("{i},{i}.5"));
    let folder = folder.with("t.csv", file);
    let line = folder.refused(&[words(TRAIN), words("--task regression --categorical y")].concat());
    assert!(line.contains("leave `--categorical y` out"), "{line}");
}

#[cfg(target_os = "linux")]
#[test]
fn many_rows_are_predicted_in_little_memory() {
    let cells = |i: usize| (0..50).map(move |j| format!("{}.5", (i * 7 + j * j) % 97));
    let rows: Vec<String> = (0..97)
        .map(|i| cells(i).collect::<Vec<_>>().join(","))
        .collect();
    let row = |i: usize| rows[i % 97].clone();
    let header = (0..50)
        .map(|j| format!("c{j}"))
        .collect::<Vec<_>>()
        .join(",");
    let known = table(&format!("{header},y"), 40, |i| {
        format!("{},{}", row(i), half(i))
    });
    let folder = Folder::new("memory")
        .with("t.csv", known)
        .with("n.csv", table(&header, 200_000, row));
    folder.lepton(&[words(TRAIN), vec!["--quiet"]].concat());
    let lepton = env!("CARGO_BIN_EXE_lepton");
    let line =
        format!("ulimit -v 400000; exec {lepton} predict --model m --data n.csv --out p.csv");
    let mut shell = std::process::Command::new("sh");
    let output = shell
        .args(["-c", &line])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {stderr}", output.status);
    assert_eq!(
        folder.read("p.csv").iter().filter(|&&b| b == b'\n').count(),
        200_001
    );
}
