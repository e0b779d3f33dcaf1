use super::*;
use crate::records::line_ends;
use crate::{Cells, Decimal};

fn read(text: &str) -> Result<Table> {
    Table::read(text.as_bytes(), "f.csv", &ReadOptions::default())
}

fn error(bytes: &[u8]) -> String {
    let e = Table::read(bytes, "f.csv", &ReadOptions::default()).unwrap_err();
    assert!(!e.to_string().contains('\n'), "one line: {e}");
    e.to_string()
}

fn cells(text: &str) -> Vec<Cells> {
    let table = read(text).unwrap();
    table.columns().iter().map(|c| c.cells.clone()).collect()
}

fn text(values: &[&str]) -> Cells {
    Cells::Text(values.iter().map(|s| Some(s.to_string())).collect())
}

#[test]
fn types_follow_the_values() {
    let table = read("n,t,b,none\n,NA,,\n1e-3,x,TRUE,null\n-2,5,FALSE,nan\n").unwrap();
    let types = table.columns().iter().map(|c| c.cells.type_name());
    assert!(types.eq(["number", "text", "bool", "number"]));
    let missing = table.columns().iter().map(|c| c.cells.missing());
    assert!(missing.eq([1, 1, 1, 3]));
    let Cells::Number(n) = &table.columns()[0].cells else {
        panic!("n is a number")
    };
    assert!(n[0].is_nan() && n[1..] == [1e-3, -2.0]);
    assert_eq!(
        table.columns()[2].cells,
        Cells::Bool {
            values: vec![None, Some(true), Some(false)],
            words: ["FALSE".into(), "TRUE".into()],
        }
    );
}

#[test]
fn a_truth_column_with_another_word_is_text() {
    assert_eq!(cells("b\ntrue\nmaybe\n"), [text(&["true", "maybe"])]);
}

#[test]
fn spreadsheets_quirks_are_fine() {
    let plain = cells("a,b\n1,x\n2,y\n");
    assert_eq!(cells("\u{feff}a,b\r\n1,x\r\n2,y"), plain);
    assert_eq!(cells("\na , b\n\n1, x\n\r\n 2,y \n\n"), plain);
    assert_eq!(
        cells("a\n\"x, \"\"y\"\"\nz\"\nab\"\"c\n"),
        [text(&["x, \"y\"\nz", "ab\"\"c"])]
    );
}

#[test]
fn lines_are_those_an_editor_shows() {
    for end in ["\n", "\r\n"] {
        let table =
            read(&["", "a,b", "1,\"x", "y\"", "", "2,z", "3,w"].join(end)).expect("a table");
        assert_eq!([table.line(0), table.line(1), table.line(2)], [3, 6, 7]);
    }
}

#[test]
fn text_among_numbers_names_its_place() {
    assert_eq!(
        error(b"id,age\n1,\n2,63\n\n3,old\n4,64\n"),
        "f.csv, line 5, column `age`: `old` is not a number, as 2 of the column's 3 values are; correct the \
         cell, leave it empty, say `--missing 'old'` if it means no value, or `--categorical age` if the \
         column is text"
    );
    let options = ReadOptions {
        categorical: vec!["age".into()],
        ..ReadOptions::default()
    };
    let table = Table::read("age\n63\nold\n".as_bytes(), "f.csv", &options).unwrap();
    assert_eq!(table.columns()[0].cells, text(&["63", "old"]));
    let e = Table::read(
        "age\n63\n".as_bytes(),
        "f.csv",
        &ReadOptions {
            categorical: vec!["agee".into()],
            ..ReadOptions::default()
        },
    );
    assert!(e.unwrap_err().to_string().contains("did you mean `age`?"));
}

