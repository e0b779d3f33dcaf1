//! Files of other programs, known by their first bytes.

/// As many first bytes of a file as [`foreign`] looks at.
pub const HEAD: usize = 512;

/// What a file is, and what its user can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Such as `a NumPy array (.npy)`.
    pub kind: &'static str,
    /// A way to a file that lepton reads.
    pub hint: &'static str,
}

pub(crate) const SAVE: &str = "save its tensors as .safetensors";
pub(crate) const TABLE: &str = "export it as .csv";
const UNPACK: &str = "unpack it first";
const NONE: &str = "";

/// Where the mark stands, the mark, and what it says.
const MARKS: [(usize, &[u8], &str, &str); 32] = [
    (0, b"\x93NUMPY", "a NumPy array (.npy)", SAVE),
    (0, b"GGUF", "a GGUF model", SAVE),
    (0, b"ggml", "a GGML model", SAVE),
    (0, b"lmgg", "a GGML model", SAVE),
    (0, b"tjgg", "a GGML model", SAVE),
    (0, b"\x89HDF", "an HDF5 file (.h5)", SAVE),
    (4, b"TFL3", "a TensorFlow Lite model", SAVE),
    (
        0,
        b"\x80\x02\x8A\x0A\x6C\xFC\x9C\x46",
        "a PyTorch file (.pt)",
        SAVE,
    ),
    (0, b"\x80\x02", "a Python pickle", SAVE),
    (0, b"\x80\x03", "a Python pickle", SAVE),
    (0, b"\x80\x04", "a Python pickle", SAVE),
    (0, b"\x80\x05", "a Python pickle", SAVE),
    (0, b"MATLAB 5", "a MATLAB file (.mat)", SAVE),
    (0, b"PAR1", "a Parquet file", TABLE),
    (0, b"ARROW1", "an Arrow file", TABLE),
    (0, b"ORC", "an ORC file", TABLE),
    (0, b"Obj\x01", "an Avro file", TABLE),
    (0, b"SQLite format 3\0", "an SQLite database", TABLE),
    (0, b"\xD0\xCF\x11\xE0", "an old Office file (.xls)", TABLE),
    (0, b"RDX", "an R data file", TABLE),
    (0, b"\x1F\x8B", "a gzip file", UNPACK),
    (0, b"BZh", "a bzip2 file", UNPACK),
    (0, b"\xFD7zXZ", "an xz file", UNPACK),
    (0, b"\x28\xB5\x2F\xFD", "a zstd file", UNPACK),
    (0, b"7z\xBC\xAF", "a 7z archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"%PDF", "a PDF document", NONE),
    (0, b"\x89PNG", "a PNG picture", NONE),
    (0, b"\xFF\xD8\xFF", "a JPEG picture", NONE),
    (0, b"GIF8", "a GIF picture", NONE),
    (0, b"\x7FELF", "a program", NONE),
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer and not the file itself",
        "fetch it with `git lfs pull`",
    ),
];

/// Marks in the name of a zip archive's first file.
const ZIPPED: [(&str, &str, &str); 6] = [
    (".npy", "a NumPy archive (.npz)", SAVE),
    (".pkl", "a PyTorch file (.pt)", SAVE),
    ("/version", "a PyTorch file (.pt)", SAVE),
    (".format_version", "a PyTorch file (.pt)", SAVE),
    ("[Content_Types]", "an Office file (.xlsx)", TABLE),
    ("mimetype", "an OpenDocument file (.ods)", TABLE),
];

/// What the file with these first bytes is, when it is of a known kind that lepton does not read.
///
/// ```
/// use lepton_tabular::foreign;
/// assert_eq!(foreign(b"\x93NUMPY\x01\0").unwrap().kind, "a NumPy array (.npy)");
/// assert!(foreign(b"x,y\n1,2\n").is_none());
/// ```
pub fn foreign(head: &[u8]) -> Option<Foreign> {
    if head.starts_with(b"PK\x03\x04") {
        return Some(zipped(head));
    }
    // A table may begin with a short mark, as with the column ORCID.
    let text = is_text(head);
    let is = |at: usize, mark: &[u8]| {
        let found = head.get(at..).is_some_and(|h| h.starts_with(mark));
        found && (at > 0 || mark.len() > 8 || !text)
    };
    let marked = MARKS.into_iter().find(|(at, mark, ..)| is(*at, mark));
    let marked = marked.map(|(.., kind, hint)| Foreign { kind, hint });
    marked.or_else(|| counted(head))
}

/// Whether these bytes are text, cut off maybe inside a character.
fn is_text(head: &[u8]) -> bool {
    let whole = std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true);
    let control = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace();
    whole && !head.iter().any(control)
}

fn zipped(head: &[u8]) -> Foreign {
    let length = match head.get(26..28) {
        Some(length) => usize::from(u16::from_le_bytes([length[0], length[1]])),
        None => 0,
    };
    let name = head.get(30..).unwrap_or_default();
    let name = String::from_utf8_lossy(&name[..length.min(name.len())]);
    let found = ZIPPED.into_iter().find(|(mark, ..)| name.contains(mark));
    let (_, kind, hint) = found.unwrap_or(("", "a zip archive", UNPACK));
    Foreign { kind, hint }
}

/// Formats that begin with small numbers.
fn counted(head: &[u8]) -> Option<Foreign> {
    let found = |kind| Some(Foreign { kind, hint: SAVE });
    match head {
        // Zero, zero, the element type, and the number of axes.
        [0, 0, 8 | 9 | 11..=14, 1..=8, ..] => found("an IDX file, as MNIST's are"),
        // Field 1 is the version of the format, field 2 the name of the program that wrote the model.
        [0x08, 1..=32, 0x12, ..] => found("an ONNX model"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let zip = |name: &str| {
            [
                &b"PK\x03\x04"[..],
                &[0; 22],
                &[name.len() as u8, 0, 0, 0],
                name.as_bytes(),
                &[7; 9],
            ]
            .concat()
        };
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (head, part) in [
            (zip("arr_0.npy"), ".npz"),
            (zip("archive/data.pkl"), ".pt"),
            (zip("net/version"), ".pt"),
            (zip("[Content_Types].xml"), ".xlsx"),
            (zip("notes.txt"), "zip archive"),
            (b"PK\x03\x04".to_vec(), "zip archive"),
            (tar, "tar"),
            (vec![0, 0, 8, 3, 0, 0, 0xEA, 0x60], "IDX"),
            (b"\x08\x07\x12\x07pytorch".to_vec(), "ONNX"),
            (
                b"version https://git-lfs.github.com/spec/v1".to_vec(),
                "LFS",
            ),
            (b"\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9".to_vec(), "PyTorch"),
            (b"\x80\x04\x95".to_vec(), "pickle"),
        ] {
            let found = foreign(&head).expect(part);
            assert!(found.kind.contains(part), "{part}: {found:?}");
        }
        for ours in [
            &b""[..],
            b"PK",
            b"a,b\n",
            b"\0\0",
            b"\xEF\xBB\xBFa,b",
            b"{\"a\":1}",
            b"ORCID,BZh\n1,2\n",
        ] {
            assert_eq!(foreign(ours), None);
        }
    }
}
