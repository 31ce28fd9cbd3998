//! The JSON shapes of the HTTP API, shared by the server and the Rust SDK.
//!
//! Only here are JSON names decided. What comes in is read strictly (unknown fields are refused with the
//! nearest known name, all mistakes are reported at once); what goes out is written from these types.

pub mod api_key;
pub mod connection;
pub mod error;
pub mod event;
pub mod fields;
pub mod integration;
pub mod link;
pub mod page;
pub mod panora;
pub mod passthrough;
pub mod provider;
pub mod record;
pub mod terminal;
pub mod time;
pub mod webhook;
pub mod words;

/// The header of every answer of ours that carries the request id.
pub const REQUEST_ID_HEADER: &str = "passthrough-request-id";
/// The header that says whose words a body is: `provider`, `envelope` or `passthrough`.
pub const SOURCE_HEADER: &str = "passthrough-source";
/// The header that carries the connection token.
pub const CONNECTION_TOKEN_HEADER: &str = "connection-token";
/// The header for the total deadline, in milliseconds.
pub const TIMEOUT_HEADER: &str = "passthrough-timeout-ms";
/// The header that says how often a call may be sent again: 0, 1 or 2.
pub const RETRIES_HEADER: &str = "passthrough-retries";
/// The header that says what to do where the provider has said "not before": `wait` or `refuse`.
pub const THROTTLE_HEADER: &str = "passthrough-throttle";
/// The header for the name of one of the provider's base URLs.
pub const BASE_HEADER: &str = "passthrough-base";