#[test]
fn every_bad_table_has_its_sentence() {
    let empty = "f.csv: the file is empty; it needs a header line and rows";
    let cases: [(&[u8], &str); 13] = [
        (b"", empty),
        (b"\xEF\xBB\xBF \r\n", empty),
        (
            b"a,b\r\n",
            "f.csv: there is a header line but no row below it",
        ),
        (
            b"a,b,c\n1,2,3\n4\n",
            "f.csv, line 3: the row has 1 cell, but the header names 3 columns (a, b, c); nothing stands for column `b`",
        ),
        (
            b"a,b\n1,2,3\n",
            "f.csv, line 2: the row has 3 cells, but the header names 2 columns (a, b); quote a cell that holds a comma",
        ),
        (
            b"a,b,a\n1,2,3\n",
            "f.csv, line 1: columns 1 and 3 are both named `a`; rename one of them",
        ),
        (
            b",b\n1,2\n",
            "f.csv, line 1: column 1 has no name; name it, or remove it if it only numbers the rows",
        ),
        (
            b"a;b\n1;2\n",
            "f.csv, line 1: the cells seem to be separated by ';'; separate them by commas",
        ),
        (
            b"a\tb\n1\t2\n",
            "f.csv, line 1: the cells seem to be separated by '\\t'; separate them by commas",
        ),
        (
            b"a,b\n1,2\n3,\xE9t\xE9\n",
            "f.csv: line 3 is not UTF-8 text; save the file as UTF-8 (\"CSV UTF-8\" in a spreadsheet)",
        ),
        (
            b"\xFF\xFEa\0\n\0",
            "f.csv: the file is UTF-16; save it as UTF-8 (\"CSV UTF-8\" in a spreadsheet)",
        ),
        (
            b"a,b\n1,x\n2,\"y\n3,z\n4,w\n",
            "f.csv, line 3: the quote opened here is never closed; close it, or double a quote that is meant as one",
        ),
        (
            b"a,\"b\n1,2\n",
            "f.csv, line 1: the quote opened here is never closed; close it, or double a quote that is meant as one",
        ),
    ];
    for (bytes, sentence) in cases {
        assert_eq!(error(bytes), sentence);
    }
}

#[test]
fn a_long_cell_is_cut_in_the_message() {
    let e = error(format!("a\n1\n2\n{}\n", "x\u{7}".repeat(9999)).as_bytes());
    assert!(e.len() < 400, "{e}");
    assert!(!e.contains('\u{7}'));
}

#[test]
fn a_failing_reader_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let e = Table::read(Broken, "f.csv", &ReadOptions::default()).unwrap_err();
    assert_eq!(e.to_string(), "f.csv: the disk is gone");
}

proptest::proptest! {
    /// Any bytes give a table or a sentence of one line, never a panic.
    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(proptest::sample::select(
        b"a1,.\"\n\r -\xEF\xBB\xBF\xC3;tru".to_vec()), 0..60)) {
        match Table::read(&bytes[..], "f.csv", &ReadOptions::default()) {
            Ok(table) => {
                let rows = table.rows();
                assert!(rows > 0 && table.columns().iter().all(|c| c.cells.len() == rows));
            }
            Err(e) => assert!(e.to_string().starts_with("f.csv") && !e.to_string().contains('\n')),
        }
    }

    /// What is written with every cell quoted is read back, cell by cell and line by line.
    #[test]
    fn quoted_cells_come_back(rows in proptest::collection::vec(
        proptest::collection::vec("[a-z\",\n]{0,6}", 2), 1..8)) {
        let quote = |s: &String| format!("\"{}\"", s.replace('"', "\"\""));
        let mut file = String::from("a,b\n");
        let mut lines = Vec::new();
        for row in &rows {
            lines.push(1 + line_ends(file.as_bytes()));
            file += &format!("{}\n", row.iter().map(quote).collect::<Vec<_>>().join(","));
        }
        let options = ReadOptions {
            categorical: vec!["a".into(), "b".into()],
            ..ReadOptions::default()
        };
        let table = Table::read(file.as_bytes(), "f.csv", &options).unwrap();
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(table.line(i), lines[i]);
            for (column, cell) in table.columns().iter().zip(row) {
                let kept = column.cells.text(i).unwrap_or_default();
                let cell = cell.trim();
                assert!(kept == cell || options.cells.is_missing(cell) && kept.is_empty());
            }
        }
    }
}

/// Ten rows of `x` in some order: nine numbers and `odd`, which stands in row `at`.
fn nine_and(odd: &str, at: usize) -> String {
    let cell = |i: usize| {
        if i == at {
            odd.into()
        } else {
            format!("{}", 10 + i)
        }
    };
    (0..10).fold("x\n".into(), |file, i| file + &cell(i) + "\n")
}

