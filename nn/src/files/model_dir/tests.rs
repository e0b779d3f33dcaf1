//! Model directories under kills, flipped bytes and company.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::files::{ModelDir, ModelFiles, test_folder, write_atomic};

/// The test's own name, by which the child process finds it again.
const CHILD: &str = "files::model_dir::tests::child_that_is_killed";
const STOP: &str = "LEPTON_TEST_STOP";
const FOLDER: &str = "LEPTON_TEST_FOLDER";

/// Kills this process at the step that the parent named, without unwinding.
pub(super) fn step() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let stop = std::env::var(STOP).ok().and_then(|s| s.parse().ok());
    if stop == Some(COUNT.fetch_add(1, Ordering::Relaxed)) {
        std::process::abort();
    }
}

/// A model of which every file says `text`.
fn write(folder: &Path, text: &str) -> lepton_tensor::Result<Vec<String>> {
    let model = serde_json::Map::from_iter([("is".to_owned(), text.into())]);
    let names = ["model.safetensors", "CARD.md", "history.csv"];
    let files = names.map(|n| (n.to_owned(), format!("{n} of {text}").into_bytes()));
    ModelDir::prepare(folder, &names[1..], &[])?.write(model, &files)
}

/// Which model is there, after seeing that it is whole.
fn which(folder: &Path) -> String {
    let found = ModelFiles::open(folder).unwrap();
    let text = found.model["is"].as_str().unwrap().to_owned();
    assert_eq!(
        found.tensors,
        format!("model.safetensors of {text}").as_bytes()
    );
    text
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn expected() -> BTreeSet<String> {
    ["CARD.md", "history.csv", "model.json", "model.safetensors"]
        .map(String::from)
        .into()
}

/// Not a test of its own: what the next test starts and kills.
#[test]
fn child_that_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write(Path::new(&folder), "new").unwrap();
    }
}

/// Runs the child up to its step `stop`; whether it lived to its end.
fn child(folder: &Path, stop: usize) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", CHILD]);
    command.env(FOLDER, folder).env(STOP, stop.to_string());
    command.output().unwrap().status.success()
}

