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

    /// The names in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
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
        let output = self.command(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && stderr.is_empty(),
            "{args:?}: {stderr}"
        );
        String::from_utf8(output.stdout).unwrap()
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
