//! The testkit's own promises: what it starts is real and answers as its documentation says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, these are how it fails"
)]

mod services;
