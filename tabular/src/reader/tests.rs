use super::*;

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
fn types_follow_the_first_value() {
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
        error(b"id,age\n1,\n2,63\n\n3,old\n"),
        "f.csv, line 5, column `age`: `old` is not a number, but the column's first value (line 3) is; \
         correct the cell, leave it empty, or name the column as categorical"
    );
    let options = ReadOptions {
        categorical: vec!["age".into()],
    };
    let table = Table::read("age\n63\nold\n".as_bytes(), "f.csv", &options).unwrap();
    assert_eq!(table.columns()[0].cells, text(&["63", "old"]));
    let e = Table::read(
        "age\n63\n".as_bytes(),
        "f.csv",
        &ReadOptions {
            categorical: vec!["agee".into()],
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
    let e = error(format!("a\n1\n{}\n", "x\u{7}".repeat(9999)).as_bytes());
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
            lines.push(1 + newlines(file.as_bytes()));
            file += &format!("{}\n", row.iter().map(quote).collect::<Vec<_>>().join(","));
        }
        let options = ReadOptions { categorical: vec!["a".into(), "b".into()] };
        let table = Table::read(file.as_bytes(), "f.csv", &options).unwrap();
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(table.line(i), lines[i]);
            for (column, cell) in table.columns().iter().zip(row) {
                let kept = column.cells.text(i).unwrap_or_default();
                let cell = cell.trim();
                assert!(kept == cell || MISSING.contains(&cell) && kept.is_empty());
            }
        }
    }
}
