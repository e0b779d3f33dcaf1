//! The one error type of lepton: a kind and a full sentence.

use std::fmt;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in one full sentence for a person and one [`ErrorKind`] for a program.
///
/// It is one pointer wide, so a `Result` of a handle stays small.
///
/// ```
/// use lepton_tensor::{Error, ErrorKind};
/// let e = Error::shape("matmul: inner sizes differ: 3 and 4");
/// assert_eq!(e.kind(), ErrorKind::Shape);
/// assert_eq!(e.to_string(), "matmul: inner sizes differ: 3 and 4");
/// ```
pub struct Error(Box<Inner>);

/// On the heap, so that the error is one pointer wide.
struct Inner {
    /// For a program.
    kind: ErrorKind,
    /// For a person.
    message: String,
}

/// The kinds of [`Error`] a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes or sizes do not fit together.
    Shape,
    /// A dtype is not accepted here.
    DType,
    /// An index lies outside its axis.
    Index,
    /// A value or an argument is out of its range.
    Value,
    /// Outside bytes (a file, a table, a message) are not what they claim.
    Format,
    /// The system refused to read or write.
    Io,
    /// The operation exists, but not on this device, dtype or build.
    Unsupported,
}

impl Error {
    /// An error of `kind` with `message`, a full sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let message = message.into();
        Error(Box::new(Inner { kind, message }))
    }

    /// Shapes that do not fit.
    pub fn shape(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Shape, message)
    }

    /// A dtype that is not accepted.
    pub fn dtype(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::DType, message)
    }

    /// An index out of range.
    pub fn index(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Index, message)
    }

    /// A value or argument out of range.
    pub fn value(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Value, message)
    }

    /// Outside bytes that are not what they claim.
    pub fn format(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Format, message)
    }

    /// Something this build, device or dtype lacks.
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message)
    }

    /// A failure of the system at `what` (a path, usually).
    pub fn io(what: impl fmt::Display, cause: &std::io::Error) -> Error {
        Error::new(ErrorKind::Io, format!("{what}: {cause}"))
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The same error in the name of `who`, a function made of the one that failed.
    ///
    /// ```
    /// let e = lepton_tensor::Error::value("solve: matrix 0 is singular");
    /// assert_eq!(e.told_by("inverse").to_string(), "inverse: matrix 0 is singular");
    /// ```
    pub fn told_by(mut self, who: &str) -> Error {
        let sentence = match self.0.message.split_once(": ") {
            Some((name, rest)) if !name.contains(' ') => rest,
            _ => &self.0.message,
        };
        self.0.message = format!("{who}: {sentence}");
        self
    }

    /// The same error with `place` and a colon in front of its sentence.
    ///
    /// ```
    /// use lepton_tensor::Error;
    /// let e = Error::value("the scale is 0").at("layer 3");
    /// assert_eq!(e.to_string(), "layer 3: the scale is 0");
    /// ```
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.0.message = format!("{place}: {}", self.0.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl std::error::Error for Error {}
