//! Why an exchange failed, and what the server may have seen of it.

use std::io;

use thiserror::Error;

use super::BoxError;
use crate::body::BodyError;
use crate::framing::FramingError;
use crate::head::{HeadError, Unwritable};

/// Why there is no answer, or not all of it. The connection cannot be used any more.
#[derive(Debug, Error)]
pub enum Error {
    /// The head of the request cannot be written. Nothing was.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// Another exchange has not ended, or has left something behind.
    #[error("the connection is not free for a request; open another one")]
    NotFree,
    /// The server spoke before it was asked.
    #[error("the server sent bytes that nobody asked for")]
    Unasked,
    /// The server closed the connection before its answer was complete.
    #[error("connection closed before the answer was complete")]
    Closed,
    /// The connection broke before the answer was complete.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// The head of the answer is not sound.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The length of the answer's body cannot be known.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The answer's body is not sound.
    #[error(transparent)]
    Body(BodyError),
    /// More interim heads than any sound server sends.
    #[error("more than 32 interim heads, or 64 KiB of them, before the answer")]
    Interim,
    /// The server changed the protocol without having been asked to.
    #[error("101 without having been asked")]
    Switched,
    /// The source of the request body failed.
    #[error("the source of the request body failed")]
    Source(#[source] BoxError),
    /// The request body is longer or shorter than was announced.
    #[error("the request body is not as long as it was said to be")]
    Length,
}

/// Whether the server may have seen a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Not a byte of it left this machine.
    No,
    /// Some of it did, or all of it into a connection that was closed.
    Unknown,
    /// All of it left this machine, or the server began to answer.
    Yes,
}
