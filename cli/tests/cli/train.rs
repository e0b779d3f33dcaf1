//! `lepton train` and `lepton predict` as a user meets them.

use serde_json::Value;

use crate::folder::{Folder, data, visits, words};

fn first_column(csv: &str) -> Vec<&str> {
    csv.lines()
        .skip(1)
        .map(|l| l.split(',').next().unwrap())
        .collect()
}

#[test]
fn wine_is_learnt_and_predicted() {
    let wine = std::fs::read_to_string(data("wine.csv")).unwrap();
    let folder = Folder::new("wine").with("wine.csv", &wine);
    let told = folder.lepton(&words(
        "train --data wine.csv --target class --out m --quiet --json",
    ));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["task"], "classification");
    assert_eq!(
        told["rows"]["training"].as_u64().unwrap() + told["rows"]["held_out"].as_u64().unwrap(),
        178
    );
    assert!(
        told["metrics"]["accuracy"].as_f64().unwrap() >= 0.9,
        "{told}"
    );
    assert!(
        told["baseline"]["accuracy"].as_f64().unwrap() < 0.5,
        "{told}"
    );
    assert_eq!(
        folder.names_in("m"),
        [
            "CARD.md",
            "history.csv",
            "history.svg",
            "model.json",
            "model.safetensors"
        ]
    );

    let csv = folder.lepton(&words("predict --model m --data wine.csv"));
    assert!(csv.starts_with("prediction,p_0,p_1,p_2\n"), "{csv}");
    let truth = wine.lines().skip(1).map(|l| l.rsplit(',').next().unwrap());
    let right = first_column(&csv)
        .iter()
        .zip(truth)
        .filter(|(p, t)| *p == t)
        .count();
    assert!(right as f64 >= 0.95 * 178.0, "{right} of 178");
    for row in csv.lines().skip(1) {
        let p: Vec<f64> = row.split(',').skip(1).map(|p| p.parse().unwrap()).collect();
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{row}");
    }

    // New rows have no answer yet, and their columns may stand in any order.
    let reversed: String = wine
        .lines()
        .map(|l| l.split(',').rev().skip(1).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let folder = folder.with("new.csv", reversed);
    assert_eq!(
        folder.lepton(&words("predict --model m --data new.csv")),
        csv
    );
    assert_eq!(
        folder.lepton(&words("predict --model m --data new.csv --out p.csv")),
        ""
    );
    assert_eq!(folder.read("p.csv"), csv.as_bytes());
}

#[test]
fn a_value_is_learnt_in_its_own_unit() {
    let rows: String = (0..60)
        .map(|i| format!("{i},{}.5\n", 1000 + 10 * i))
        .collect();
    let folder = Folder::new("value").with("t.csv", format!("x,y\n{rows}"));
    let told = folder.lepton(&words(
        "train --data t.csv --target y --hidden 16 --out m --quiet",
    ));
    assert!(
        told.starts_with("regression of `y`: network 1-16-1, 49 parameters,"),
        "{told}"
    );
    assert!(told.contains("r2"), "{told}");
    let csv = folder.lepton(&words("predict --model m --data t.csv"));
    assert_eq!(csv.lines().next(), Some("prediction"));
    for (i, y) in first_column(&csv).iter().enumerate() {
        let (y, truth) = (y.parse::<f64>().unwrap(), 1000.5 + 10.0 * i as f64);
        assert!((y - truth).abs() < 60.0, "row {i}: {y} for {truth}");
    }
}

#[test]
fn what_was_filled_in_is_said() {
    let folder = Folder::new("filled").with("v.csv", visits());
    let train = "train --data v.csv --target state --epochs 20 --out m";
    let (_, notes) = folder.both(&words(train));
    assert!(notes.contains("column `blood`: "), "{notes}");
    assert!(notes.contains("epoch 20/20: loss "), "{notes}");
    let card = String::from_utf8(folder.read("m/CARD.md")).unwrap();
    for part in [
        "# Model card: `state` from `v.csv`",
        "`v.csv`: 40 rows, 5 columns, SHA-256 `",
        "column 'blood': 4 missing values count as",
        "column 'site': 13 missing values belong to no category",
        "| accuracy |",
        "## Limits",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    let history = String::from_utf8(folder.read("m/history.csv")).unwrap();
    assert_eq!(history.lines().count(), 21);
    assert!(folder.read("m/history.svg").starts_with(b"<svg"));

    let new = "smokes,blood,site,age\nfalse,,Bern,21\ntrue,61,Geneva,55\n";
    let folder = folder.with("new.csv", new);
    let (csv, notes) = folder.both(&words("predict --model m --data new.csv"));
    assert!(csv.starts_with("prediction,p_ill,p_well\n"), "{csv}");
    assert_eq!(first_column(&csv), ["well", "ill"]);
    assert!(
        notes.contains("column `blood`: 1 missing values count as"),
        "{notes}"
    );
    assert!(notes.contains("(line 3: `Geneva`)"), "{notes}");
    assert_eq!(
        folder.lepton(&words("predict --model m --data new.csv --quiet")),
        csv
    );
}

#[test]
fn one_seed_gives_one_model_whatever_the_threads() {
    let folder = Folder::new("seed");
    let wine = data("wine.csv");
    let train = |out: &str, threads: &str, seed: &str| -> Vec<Vec<u8>> {
        let line =
            format!("train --target class --epochs 5 --quiet --seed {seed} --out {out} --data");
        let mut command = folder.command(&[words(&line), vec![&wine]].concat());
        assert!(
            command
                .env("RAYON_NUM_THREADS", threads)
                .output()
                .unwrap()
                .status
                .success()
        );
        let names = folder.names_in(out).into_iter();
        names
            .map(|name| folder.read(&format!("{out}/{name}")))
            .collect()
    };
    let one = train("a", "1", "3");
    assert!(one == train("b", "2", "3") && one == train("c", "7", "3"));
    let other = train("d", "2", "4");
    assert!(
        one.iter()
            .zip(&other)
            .all(|(a, b)| a != b || a.starts_with(b"{"))
    );
}
