//! HTTP/1.1 on both ends of a passthrough.
//!
//! A passthrough promises bytes: names in their spelling and order, duplicates, interim answers, trailers.
//! General HTTP libraries keep a normalised map of headers and hide the rest, so this crate reads and writes
//! HTTP/1.1 (RFC 9112) itself. It is strict where two programs could read one message differently, because
//! that is how requests are smuggled. It knows nothing of providers, credentials, TLS or routes.

pub mod body;
pub mod client;
pub mod framing;
pub mod head;
pub mod server;
pub mod trailer;

use bytes::Bytes;

/// A header or trailer field: name in the spelling of its sender, and the value without the white space
/// around it.
pub type Field = (Bytes, Bytes);
