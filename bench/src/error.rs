//! What goes wrong in a benchmark: a sentence for whoever runs it.

use std::fmt;

/// A run that cannot go on, or a row that cannot be measured.
#[derive(Debug)]
pub struct Error(pub String);

/// The outcome of a step.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(error: rustix::io::Errno) -> Self {
        Self(error.to_string())
    }
}

/// An error from words.
pub fn error<T>(message: impl Into<String>) -> Result<T> {
    Err(Error(message.into()))
}
