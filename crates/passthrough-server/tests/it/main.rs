//! The integration tests of the server, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, a broken precondition is a failure with its reason"
)]

mod upstream;
