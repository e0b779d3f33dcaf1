//! What `--out` may replace, and how: links are followed, modes kept, devices and pipes written, inputs
//! and the files of others refused.

use std::fs;
use std::path::Path;

use crate::folder::{Folder, visits, words};

const TRAIN: &str = "train --data v.csv --target state --hidden 4 --epochs 2 --quiet --out m";

/// A folder with a table and a trained model.
fn trained(name: &str) -> Folder {
    let folder = Folder::new(name).with("v.csv", visits());
    folder.lepton(&words(TRAIN));
    folder
}

/// The arguments of a prediction into `out`.
fn predict(out: &str) -> Vec<&str> {
    let mut line = words("predict --model m --data v.csv --quiet --out");
    line.push(out);
    line
}

#[test]
fn an_output_that_is_read_is_refused() {
    let folder = trained("read");
    fs::hard_link(folder.path("v.csv"), folder.path("hard.csv")).unwrap();
    let before = folder.read("v.csv");
    for out in [
        "v.csv",
        "./m/../v.csv",
        "hard.csv",
        "m/model.json",
        "m/CARD.md",
    ] {
        let line = folder.refused(&predict(out));
        assert!(
            line.contains(&format!("cannot write `{out}`: it is the input")),
            "{line}"
        );
        assert!(line.contains("choose another place"), "{line}");
    }
    assert_eq!(folder.read("v.csv"), before);
    // The table has the name of a file that training writes.
    let folder = folder.with("history.csv", visits());
    let line = folder.refused(&words(
        "train --data history.csv --target state --quiet --out .",
    ));
    assert!(
        line.contains("`./history.csv`: it is the input `history.csv`"),
        "{line}"
    );
}

#[test]
fn files_of_others_are_refused_before_any_work() {
    let folder = trained("others").with("mine.csv", "x");
    for name in [
        "CARD.md",
        "history.csv",
        "history.svg",
        "model.safetensors",
        "model.json",
    ] {
        fs::create_dir(folder.path("o")).unwrap();
        fs::write(folder.path("o").join(name), "mine").unwrap();
        let line = TRAIN.replace("--out m", "--out o --epochs 1000000");
        let line = folder.refused(&words(&line.replace("--epochs 2 ", "")));
        assert!(line.contains(&format!("`o/{name}`")), "{line}");
        assert!(line.contains("was not written by lepton"), "{line}");
        assert!(
            line.contains("move or remove it, or choose another folder"),
            "{line}"
        );
        assert_eq!(folder.names_in("o"), [name]);
        fs::remove_dir_all(folder.path("o")).unwrap();
    }
    fs::create_dir(folder.path("o")).unwrap();
    for name in ["report.html", "summary.json", "rules.txt"] {
        fs::write(folder.path("o").join(name), "mine").unwrap();
        let line = folder.refused(&words("demo --out o"));
        assert!(line.contains(&format!("`o/{name}`")), "{line}");
        fs::remove_file(folder.path("o").join(name)).unwrap();
    }
    // A model of one's own is replaced as often as one likes.
    folder.lepton(&words(&(TRAIN.to_owned() + " --seed 5")));
    folder.lepton(&words("predict --model m --data v.csv --quiet"));
}

#[test]
fn two_trainings_and_a_prediction_meanwhile_never_mix() {
    let folder = trained("company");
    let answers =
        |out: &str| folder.lepton(&["predict", "--model", out, "--data", "v.csv", "--quiet"]);
    let line =
        |seed: &str, out: &str| TRAIN.replace("--out m", &format!("--seed {seed} --out {out}"));
    let whole = ["1", "2"].map(|seed| {
        folder.lepton(&words(&line(seed, seed)));
        answers(seed)
    });
    folder.lepton(&words(&line("1", "m")));
    std::thread::scope(|s| {
        let trainings = ["1", "2"].map(|seed| {
            let (folder, line) = (&folder, line(seed, "m"));
            s.spawn(move || (0..5).for_each(|_| drop(folder.lepton(&words(&line)))))
        });
        while trainings.iter().any(|t| !t.is_finished()) {
            assert!(whole.contains(&answers("m")));
        }
    });
    assert_eq!(folder.names_in("m").len(), 5);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    #[test]
    fn modes_are_kept_and_links_followed() {
        let folder = trained("modes").with("p.csv", "");
        let answers = folder.lepton(&predict("p.csv")[..6]);
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path("p.csv"), private.clone()).unwrap();
        fs::set_permissions(folder.path("m/CARD.md"), private).unwrap();
        symlink("p.csv", folder.path("link.csv")).unwrap();
        folder.lepton(&predict("link.csv"));
        folder.lepton(&words(TRAIN));
        let mode = |name: &str| {
            fs::metadata(folder.path(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(
            (mode("p.csv") & 0o777, mode("m/CARD.md") & 0o777),
            (0o600, 0o600)
        );
        assert!(
            fs::symlink_metadata(folder.path("link.csv"))
                .unwrap()
                .is_symlink()
        );
        assert_eq!(folder.read("p.csv"), answers.as_bytes());
    }

    #[test]
    fn devices_and_pipes_are_written() {
        let folder = trained("devices");
        let answers = folder.lepton(&predict("p.csv")[..6]);
        symlink("/dev/null", folder.path("null")).unwrap();
        folder.lepton(&predict("null"));
        let null = fs::metadata(folder.path("null")).unwrap();
        assert!(null.file_type().is_char_device());
        assert_eq!(folder.lepton(&predict("/dev/stdout")), answers);
        assert!(Path::new("/dev/stdout").exists());

        let made = Command::new("mkfifo").arg(folder.path("pipe")).status();
        assert!(made.unwrap().success());
        let reader = Command::new("cat")
            .arg(folder.path("pipe"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        folder.lepton(&predict("pipe"));
        let read = reader.wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8(read).unwrap(), answers);
        assert!(
            fs::metadata(folder.path("pipe"))
                .unwrap()
                .file_type()
                .is_fifo()
        );
    }

    #[test]
    fn standard_output_in_a_file_is_appended_to() {
        let folder = trained("appended").with("all.csv", "before\n");
        let answers = folder.lepton(&predict("p.csv")[..6]);
        let all = fs::OpenOptions::new()
            .append(true)
            .open(folder.path("all.csv"));
        let mut command = folder.command(&predict("/dev/stdout"));
        assert!(command.stdout(all.unwrap()).status().unwrap().success());
        assert_eq!(
            folder.read("all.csv"),
            format!("before\n{answers}").as_bytes()
        );
    }
}