#[test]
fn all_cells_decide_in_any_order() {
    for at in [0, 5, 9] {
        let e = error(nine_and("?", at).as_bytes());
        let place = format!(
            "f.csv, line {}, column `x`: `?` is not a number, as 9 of ",
            at + 2
        );
        assert!(e.starts_with(&place), "{e}");
        assert!(
            e.contains("say `--missing '?'`") && e.contains("`--categorical x`"),
            "{e}"
        );
        let e = error(nine_and("\"3,5\"", at).as_bytes());
        assert!(
            e.contains("say `--decimal ,` if its `,` is the decimal sign"),
            "{e}"
        );
        let e = error(nine_and("17b", at).as_bytes());
        assert!(
            e.contains("`17b` carries `b`, but the other numbers carry none"),
            "{e}"
        );
    }
    for order in ["x\na\nb\n1\n2\n3\n", "x\n1\n2\n3\na\nb\n"] {
        let table = read(order).unwrap();
        assert_eq!(table.columns()[0].cells.type_name(), "text");
        let note = table.notes().next().unwrap().1;
        assert!(
            note.starts_with("column `x` is read as text with 5 categories, though 3 of its 5"),
            "{note}"
        );
    }
}

#[test]
fn formats_that_many_files_have_are_read() {
    let numbers = |file: &str| -> (Vec<f64>, String) {
        let table = read(file).unwrap();
        let Cells::Number(values) = &table.columns()[0].cells else {
            panic!("{file}: {:?}", table.columns()[0].cells)
        };
        let note = table
            .notes()
            .next()
            .map_or(String::new(), |n| n.1.to_string());
        (values.clone(), note)
    };
    for (file, values, note) in [
        (
            "x\n5%\n7.5 %\n",
            [5.0, 7.5],
            "`%` beside 2 of its 2 numbers is left out (`5%` in line 2 is read as 5)",
        ),
        ("x\n$5\n-$7\n", [5.0, -7.0], "`$` beside 2 of its 2"),
        (
            "x\n\"1,037\"\n5\n",
            [1037.0, 5.0],
            "say `--decimal ,` if that is a fraction",
        ),
        ("x\n5 kg\n7kg\n", [5.0, 7.0], "`kg` beside"),
        ("x\n\u{2212}5\n7\n", [-5.0, 7.0], ""),
        ("x\n \"5\"\n\t \"7\" \n", [5.0, 7.0], ""),
    ] {
        let (found, said) = numbers(file);
        assert_eq!(found, values, "{file}");
        assert!(
            said.contains(note) && said.is_empty() == note.is_empty(),
            "{file}: {said}"
        );
    }
    let e = error(b"x\n5 kg\n7 kg\n500 g\n");
    assert!(
        e.starts_with(
            "f.csv, line 4, column `x`: `500 g` carries `g`, but the other numbers carry `kg`"
        ),
        "{e}"
    );
    assert_eq!(cells("x\n1st\n2nd\n3rd\n"), [text(&["1st", "2nd", "3rd"])]);
    assert_eq!(cells("x\n12a\n7b\n"), [text(&["12a", "7b"])]);
}

#[test]
fn missing_words_and_decimal_signs_are_the_callers() {
    let read = |file: &str, missing: &[&str], decimal| {
        let options = ReadOptions {
            cells: CellFormat {
                missing: missing.iter().map(|s| s.to_string()).collect(),
                decimal,
            },
            ..ReadOptions::default()
        };
        Table::read(file.as_bytes(), "f.csv", &options)
    };
    let table = read("x,y\n?,NA\n1,b\n2,b\n", &["?"], Decimal::Point).unwrap();
    assert_eq!(table.columns()[0].cells.missing(), 1);
    assert_eq!(table.columns()[1].cells, text(&["NA", "b", "b"]));
    let table = read("x\n\"3,5\"\n\"1.037,5\"\n-7\n", &[], Decimal::Comma).unwrap();
    assert_eq!(
        table.columns()[0].cells,
        Cells::Number(vec![3.5, 1037.5, -7.0])
    );
    let e = read("x\n3.5\n4.5\n", &[], Decimal::Comma).unwrap_err();
    assert!(e.to_string().contains("`--decimal .`"), "{e}");
    let e = read("x\n1\n2\nNaN\n", &[], Decimal::Point).unwrap_err();
    assert!(
        e.to_string()
            .contains("line 4, column `x`: `NaN` is not a number"),
        "{e}"
    );
}

