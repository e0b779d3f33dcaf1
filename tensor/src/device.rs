//! Where a tensor lives.

use std::fmt;

use crate::{Error, Result};

/// The place of a tensor's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Device {
    /// Main memory.
    #[default]
    Cpu,
    /// Nowhere: shapes and dtypes without bytes, for summaries, costs and validation.
    Meta,
    /// A CUDA device by number; declared, and answered with an error until it is built.
    Cuda(usize),
}

impl Device {
    /// Fails with one sentence when tensors cannot be made here.
    ///
    /// # Errors
    /// For a device that this build has no kernels for.
    ///
    /// ```
    /// use lepton_tensor::Device;
    /// assert!(Device::Cpu.check().is_ok());
    /// assert!(Device::Cuda(0).check().is_err());
    /// ```
    pub fn check(self) -> Result<()> {
        match self {
            Device::Cpu | Device::Meta => Ok(()),
            Device::Cuda(_) => Err(Error::unsupported(format!(
                "{self}: this build has no CUDA kernels yet; use Device::Cpu"
            ))),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Meta => f.write_str("meta"),
            Device::Cuda(i) => write!(f, "cuda:{i}"),
        }
    }
}
