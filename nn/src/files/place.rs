//! Where the bytes of an output end up: links are followed, devices and pipes are recognised.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Links in a row that are followed, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// What stands at the end of a path.
#[derive(Debug)]
pub(super) enum Place {
    /// A regular file or a free name. Such a file is replaced as a whole.
    File(PathBuf),
    /// A device, a pipe or a descriptor of this process. It is written as it stands.
    Stream(PathBuf),
}

impl Place {
    /// Follows the links from `path`.
    ///
    /// # Errors
    /// When a folder stands there, a part of the path is no folder, or links form a circle.
    pub(super) fn of(path: &Path) -> io::Result<Place> {
        let refuse = |kind, message: &str| Err(io::Error::new(kind, message));
        if path.file_name().is_none() {
            return refuse(ErrorKind::InvalidInput, "the path names no file");
        }
        let mut at = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            let kind = match fs::symlink_metadata(&at) {
                Ok(found) => found.file_type(),
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Place::File(at)),
                Err(e) => return Err(e),
            };
            if is_descriptor(&at) {
                return Ok(Place::Stream(at));
            } else if kind.is_symlink() {
                at = parent(&at).join(fs::read_link(&at)?);
            } else if kind.is_dir() {
                return refuse(ErrorKind::IsADirectory, "a folder has this name");
            } else if kind.is_file() {
                return Ok(Place::File(at));
            } else {
                return Ok(Place::Stream(at));
            }
        }
        refuse(ErrorKind::InvalidInput, "its links form a circle")
    }
}

/// Writes `bytes` into the device or pipe at `path`. A reader that went away is no failure, as for
/// standard output.
pub(super) fn stream(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // A descriptor may stand for a regular file that the shell has begun, as in `>> all.csv`.
    match is_descriptor(path) {
        true => options.append(true),
        false => options.write(true),
    };
    let mut out = options.open(path)?;
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether `path` is an open descriptor of a process, such as the end of `/dev/stdout`.
fn is_descriptor(path: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(parent(path)) else {
        return false;
    };
    folder == Path::new("/dev/fd") || (folder.starts_with("/proc") && folder.ends_with("fd"))
}

/// The folder that `path` lies in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether both paths lead to one regular file, by whatever links.
pub(super) fn is_same_file(a: &Path, b: &Path) -> bool {
    let (Ok(x), Ok(y)) = (fs::metadata(a), fs::metadata(b)) else {
        return false;
    };
    x.is_file() && y.is_file() && is_same(a, &x, b, &y)
}

#[cfg(unix)]
fn is_same(_: &Path, x: &fs::Metadata, _: &Path, y: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (x.dev(), x.ino()) == (y.dev(), y.ino())
}

#[cfg(not(unix))]
fn is_same(a: &Path, _: &fs::Metadata, b: &Path, _: &fs::Metadata) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Refuses an output that would overwrite one of `inputs`, or a file that may not be written.
pub(super) fn may_replace(target: &Path, inputs: &[PathBuf]) -> io::Result<()> {
    if let Some(input) = inputs.iter().find(|i| is_same_file(i, target)) {
        let message = format!(
            "it is the input `{}`, which would be lost; choose another place for the output",
            input.display()
        );
        return Err(io::Error::other(message));
    }
    // A rename would replace a file that its owner has made read-only.
    match OpenOptions::new().write(true).open(target) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::files::test_folder;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_their_end() {
        let folder = test_folder("links");
        let at = |name: &str| folder.join(name);
        fs::write(at("file"), "").unwrap();
        symlink("file", at("one")).unwrap();
        symlink(at("one"), at("two")).unwrap();
        symlink("free", at("dangling")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("/dev/null", at("null")).unwrap();
        let file = |name: &str| match Place::of(&at(name)).unwrap() {
            Place::File(path) => path,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(file("two"), at("file"));
        assert_eq!(file("dangling"), at("free"));
        assert!(is_same_file(&at("two"), &at("file")));
        assert!(!is_same_file(&at("null"), Path::new("/dev/null")));
        assert!(matches!(Place::of(&at("null")), Ok(Place::Stream(_))));
        assert!(Place::of(&at("circle")).is_err() && Place::of(&folder).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
