use super::*;
use crate::ReadOptions;
use crate::table::number_text;
use proptest::prelude::*;

fn read(text: &str) -> Table {
    Table::read(text.as_bytes(), "f.csv", &ReadOptions::default()).unwrap()
}

#[test]
fn each_type_is_encoded() {
    let table = read("x,b,c\n1,true,u\n,false,v\n3,,\n8,true,u\n");
    let features = Features::fit(&table, Method::None).unwrap();
    assert_eq!(features.names(), ["x", "b", "c=u", "c=v"]);
    assert_eq!(features.width(), 4);
    assert_eq!(features.categorical(), ["c"]);
    let x = features.encode(&table).unwrap();
    assert_eq!(
        x.values,
        [
            1.0, 1.0, 1.0, 0.0, //
            3.0, 0.0, 0.0, 1.0, // the median of 1, 3 and 8
            3.0, 1.0, 0.0, 0.0, // the median of 1, 0 and 1; no category
            8.0, 1.0, 1.0, 0.0,
        ]
    );
    assert_eq!(
        x.notes,
        [
            "column `x`: 1 missing values count as 3",
            "column `b`: 1 missing values count as 1",
            "column `c`: 1 missing values belong to no category",
        ]
    );
}

#[test]
fn new_rows_use_what_the_training_rows_taught() {
    let features = Features::fit(&read("x,c\n0,u\n4,v\n"), Method::MinMax).unwrap();
    let new = read("c,other,x\nw,1,8\nv,2,NA\n");
    let x = features.encode(&new).unwrap();
    assert_eq!(x.values, [2.0, 0.0, 0.0, 0.5, 0.0, 1.0]);
    assert!(x.notes[1].contains("(line 2: `w`)"), "{:?}", x.notes);
}

#[test]
fn bad_columns_name_their_place() {
    let features = Features::fit(&read("x\n0\n4\n"), Method::Standard).unwrap();
    let error = |text| features.encode(&read(text)).unwrap_err().to_string();
    assert_eq!(
        error("x\nNA\nlow\n"),
        "f.csv, line 3, column `x`: `low` is not a number, but the model reads numbers here"
    );
    assert!(error("y\n1\n").contains("there is no column `x`"));
    assert!(error("x\n1\ninf\n").starts_with("f.csv, line 3, column `x`: inf is not a finite"));
    assert!(error("x\n1e300\n").starts_with("f.csv, line 2, column `x`: "));
    let ids: String = (0..300).map(|i| format!("id{i}\n")).collect();
    let many = Features::fit(&read(&format!("id\n{ids}")), Method::Standard);
    assert!(
        many.unwrap_err()
            .to_string()
            .contains("`id`: it has 300 different texts")
    );
    assert!(Features::fit(&read("x\n1\n").take(&[]), Method::Standard).is_err());
}

#[test]
fn ranges_use_no_statistics_of_the_rows() {
    let ranges = [("x", 0.0, 10.0)];
    let a = Features::from_ranges(&read("x\n1\n2\n"), &ranges).unwrap();
    let b = Features::from_ranges(&read("x\n9\nNA\n"), &ranges).unwrap();
    assert_eq!(a, b);
    assert_eq!(a.encode(&read("x\n10\nNA\n")).unwrap().values, [1.0, 0.0]);
    let e = Features::from_ranges(&read("y\n1\n"), &ranges).unwrap_err();
    assert_eq!(e.to_string(), "f.csv, column `y`: no range is given for it");
}

#[test]
fn a_file_cannot_bring_unsound_features() {
    let bad = [
        r#"[]"#,
        r#"[{"name":"x","kind":"number","fill":0.0,"scale":{"shift":0.0,"width":0.0}}]"#,
        r#"[{"name":"x","kind":"category","values":["b","a"]}]"#,
        r#"[{"name":"x","kind":"category","values":[]}]"#,
        r#"[{"name":"x","kind":"category","values":["a"]},{"name":"x","kind":"category","values":["a"]}]"#,
    ];
    for json in bad {
        assert!(serde_json::from_str::<Features>(json).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn json_keeps_every_bit(values in proptest::collection::vec(-1e9f64..1e9, 2..20)) {
        let column = Column { name: "x".into(), cells: Cells::Number(values) };
        let table = Table::from_columns("t", vec![column]).unwrap();
        let features = Features::fit(&table, Method::Standard).unwrap();
        let json = serde_json::to_string(&features).unwrap();
        prop_assert_eq!(serde_json::from_str::<Features>(&json).unwrap(), features);
    }

    #[test]
    fn the_median_has_half_on_either_side(values in proptest::collection::vec(-9f64..9.0, 1..30)) {
        let m = median(&values);
        let n = values.len();
        prop_assert!(values.iter().filter(|&&x| x < m).count() * 2 <= n);
        prop_assert!(values.iter().filter(|&&x| x > m).count() * 2 <= n);
    }
}

#[test]
fn numbers_as_categories_are_spelled_once() {
    assert_eq!(number_text(-0.0), "0");
    let features = Features(vec![Feature {
        name: "zip".into(),
        encoding: Encoding::Category {
            values: vec!["4051".into(), "8001".into()],
        },
        unit: None,
    }]);
    assert_eq!(
        features.encode(&read("zip\n8001\n")).unwrap().values,
        [0.0, 1.0]
    );
}

#[test]
fn work_is_linear_in_columns() {
    let names: Vec<String> = (0..100_000).map(|j| format!("c{j}")).collect();
    let row = |i: usize| -> String {
        (0..names.len())
            .map(|j| format!(",{}", (i + j) % 7))
            .collect()
    };
    let header: String = names.iter().map(|name| format!(",{name}")).collect();
    let file = format!("{}\n{}\n{}\n", &header[1..], &row(1)[1..], &row(2)[1..]);
    let start = std::time::Instant::now();
    let table = read(&file);
    let features = Features::fit(&table, Method::Standard).unwrap();
    let x = features.encode(&table.without(&[""; 0]).unwrap()).unwrap();
    let mut parts = Vec::new();
    let options = ReadOptions {
        categorical: features.categorical(),
        ..ReadOptions::default()
    };
    let each = |part: Matrix| {
        parts.extend(part.values);
        Ok(())
    };
    features
        .read(file.as_bytes(), "f.csv", &options, each)
        .unwrap();
    assert!(parts == x.values);
    // Ten billion comparisons of names take minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn rows_in_parts_are_the_rows_of_a_table() {
    let row = |i: usize| {
        format!(
            "{},{},{}\n",
            i % 13,
            ["u", "v", ""][i % 3],
            i.is_multiple_of(2)
        )
    };
    let file = (0..9000).fold("x,c,b\n".to_string(), |file, i| file + &row(i));
    let table = read(&file);
    let features = Features::fit(&table, Method::Standard).unwrap();
    let whole = features.encode(&table).unwrap();
    let (mut values, mut sizes) = (Vec::new(), Vec::new());
    let notes = features.read(file.as_bytes(), "f.csv", &ReadOptions::default(), |part| {
        sizes.push(part.rows);
        values.extend(part.values);
        Ok(())
    });
    assert_eq!(sizes, [4096, 4096, 808]);
    assert!(values == whole.values);
    assert_eq!(notes.unwrap(), whole.notes);
}