#[test]
fn what_stands_above_the_rows_is_recognised() {
    let plain = cells("a,b\n1,x\n2,y\n");
    for file in [
        "sep=;\na;b\n1;x\n2;y\n",
        "sep=,\r\na,b\r\n1,x\r\n2,y\r\n",
        "\"sep=;\"\na;b\n1;x\n2;y\n",
        "# from a clinic, 2020\n#\na,b\n1,x\n2,y\n",
        "# a,b\n1,x\n2,y\n",
        "#a,b\n1,x\n2,y\n",
        "a,b,\n1,x,\n2,y,\n",
        "a,b\n1,x,\n2,y,\n",
        "a,b,,\n1,x,,\n2,y,,\n",
        "a,b\r1,x\r2,y\r",
    ] {
        assert_eq!(cells(file), plain, "{file:?}");
    }
    assert_eq!(read("a,b\r1,x\r\r2,y").unwrap().line(1), 4);
    assert!(error(b"a,b\r1,x\r2\r").starts_with("f.csv, line 3: the row has 1 cell"));
    assert!(error(b"a,b,\n1,2,3\n").contains("name column 3, or remove it"));
    for file in [
        "5.1,3.5,0\n4.9,3.0,1\n",
        "3,1,2\n1,2,3\n",
        "-1,x\n2,y\n",
        "1,2,3\n4,5,6\n",
    ] {
        let e = error(file.as_bytes());
        assert!(
            e.starts_with("f.csv, line 1: the first line holds values ("),
            "{file}: {e}"
        );
    }
    for file in [
        "0,1,2\n5,6,7\n",
        "1990,2000,name\n5,6,x\n",
        "y,0,1\n5,6,7\n",
    ] {
        assert_eq!(read(file).unwrap().rows(), 1, "{file}");
    }
}

#[test]
fn what_is_no_text_is_named_at_once() {
    /// Zeros without an end, of which few are read.
    struct Zeros(usize);
    impl Read for Zeros {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            to.fill(0);
            self.0 += to.len();
            assert!(self.0 < 1 << 20, "too much is read");
            Ok(to.len())
        }
    }
    let e = Table::read(Zeros(0), "f.csv", &ReadOptions::default()).unwrap_err();
    assert!(
        e.to_string()
            .starts_with("f.csv, line 1: there is a NUL byte"),
        "{e}"
    );
    let cases: [(&[u8], &str); 9] = [
        (b"a\0,\0b\0\n\0", "the file is UTF-16"),
        (b"\0a\0,\0b\0\n", "the file is UTF-16"),
        (b"a,b\n1,\0\n", "line 2: there is a NUL byte"),
        (b"PK\x03\x04..", "a zip archive"),
        (b"\x1F\x8B\x08", "a gzip file"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a Git LFS pointer",
        ),
        (b"<!doctype html><p>", "a web page"),
    ];
    for (bytes, kind) in cases {
        let e = error(bytes);
        assert!(e.contains(kind) && e.starts_with("f.csv"), "{e}");
    }
}

/// Wherever the parts that are read at once end, the rows and their lines are the same.
#[test]
fn parts_make_no_difference() {
    for end in ["\r\n", "\n", "\r"] {
        for pad in (1 << 16) - 24..(1 << 16) - 8 {
            let first = "é".repeat(pad / 2) + &"x".repeat(pad % 2);
            let rows = [&format!("{first},1"), "", "", "\"a\"\"", "b\",2", "c,3"].join(end);
            let table = read(&format!("t,n{end}{rows}")).unwrap();
            let Cells::Text(texts) = &table.columns()[0].cells else {
                panic!("text")
            };
            assert_eq!(
                texts[1].as_deref(),
                Some(&*format!("a\"{end}b")),
                "{end:?} {pad}"
            );
            assert_eq!([0, 1, 2].map(|i| table.line(i)), [2, 5, 7], "{end:?} {pad}");
        }
    }
}
