//! Why an upstream request failed, and whether the provider may have seen it.
//!
//! The reasons are closed and carry the names of the API's `detail.reason`. Nothing here ever holds a
//! header value, a path or a query: what a provider is asked is the customer's business.

use std::io;

pub use passthrough_core::fault::Sent;
use passthrough_http1::client as http1;
use passthrough_http1::head::HeadError;
use thiserror::Error;

/// Why an upstream request, or the reading of its answer, failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The host name could not be resolved within its deadline.
    Dns,
    /// No address of the provider accepted a connection.
    Connect,
    /// The TLS handshake failed, or the provider broke TLS off (an untrusted or missing certificate).
    Tls,
    /// The address rules allow none of the addresses, or not this scheme.
    BlockedAddress,
    /// The provider answered with something that is not sound HTTP.
    Protocol,
    /// The provider closed the connection before its answer was complete.
    Reset,
    /// The head of the answer is larger than is accepted, or its body than the caller of this module accepts.
    TooLarge,
    /// Connecting, TLS included, took longer than its deadline.
    ConnectTimeout,
    /// The head of the answer did not come within its deadline.
    FirstByteTimeout,
    /// A body stood still for longer than its deadline.
    IdleTimeout,
    /// The total deadline of the call passed.
    TotalTimeout,
    /// Too many requests are in flight, and none ended within the waiting time.
    Overloaded,
    /// The client certificate cannot be used.
    InvalidIdentity,
    /// The body that was to be sent failed at its source.
    RequestBody,
}

impl Reason {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Dns => "dns",
            Reason::Connect => "connect",
            Reason::Tls => "tls",
            Reason::BlockedAddress => "blocked_address",
            Reason::Protocol => "protocol",
            Reason::Reset => "reset",
            Reason::TooLarge => "too_large",
            Reason::ConnectTimeout => "connect_timeout",
            Reason::FirstByteTimeout => "first_byte_timeout",
            Reason::IdleTimeout => "idle_timeout",
            Reason::TotalTimeout => "total_timeout",
            Reason::Overloaded => "overloaded",
            Reason::InvalidIdentity => "invalid_identity",
            Reason::RequestBody => "request_body",
        }
    }

    /// One sentence for a person, without anything of the request.
    pub fn message(self) -> &'static str {
        match self {
            Reason::Dns => "the provider's host name could not be resolved",
            Reason::Connect => "no address of the provider accepted a connection",
            Reason::Tls => "no TLS connection with the provider could be made",
            Reason::BlockedAddress => "the provider's address is not one that requests may be sent to",
            Reason::Protocol => "the provider's answer is not valid HTTP",
            Reason::Reset => "the provider closed the connection before its answer was complete",
            Reason::TooLarge => "the provider's answer is too large",
            Reason::ConnectTimeout => "connecting to the provider took too long",
            Reason::FirstByteTimeout => "the provider did not begin to answer in time",
            Reason::IdleTimeout => "the transfer stood still for too long",
            Reason::TotalTimeout => "the deadline of this call passed",
            Reason::Overloaded => "too many requests are in flight; try again shortly",
            Reason::InvalidIdentity => "the client certificate cannot be used; store a valid one",
            Reason::RequestBody => "the request body could not be read to its end",
        }
    }
}

/// An upstream request without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", reason.message())]
pub struct SendError {
    /// Why.
    pub reason: Reason,
    /// Whether anything reached the provider.
    pub sent: Sent,
    /// More for the operator's log (`certificate expired`, `connection refused`). It may name the host or
    /// an address, never anything of the request; callers are not shown it.
    pub detail: Option<Box<str>>,
}

impl SendError {
    pub(super) fn new(reason: Reason, sent: Sent) -> Self {
        Self { reason, sent, detail: None }
    }

    /// A failure before anything was written.
    pub(super) fn unsent(reason: Reason) -> Self {
        Self::new(reason, Sent::No)
    }

    pub(super) fn with(mut self, detail: impl ToString) -> Self {
        self.detail = Some(detail.to_string().into());
        self
    }
}

/// An answer whose body did not arrive in full. What came before it is not the whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", reason.message())]
pub struct BodyError {
    /// Why: `reset`, `protocol`, `tls`, `idle_timeout`, `total_timeout`, `request_body`.
    pub reason: Reason,
}

/// What an error of an HTTP/1.1 connection means.
pub(super) fn classify(error: &http1::Error) -> Reason {
    match error {
        http1::Error::Closed => Reason::Reset,
        http1::Error::Io(error) => classify_io(error),
        http1::Error::Source(_) | http1::Error::Length => Reason::RequestBody,
        http1::Error::Head(HeadError::TooLarge | HeadError::TooMany) => Reason::TooLarge,
        http1::Error::Unwritable(_)
        | http1::Error::NotFree
        | http1::Error::Unasked
        | http1::Error::Head(_)
        | http1::Error::Framing(_)
        | http1::Error::Body(_)
        | http1::Error::Interim
        | http1::Error::Switched => Reason::Protocol,
    }
}

/// What an error of an HTTP/2 stream means.
pub(super) fn classify_h2(error: &h2::Error) -> Reason {
    match error.get_io() {
        Some(error) => classify_io(error),
        // The provider broke the stream or the connection off; it says so, and why is its own business.
        None if error.is_remote() => Reason::Reset,
        // It was broken off here, because of what the provider sent.
        None => Reason::Protocol,
    }
}

/// Whether this process (EMFILE) or the whole machine (ENFILE) may open no more files; the numbers are the same on
/// every Unix.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// What an error of opening a connection means. That we have no socket left is not the provider's failure: it must
/// not close the provider for everybody.
pub(super) fn classify_dial(error: &io::Error) -> Reason {
    if is_out_of_descriptors(error) { Reason::Overloaded } else { Reason::Connect }
}

/// What an error of the connection below HTTP means.
pub(super) fn classify_io(error: &io::Error) -> Reason {
    // In TLS 1.3 a provider refuses a client certificate only after the handshake looked done.
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if tls { Reason::Tls } else { Reason::Reset }
}
