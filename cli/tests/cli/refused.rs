//! How `lepton train` and `lepton predict` refuse: one line that says what to do, and nothing left behind.

use crate::folder::{Folder, sealed, visits, words};

#[test]
fn bad_tables_are_refused_with_their_place() {
    let folder = Folder::new("bad")
        .with("good.csv", visits())
        .with("empty.csv", "")
        .with("head.csv", "x,class\n")
        .with("text.csv", "x,class\n1,a\n2,b\ntall,a\n")
        .with("short.csv", "x,y,class\n1,2,a\n1,b\n")
        .with("gap.csv", "x,class\n1,a\n2,\n3,b\n")
        .with("one.csv", "x,class\n1,a\n2,a\n3,a\n")
        .with("two.csv", "x,class\n1,a\n2,b\n")
        .with("words.csv", "x,class\n1,a\n2,b\n3,b\n")
        .with("lone.csv", "class\na\nb\na\nb\n");
    for (name, target, part) in [
        ("none.csv", "class", "cannot read `none.csv`"),
        (
            "empty.csv",
            "class",
            "empty.csv: the file is empty; it needs a header line",
        ),
        (
            "head.csv",
            "class",
            "head.csv: there is a header line but no row",
        ),
        (
            "text.csv",
            "class",
            "text.csv, line 4, column `x`: `tall` is not a number",
        ),
        (
            "short.csv",
            "class",
            "short.csv, line 3: the row has 2 cells, but the header names 3",
        ),
        (
            "gap.csv",
            "class",
            "gap.csv, line 3, column `class`: the target is missing; fill it in",
        ),
        ("one.csv", "class", "every row has the value `a`"),
        ("two.csv", "class", "two.csv: a stratified split needs"),
        ("lone.csv", "class", "there is no column beside the target"),
        (
            "good.csv",
            "stat",
            "good.csv: there is no column `stat`; did you mean `state`?",
        ),
        (
            "good.csv",
            "class",
            "good.csv: there is no column `class`. The columns are age, ",
        ),
    ] {
        let line = folder.refused(&["train", "--data", name, "--target", target, "--out", "m/n"]);
        assert!(line.contains(part), "{line}");
    }
    let line = folder.refused(&words(
        "train --data words.csv --target class --task regression --out m",
    ));
    assert!(
        line.contains("words.csv, line 2, column `class`: `a` is not a finite number"),
        "{line}"
    );
    let line = folder.refused(&words(
        "train --data good.csv --target state --categorical sit --out m",
    ));
    assert!(
        line.contains("no column `sit`; did you mean `site`?"),
        "{line}"
    );
}

#[test]
fn bad_options_are_refused_before_any_work() {
    let folder = Folder::new("options").with("v.csv", visits());
    for (option, part) in [
        (
            "--hidden 0",
            "'0' for '--hidden <SIZES>': a hidden layer has from 1 to 65536 units",
        ),
        ("--hidden 64,,2", "'--hidden"),
        (
            "--hidden 65536,65536",
            "a network 5-65536-65536-2 has 4295557122 parameters",
        ),
        (
            "--epochs 0",
            "'0' for '--epochs <N>': it must be a whole number of at least 1",
        ),
        ("--batch 0", "'--batch"),
        ("--rate -1", "'-1'"),
        ("--rate 0", "it must be a number above 0"),
        ("--seed x", "'x' for '--seed"),
        (
            "--task sorting",
            "`classification` or `regression`, got `sorting`",
        ),
    ] {
        let line = format!("train --data v.csv --target state --out m {option}");
        let line = folder.refused(&words(&line));
        assert!(line.contains(part), "{option}: {line}");
    }
    let line = folder.refused(&words(
        "train --data v.csv --target state --epochs 3 --rate 1e30 --quiet --out m",
    ));
    assert!(line.contains("lower the learning rate"), "{line}");
}

#[test]
fn places_that_cannot_be_written_are_refused_and_stay_as_they_are() {
    let folder = Folder::new("places").with("v.csv", visits());
    let train = "train --data v.csv --target state --epochs 2 --quiet --out";
    for place in ["v.csv", "v.csv/m", "/proc/lepton"] {
        let line = folder.refused(&[words(train), vec![place]].concat());
        assert!(
            line.contains(&format!("cannot make the folder `{place}`")),
            "{line}"
        );
        assert!(
            line.contains("choose a folder that can be written"),
            "{line}"
        );
    }
    folder.lepton(&[words(train), vec!["m"]].concat());
    for place in ["v.csv/p.csv", "m", "none/p.csv"] {
        let predict = [
            "predict", "--model", "m", "--data", "v.csv", "--quiet", "--out", place,
        ];
        let line = folder.refused(&predict);
        assert!(line.contains(&format!("cannot write `{place}`")), "{line}");
    }
    // A run that fails leaves the older model as it was.
    let before = folder.read("m/model.json");
    std::fs::create_dir(folder.path("m").join("blocked")).unwrap();
    std::fs::remove_file(folder.path("m").join("CARD.md")).unwrap();
    std::fs::rename(
        folder.path("m").join("blocked"),
        folder.path("m").join("CARD.md"),
    )
    .unwrap();
    let line = folder.refused(&[words(train), vec!["m", "--seed", "9"]].concat());
    assert!(
        line.contains("CARD.md") && line.contains("a folder has this name"),
        "{line}"
    );
    assert_eq!(folder.read("m/model.json"), before);
    assert_eq!(folder.names_in("m").len(), 5);
}

