//! `lepton inspect` as a user meets it.

use std::process::Stdio;

use serde_json::Value;

use crate::folder::{Folder, refusal, visits, words};

fn tensors(json: &str, data: &[u8]) -> Vec<u8> {
    [
        &(json.len() as u64).to_le_bytes()[..],
        json.as_bytes(),
        data,
    ]
    .concat()
}

fn small() -> Vec<u8> {
    let json = r#"{"h":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
    let w = [1.5f32, -4.0].map(f32::to_le_bytes).concat();
    let h = [1.0f32, f32::INFINITY].map(|x| (x.to_bits() >> 16) as u16);
    tensors(json, &[w, h.map(u16::to_le_bytes).concat()].concat())
}

#[test]
fn tensors_have_the_promised_json() {
    let folder = Folder::new("tensors")
        .with("m.safetensors", small())
        .with("m", small());
    for name in ["m.safetensors", "m"] {
        assert_eq!(
            folder.lepton(&["inspect", name, "--json"]),
            concat!(
                r#"{"format":"safetensors","tensors":[{"name":"w","dtype":"F32","shape":[1,2],"sum":-2.5},"#,
                r#"{"name":"h","dtype":"BF16","shape":[2],"sum":"inf"}]}"#,
                "\n"
            )
        );
    }
    let table = folder.lepton(&["inspect", "m.safetensors"]);
    assert!(table.contains("w     F32    [1, 2]  -2.500000"), "{table}");
}

