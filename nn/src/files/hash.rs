//! The hash by which files are told apart.

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes` in hexadecimal.
///
/// ```
/// let empty = lepton_nn::files::sha256(b"");
/// assert!(empty.starts_with("e3b0c44298fc1c14") && empty.len() == 64);
/// ```
pub fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|b| format!("{b:02x}")).collect()
}