#[test]
fn a_killed_writer_leaves_the_old_model_or_the_new_one() {
    let mut seen = Vec::new();
    for stop in 0.. {
        let folder = test_folder("killed");
        write(&folder, "old").unwrap();
        let lived = child(&folder, stop);
        seen.push(which(&folder));
        // The next writer finishes or removes what it finds.
        drop(ModelDir::prepare(&folder, &["CARD.md", "history.csv"], &[]).unwrap());
        assert_eq!(names(&folder), expected(), "killed at step {stop}");
        assert_eq!(which(&folder), seen[stop]);
        write(&folder, "next").unwrap();
        assert_eq!(which(&folder), "next");
        fs::remove_dir_all(folder).unwrap();
        if lived {
            break;
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
    let first_new = seen.iter().position(|s| s == "new").unwrap();
    assert!(first_new >= 4, "{seen:?}");
    assert!(seen[first_new..].iter().all(|s| s == "new"), "{seen:?}");
}

#[test]
fn the_first_model_is_whole_or_not_there() {
    for stop in 0.. {
        let folder = test_folder("first");
        let lived = child(&folder, stop);
        match folder.join("model.json").exists() {
            true => assert_eq!(which(&folder), "new"),
            false => assert!(ModelFiles::open(&folder).is_err()),
        }
        write(&folder, "next").unwrap();
        assert_eq!(names(&folder), expected(), "killed at step {stop}");
        fs::remove_dir_all(folder).unwrap();
        if lived {
            break;
        }
    }
}

#[test]
fn every_flipped_byte_is_refused_with_the_name_of_its_file() {
    let folder = test_folder("flipped");
    write(&folder, "sound").unwrap();
    for name in expected() {
        let path = folder.join(&name);
        let sound = fs::read(&path).unwrap();
        for at in 0..sound.len() {
            for flip in [1, 0x20, 0x80] {
                let mut bytes = sound.clone();
                bytes[at] ^= flip;
                fs::write(&path, bytes).unwrap();
                let e = ModelFiles::open(&folder).unwrap_err().to_string();
                assert!(e.contains(&name) && !e.contains('\n'), "{name} {at}: {e}");
            }
        }
        for other in [&sound[1..], &sound[..sound.len() - 1], b""] {
            fs::write(&path, other).unwrap();
            assert!(ModelFiles::open(&folder).is_err(), "{name}");
        }
        fs::write(&path, sound).unwrap();
    }
    assert_eq!(which(&folder), "sound");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn two_writers_and_a_reader_never_mix_models() {
    let folder = test_folder("company");
    write(&folder, "a").unwrap();
    std::thread::scope(|s| {
        let writers = ["a", "b"].map(|text| {
            let folder = &folder;
            s.spawn(move || (0..30).for_each(|_| drop(write(folder, text).unwrap())))
        });
        while writers.iter().any(|w| !w.is_finished()) {
            assert!(["a", "b"].contains(&which(&folder).as_str()));
        }
    });
    assert_eq!(names(&folder), expected());
    fs::remove_dir_all(folder).unwrap();
}

fn refused(out: lepton_tensor::Result<ModelDir>) -> String {
    let e = out.unwrap_err().to_string();
    assert!(!e.contains('\n'), "{e}");
    e
}

#[test]
fn what_lepton_did_not_write_is_not_replaced() {
    let folder = test_folder("foreign");
    let card = folder.join("CARD.md");
    fs::write(&card, "mine").unwrap();
    let prepare = || ModelDir::prepare(&folder, &["CARD.md", "history.csv"], &[]);
    let e = refused(prepare());
    assert!(
        e.contains("CARD.md") && e.contains("move or remove it, or choose"),
        "{e}"
    );
    fs::remove_file(&card).unwrap();
    write(&folder, "old").unwrap();
    fs::write(&card, "edited").unwrap();
    assert!(refused(prepare()).contains("has changed since"));
    assert_eq!(fs::read(&card).unwrap(), b"edited");
    fs::remove_file(&card).unwrap();
    fs::create_dir(&card).unwrap();
    assert!(refused(prepare()).contains("a folder has this name"));
    fs::remove_dir(&card).unwrap();
    fs::write(folder.join("model.json"), "{}").unwrap();
    assert!(refused(prepare()).contains("model.json"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_input_is_not_replaced() {
    let folder = test_folder("input");
    let data = folder.join("history.csv");
    fs::write(&data, "x,y\n").unwrap();
    let out = ModelDir::prepare(&folder, &["history.csv"], &[&data]);
    assert!(refused(out).contains("it is the input"));
    assert_eq!(names(&folder), BTreeSet::from(["history.csv".to_owned()]));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn documents_of_the_model_before_go_with_it() {
    let folder = test_folder("before");
    write(&folder, "old").unwrap();
    fs::write(folder.join("mine.txt"), "mine").unwrap();
    let files = [("model.safetensors".to_owned(), b"new".to_vec())];
    let out = ModelDir::prepare(&folder, &[], &[]).unwrap();
    out.write(serde_json::Map::new(), &files).unwrap();
    let left: Vec<String> = names(&folder).into_iter().collect();
    assert_eq!(left, ["mine.txt", "model.json", "model.safetensors"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_model_without_hashes_is_still_read() {
    let folder = test_folder("unhashed");
    fs::write(
        folder.join("model.json"),
        r#"{"format": "lepton-model-1", "is": "old"}"#,
    )
    .unwrap();
    fs::write(folder.join("model.safetensors"), "model.safetensors of old").unwrap();
    assert_eq!(which(&folder), "old");
    write(&folder, "new").unwrap();
    assert_eq!(which(&folder), "new");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn only_folders_made_here_go_again() {
    let folder = test_folder("made");
    let prepare = |name: &str| ModelDir::prepare(folder.join(name), &[], &[]);
    let out = prepare("x/y").unwrap();
    assert!(names(&folder).is_empty());
    let twice = [
        ("CARD.md".to_owned(), Vec::new()),
        ("CARD.md".to_owned(), Vec::new()),
    ];
    assert!(out.write(serde_json::Map::new(), &twice).is_err());
    assert!(names(&folder).is_empty());
    fs::create_dir(folder.join("x")).unwrap();
    fs::write(folder.join("x/other"), "").unwrap();
    drop(prepare("x/y").unwrap());
    assert_eq!(
        names(&folder.join("x")),
        BTreeSet::from(["other".to_owned()])
    );
    assert!(refused(prepare("x/other")).starts_with("cannot make the folder"));
    assert!(refused(prepare("x/other/run")).starts_with("cannot make the folder"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn refusals_of_one_file_are_sentences_and_leave_nothing() {
    let folder = test_folder("refused");
    fs::write(folder.join("file"), "").unwrap();
    fs::create_dir(folder.join("taken")).unwrap();
    let write = |path: PathBuf| write_atomic(path, b"x").map_err(|e| e.to_string());
    let e = write(folder.join("taken")).unwrap_err();
    assert!(e.contains("a folder has this name"), "{e}");
    assert!(write(folder.join("no/file")).is_err());
    assert!(write(folder.join("file/file")).is_err());
    assert!(write(PathBuf::new()).is_err());
    assert_eq!(names(&folder), ["file", "taken"].map(String::from).into());
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn modes_are_kept_and_links_followed() {
        let (folder, other) = (test_folder("modes"), test_folder("elsewhere"));
        write(&folder, "old").unwrap();
        set_mode(&folder.join("CARD.md"), 0o600);
        let moved: PathBuf = other.join("tensors");
        fs::rename(folder.join("model.safetensors"), &moved).unwrap();
        symlink(&moved, folder.join("model.safetensors")).unwrap();
        fs::remove_file(folder.join("history.csv")).unwrap();
        symlink("/dev/null", folder.join("history.csv")).unwrap();
        write(&folder, "new").unwrap();
        assert_eq!(which(&folder), "new");
        assert_eq!(mode(&folder.join("CARD.md")), 0o600);
        assert_eq!(fs::read(&moved).unwrap(), b"model.safetensors of new");
        for link in ["model.safetensors", "history.csv"] {
            assert!(
                fs::symlink_metadata(folder.join(link))
                    .unwrap()
                    .is_symlink()
            );
        }
        assert_eq!(names(&other), BTreeSet::from(["tensors".to_owned()]));
        fs::remove_dir_all(folder).unwrap();
        fs::remove_dir_all(other).unwrap();
    }

    #[test]
    fn one_file_keeps_its_mode_and_a_pipe_is_written() {
        let folder = test_folder("one");
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::write(&file, "old").unwrap();
        set_mode(&file, 0o640);
        symlink("file", &link).unwrap();
        fs::write(folder.join(".lepton-1-1.tmp"), "left behind").unwrap();
        write_atomic(&link, b"new").unwrap();
        assert_eq!(
            (fs::read(&file).unwrap(), mode(&file)),
            (b"new".to_vec(), 0o640)
        );
        assert_eq!(names(&folder), ["file", "link"].map(String::from).into());
        write_atomic("/dev/null", b"new").unwrap();
        let e = write_atomic("/dev/full", b"new").unwrap_err();
        assert!(e.to_string().starts_with("cannot write `/dev/full`"), "{e}");
        fs::remove_dir_all(folder).unwrap();
    }
}