#[test]
fn tables_have_the_promised_json() {
    let folder = Folder::new("tables").with("t.csv", "a,b,c\n1,x,true\n,NA,false\n");
    assert_eq!(
        folder.lepton(&["inspect", "t.csv", "--json"]),
        concat!(
            r#"{"format":"csv","rows":2,"columns":[{"name":"a","type":"number","missing":1},"#,
            r#"{"name":"b","type":"text","missing":1},{"name":"c","type":"bool","missing":0}]}"#,
            "\n"
        )
    );
    let table = folder.lepton(&["inspect", "t.csv"]);
    assert!(
        table.starts_with("t.csv: csv, 2 rows, 3 columns\n"),
        "{table}"
    );
    let types = folder.lepton(&["inspect", "t.csv", "--categorical", "a", "--json"]);
    assert!(types.contains(r#"{"name":"a","type":"text","missing":1}"#));
}

#[test]
fn files_it_cannot_vouch_for_are_refused() {
    let huge = r#"{"w":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}}"#;
    let truth = r#"{"w":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#;
    let folder = Folder::new("refused")
        .with("claim.safetensors", u64::MAX.to_le_bytes())
        .with("huge.safetensors", tensors(huge, &[]))
        .with("truth.safetensors", tensors(truth, &[2]))
        .with("cut.safetensors", &small()[..small().len() - 1])
        .with("a.npy", b"\x93NUMPY\x01\0")
        .with("a.csv", b"PK\x03\x04....")
        .with("a.gguf", b"GGUF\x03\0\0\0")
        .with("a.bin", [0; 40])
        .with("long.safetensors", [&small()[..], b"x"].concat())
        .with("a.onnx", b"\x08\x07\x12\x07pytorch")
        .with("idx", b"\0\0\x08\x01\0\0\0\x02ab")
        .with("net.pt", b"\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9")
        .with(
            "lfs.safetensors",
            "version https://git-lfs.github.com/spec/v1\n",
        )
        .with("a.json", "{\"a\": 1}")
        .with("b.json", r#"{"abcd":{"x":1}}"#)
        .with("empty.csv", "")
        .with("empty", "");
    for (name, part) in [
        ("claim.safetensors", "claims 18446744073709551615 bytes"),
        ("huge.safetensors", "does not fit 64 bits"),
        (
            "truth.safetensors",
            "tensor `w`: a truth value is the byte 2",
        ),
        ("cut.safetensors", "cut short"),
        ("long.safetensors", "1 bytes follow them"),
        ("a.npy", "a NumPy array (.npy), and lepton cannot vouch"),
        ("a.csv", "a zip archive"),
        ("a.gguf", "cannot vouch"),
        ("a.onnx", "an ONNX model"),
        ("idx", "an IDX file"),
        ("net.pt", "a PyTorch file (.pt)"),
        ("lfs.safetensors", "git lfs pull"),
        ("a.json", "a JSON file"),
        ("a.bin", "cannot vouch"),
        ("empty.csv", "the file is empty"),
        ("empty", "the file is empty"),
        ("none.csv", "cannot read `none.csv`"),
        ("b.json", "a JSON file"),
        (".", "cannot read `./model.json`"),
        (".", "a folder is inspected as a model"),
    ] {
        let line = folder.refused(&["inspect", name, "--json"]);
        assert!(line.contains(part) && line.contains(name), "{line}");
    }
}

/// Element types that lepton does not compute with have the file's own names.
#[test]
fn every_element_type_is_told() {
    let json = r#"{"__metadata__":null,"c":{"dtype":"C64","shape":[1],"data_offsets":[0,8]},"six":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[8,11]},"four":{"dtype":"F4","shape":[2],"data_offsets":[11,12]},"scale":{"dtype":"F8_E8M0","shape":[],"data_offsets":[12,13]}}"#;
    let c = [0.5f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    let folder = Folder::new("types").with(
        "m.safetensors",
        tensors(json, &[&c[..], &[1, 2, 3, 0x72, 128]].concat()),
    );
    let told = folder.lepton(&["inspect", "m.safetensors", "--json"]);
    for part in [
        r#"{"name":"c","dtype":"C64","shape":[1],"sum":[0.5,"NaN"]}"#,
        r#"{"name":"six","dtype":"F6_E2M3","shape":[4],"sum":null}"#,
        r#"{"name":"four","dtype":"F4","shape":[2],"sum":7.0}"#,
        r#"{"name":"scale","dtype":"F8_E8M0","shape":[],"sum":2.0}"#,
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    folder.lepton(&["inspect", "m.safetensors"]);
}

#[cfg(unix)]
#[test]
fn pipes_are_read_to_their_end() {
    use std::io::Write;
    let folder = Folder::new("pipes").with("m.safetensors", small());
    let told = |bytes: &[u8]| {
        let mut command = folder.command(&["inspect", "/dev/stdin", "--json"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child.wait_with_output().unwrap()
    };
    let sound = String::from_utf8(told(&small()).stdout).unwrap();
    assert_eq!(
        sound,
        folder.lepton(&["inspect", "m.safetensors", "--json"])
    );
    let table = String::from_utf8(told(b"a,b\n1,x\n").stdout).unwrap();
    assert!(table.starts_with(r#"{"format":"csv","rows":1,"#), "{table}");
    let mut long = small();
    long.push(0);
    for (bytes, part) in [
        (&long[..], "more bytes follow them"),
        (
            &small()[..small().len() - 1],
            "tensor `h`: the file ends inside the tensor; is it cut short?",
        ),
        (&small()[..30], "is it cut short"),
        (b"\x93NUMPY\x01\0", "a NumPy array (.npy)"),
    ] {
        let line = refusal(&told(bytes));
        assert!(
            line.starts_with("/dev/stdin: ") && line.contains(part),
            "{line}"
        );
    }
}

#[test]
fn a_model_is_told_as_one() {
    let folder = Folder::new("model").with("v.csv", visits());
    folder.lepton(&words(
        "train --data v.csv --target state --hidden 4 --epochs 2 --quiet --out m",
    ));
    let told = folder.lepton(&words("inspect m --json"));
    assert_eq!(told, folder.lepton(&words("inspect m/model.json --json")));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["format"], &told["task"]),
        (&"lepton-model".into(), &"classification".into())
    );
    assert_eq!(
        (&told["target"], &told["classes"][0]),
        (&"state".into(), &"ill".into())
    );
    let of = |list: &str, field: &str| -> Vec<String> {
        let list = told[list].as_array().unwrap().iter();
        list.map(|e| e[field].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of("columns", "name"), ["age", "site", "blood", "smokes"]);
    assert_eq!(of("columns", "type")[1], "category");
    let tensors = folder.lepton(&words("inspect m/model.safetensors --json"));
    assert_eq!(
        told["tensors"],
        serde_json::from_str::<Value>(&tensors).unwrap()["tensors"]
    );
    let text = folder.lepton(&words("inspect m"));
    assert!(
        text.starts_with("m: lepton-model, classification of `state` as one of ill, well\n"),
        "{text}"
    );
    let folder = folder.with("m/history.csv", "epoch\n");
    let line = folder.refused(&words("inspect m"));
    assert!(
        line.contains("m/history.csv: it is not the file that was written with this model"),
        "{line}"
    );
}

#[test]
fn a_wrong_command_line_is_one_line_and_help_is_not() {
    let folder = Folder::new("line");
    assert!(
        folder
            .refused(&["inspekt"])
            .contains("unrecognized subcommand 'inspekt'")
    );
    assert!(folder.refused(&["inspect"]).contains("<FILE>"));
    assert!(
        folder
            .refused(&["inspect", "x", "--no\nsuch"])
            .contains("--no such")
    );
    assert!(
        folder
            .lepton(&["inspect", "--help"])
            .contains("Example:\n  lepton inspect")
    );
    assert!(folder.lepton(&["--version"]).starts_with("lepton "));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let columns: Vec<String> = (0..20_000).map(|i| format!("column{i}")).collect();
    let row = vec!["1"; columns.len()].join(",");
    let folder = Folder::new("pipe").with("wide.csv", format!("{}\n{row}\n", columns.join(",")));
    let mut command = folder.command(&["inspect", "wide.csv"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new("full").with("t.csv", "a\n1\n");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = folder
        .command(&["inspect", "t.csv"])
        .stdout(full)
        .output()
        .unwrap();
    assert!(refusal(&output).contains("cannot write to standard output"));
}
