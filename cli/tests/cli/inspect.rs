//! `lepton inspect` as a user meets it.

use std::process::Stdio;

use crate::folder::{Folder, refusal};

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
        ("a.npy", "cannot vouch"),
        ("a.csv", "a zip archive"),
        ("a.gguf", "cannot vouch"),
        ("a.bin", "cannot vouch"),
        ("empty.csv", "the file is empty"),
        ("empty", "the file is empty"),
        ("none.csv", "cannot read `none.csv`"),
        (".", "it is a folder"),
    ] {
        let line = folder.refused(&["inspect", name, "--json"]);
        assert!(line.contains(part) && line.contains(name), "{line}");
    }
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
