//! What the tests of every crate share: real servers to talk to, and a plain HTTP request. Only ever a
//! dev-dependency.
//!
//! It must not know the domain: nothing here depends on another crate of this workspace, so that even the innermost
//! crate could be tested with it.

#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "in a test, a broken precondition is a failure with its reason"
)]

pub mod echo;
pub mod http;
pub mod http2;
pub mod postgres;
pub mod program;
pub mod raw_caller;
pub mod raw_server;
pub mod services;
pub mod tls_front;
pub mod unruly;
pub mod unruly_http2;
