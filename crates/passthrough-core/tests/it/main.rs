//! What this crate promises to the outside, tested through its public interface only.

#![allow(clippy::unwrap_used, reason = "in a test, a broken precondition is a failure")]

mod asking;
mod catalog;
mod golden;
mod sample;
