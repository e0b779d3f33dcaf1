//! A revision of the repository, checked out beside this one and built.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Cleans up behind the comparison, whatever happens to it: a shell that waits until this process
/// closes its pipe, by ending in any way, and removes the worktrees then.
pub(super) struct Janitor {
    /// The temporary folder.
    folder: PathBuf,
    shell: Child,
}

impl Janitor {
    pub(super) fn new() -> Result<Janitor, String> {
        let unique = format!("lepton-ab-{}", std::process::id());
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        // The signal that ends this process by Ctrl-C goes to the shell too, which outlives it.
        let script = r#"trap '' INT TERM HUP; cat >/dev/null; rm -rf "$1"; git worktree prune"#;
        let shell = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| format!("sh: {e}"))?;
        Ok(Janitor { folder, shell })
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // Closes the pipe; nothing can be done about a failure here.
        drop(self.shell.stdin.take().map(|mut pipe| pipe.flush()));
        drop(self.shell.wait());
    }
}

/// A revision whose `compare` is built.
pub(super) struct Revision {
    /// As the user named it.
    pub(super) name: String,
    /// Its commit.
    pub(super) commit: String,
    /// Its program.
    pub(super) compare: PathBuf,
}

/// The commit that `name` stands for.
pub(super) fn commit(name: &str) -> Result<String, String> {
    let commit = format!("{name}^{{commit}}");
    let found = git(&["rev-parse", "--quiet", "--verify", &commit]);
    found.map_err(|_| format!("git knows no revision '{name}'"))
}

impl Revision {
    /// Checks out and builds; `side` tells both apart where they are the same revision.
    pub(super) fn build(
        janitor: &Janitor,
        side: &str,
        name: &str,
        commit: &str,
    ) -> Result<Revision, String> {
        let tree = janitor.folder.join(side);
        git(&[
            "worktree",
            "add",
            "--quiet",
            "--detach",
            path(&tree)?,
            commit,
        ])?;
        // One target folder: what both depend on is compiled once.
        let target = janitor.folder.join("target");
        let out = Command::new("cargo")
            .args([
                "build",
                "--release",
                "--quiet",
                "-p",
                "lepton-benches",
                "--bin",
                "compare",
            ])
            .current_dir(&tree)
            .env("CARGO_TARGET_DIR", &target)
            .output()
            .map_err(|e| format!("cargo: {e}"))?;
        if !out.status.success() {
            let text = String::from_utf8_lossy(&out.stderr);
            let error = text
                .lines()
                .find(|l| l.starts_with("error"))
                .unwrap_or("no reason given");
            return Err(format!("'{name}' does not build: {error}"));
        }
        let compare = tree.join("compare");
        std::fs::copy(target.join("release/compare"), &compare)
            .map_err(|e| format!("{}: {e}", compare.display()))?;
        Ok(Revision {
            name: name.to_owned(),
            commit: commit[..12.min(commit.len())].to_owned(),
            compare,
        })
    }
}

fn path(p: &Path) -> Result<&str, String> {
    p.to_str().ok_or(format!("{}: not UTF-8", p.display()))
}

/// Runs git; what it prints, or its complaint.
pub(crate) fn git(args: &[&str]) -> Result<String, String> {
    let out = Command::new("git").args(args).output();
    let out = out.map_err(|e| format!("git: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if out.status.success() {
        return Ok(text(&out.stdout));
    }
    Err(format!("git {}: {}", args[0], text(&out.stderr)))
}