#[test]
fn broken_models_are_refused() {
    let folder = Folder::new("broken").with("v.csv", visits());
    folder.lepton(&words(
        "train --data v.csv --target state --hidden 4 --epochs 2 --quiet --out m",
    ));
    let (json, tensors, card) = (
        folder.read("m/model.json"),
        folder.read("m/model.safetensors"),
        folder.read("m/CARD.md"),
    );
    let text = String::from_utf8(json.clone()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}: {text}");
        sealed(&text.replacen(from, to, 1))
    };
    let hint = "--model takes the folder that `lepton train --out` wrote";
    for (file, bytes, part) in [
        ("model.json", json[..json.len() / 2].to_vec(), "model.json"),
        (
            "model.json",
            b"[]".to_vec(),
            "this build reads \"lepton-model-2\" and \"lepton-model-1\"",
        ),
        (
            "model.json",
            text.replacen("\"ill\"", "\"sad\"", 1).into_bytes(),
            "model.json: it is not as it was written",
        ),
        (
            "model.json",
            changed("lepton-model-2", "lepton-model-9"),
            "lepton-model-9",
        ),
        ("model.json", changed("\"linear", "\"lineal"), "lineal"),
        (
            "model.json",
            changed("\"layers.0.weight\"", "\"layers.7.weight\""),
            "layers.7.weight",
        ),
        (
            "model.safetensors",
            tensors[..tensors.len() - 1].to_vec(),
            "model.safetensors",
        ),
        ("model.safetensors", vec![0xFF; 64], "model.safetensors"),
        (
            "CARD.md",
            b"# Another model".to_vec(),
            "CARD.md: it is not the file that was written with this model",
        ),
    ] {
        std::fs::write(folder.path("m").join(file), bytes).unwrap();
        let line = folder.refused(&words("predict --model m --data v.csv --quiet"));
        assert!(line.contains(part) && line.contains(hint), "{file}: {line}");
        std::fs::write(folder.path("m").join("model.json"), &json).unwrap();
        std::fs::write(folder.path("m").join("model.safetensors"), &tensors).unwrap();
        std::fs::write(folder.path("m").join("CARD.md"), &card).unwrap();
    }
    // Two classes that became three still divide some numbers of outputs.
    std::fs::write(
        folder.path("m").join("model.json"),
        changed("\"ill\"", "\"dead\", \"ill\""),
    )
    .unwrap();
    let line = folder.refused(&words("predict --model m --data v.csv --quiet"));
    assert!(line.contains("the target `state` needs"), "{line}");
    let line = folder.refused(&words("predict --model nobody --data v.csv"));
    assert!(
        line.contains("cannot read `nobody/model.") && line.contains(hint),
        "{line}"
    );
}

#[test]
fn rows_that_do_not_fit_the_model_are_refused() {
    let folder = Folder::new("unfit")
        .with("v.csv", visits())
        .with("less.csv", "age,site,blood\n21,Bern,61\n")
        .with("text.csv", "age,site,blood,smokes\n21,Bern,high,true\n")
        .with(
            "later.csv",
            "age,site,blood,smokes\n21,Bern,61,true\n22,Bern,high,true\n",
        )
        .with("empty.csv", "")
        .with("short.csv", "age,site,blood,smokes\n21,Bern\n");
    folder.lepton(&words(
        "train --data v.csv --target state --hidden 4 --epochs 2 --quiet --out m",
    ));
    for (name, part) in [
        ("less.csv", "less.csv: there is no column `smokes`"),
        (
            "text.csv",
            "text.csv, line 2, column `blood`: `high` is not a number",
        ),
        (
            "later.csv",
            "later.csv, line 3, column `blood`: `high` is not a number",
        ),
        ("empty.csv", "empty.csv: the file is empty"),
        ("short.csv", "short.csv, line 2: the row has 2 cells"),
        ("none.csv", "cannot read `none.csv`"),
    ] {
        let line = folder.refused(&["predict", "--model", "m", "--data", name, "--out", "p.csv"]);
        assert!(line.contains(part), "{line}");
    }
}
