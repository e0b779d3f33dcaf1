//! Running the built command in a folder of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder that is removed at the end of a test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new empty folder; `name` is the test's.
    pub(crate) fn new(name: &str) -> Folder {
        let name = format!("lepton-cli-test-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// The folder with a file in it.
    pub(crate) fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Folder {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    /// The place of `name` in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The bytes of the file `name`.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The names in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names_in("")
    }

    /// The names in a folder below, sorted.
    #[track_caller]
    pub(crate) fn names_in(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The command with `args`, to be run in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lepton"));
        command.args(args).current_dir(&self.0);
        command
    }

    /// Runs the command, which must succeed without a word on stderr, and returns what it printed.
    #[track_caller]
    pub(crate) fn lepton(&self, args: &[&str]) -> String {
        let (stdout, stderr) = self.both(args);
        assert!(stderr.is_empty(), "{args:?}: {stderr}");
        stdout
    }

    /// Runs the command, which must succeed, and returns what it printed and what it told beside.
    #[track_caller]
    pub(crate) fn both(&self, args: &[&str]) -> (String, String) {
        let output = self.command(args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {stderr}");
        (String::from_utf8(output.stdout).unwrap(), stderr)
    }

    /// Runs the command, which must refuse: one line on stderr, exit code 2, and no file come or gone.
    #[track_caller]
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let before = self.names();
        let output = self.command(args).output().unwrap();
        assert_eq!(self.names(), before, "{args:?} left something");
        refusal(&output)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A data set of the project.
pub(crate) fn data(name: &str) -> String {
    format!("{}/../data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Forty rows whose answer is a threshold on one column, with words, truth values and gaps.
pub(crate) fn visits() -> String {
    let row = |i: usize| {
        let (age, site) = (20 + i, ["Basel", "Bern", ""][i % 3]);
        let blood = if i % 9 == 4 {
            String::new()
        } else {
            format!("{}.5", 60 + i % 7)
        };
        format!(
            "{age},{site},{blood},{},{}\n",
            i.is_multiple_of(2),
            ["well", "ill"][i / 20]
        )
    };
    "age,site,blood,smokes,state\n".to_string() + &(0..40).map(row).collect::<String>()
}

/// A command line without the name of the command.
pub(crate) fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// The one line that a refusal prints.
#[track_caller]
pub(crate) fn refusal(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("lepton: "), "{stderr}");
    assert_eq!(stderr.matches('\n').count(), 1, "{stderr}");
    assert!(stderr.ends_with('\n'));
    stderr.trim_end().trim_start_matches("lepton: ").to_string()
}

/// `model.json` with the hash that fits its contents, as a forger would write it.
pub(crate) fn sealed(text: &str) -> Vec<u8> {
    let (head, rest) = text.split_at(text.match_indices('\n').nth(1).unwrap().0 + 1);
    assert!(head.starts_with("{\n  \"sha256\": "), "{head}");
    let hash = lepton::nn::files::sha256(rest.as_bytes());
    format!("{{\n  \"sha256\": \"{hash}\",\n{rest}").into_bytes()
}
