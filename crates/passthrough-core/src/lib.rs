//! The domain of Passthrough without IO.
//!
//! Everything here is a pure function or a plain value. This crate knows no runtime, no HTTP client, no
//! SQL, no environment, no clock and no randomness: time and nonces come in as arguments. That is what
//! makes the rules that protect credentials testable by the million.

pub mod address;
pub mod answer;
pub mod base_url;
pub mod breaker;
pub mod connection;
pub mod fault;
pub mod freshness;
pub mod grant;
pub mod header;
pub mod id;
pub mod json_body;
pub mod limit;
pub mod path;
pub mod provider;
pub mod redact;
pub mod retry;
pub mod sign;
pub mod soap_body;
pub mod suggest;
pub mod template;
pub mod token;
pub mod upstream;
