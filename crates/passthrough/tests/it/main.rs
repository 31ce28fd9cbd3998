//! The program as its users meet it, and the rules of the house.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, these are how it fails"
)]

mod arrows;
mod cli;
mod connections;
mod envelope;
mod generated;
mod passthrough;
mod raw;
mod rig;
mod support;
mod websocket;
