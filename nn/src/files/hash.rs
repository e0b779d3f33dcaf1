//! The hash by which files are told apart.

use std::io::Read;

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes` in hexadecimal.
///
/// ```
/// let empty = lepton_nn::files::sha256(b"");
/// assert!(empty.starts_with("e3b0c44298fc1c14") && empty.len() == 64);
/// ```
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// A reader that hashes what it gives, so that a file need not be held in memory for its hash.
///
/// ```
/// use lepton_nn::files::{Hashed, sha256};
/// let mut reader = Hashed::new(&b"x,y\n1,2\n"[..]);
/// let text = std::io::read_to_string(&mut reader)?;
/// assert_eq!(reader.finish(), sha256(text.as_bytes()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Hashed<R> {
    reader: R,
    hash: Sha256,
}

impl<R: Read> Hashed<R> {
    /// Hashes what `reader` is going to give.
    pub fn new(reader: R) -> Hashed<R> {
        let hash = Sha256::new();
        Hashed { reader, hash }
    }

    /// The SHA-256 of all that was read, in hexadecimal.
    pub fn finish(self) -> String {
        hexadecimal(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(to)?;
        self.hash.update(&to[..count]);
        Ok(count)
    }
}

fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|b| format!("{b:02x}")).collect()
}
