//! The vault through its public face, with real files and real processes.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what it did not expect")]

mod file;
mod processes;
mod rotation;
mod sealing;
