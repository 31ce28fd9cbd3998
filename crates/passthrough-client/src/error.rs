//! What can go wrong, told apart by what the caller can do about it.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use passthrough_wire::error::{ErrorBody, ErrorCode, Sent};
use thiserror::Error;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call gave no result. A provider's 4xx or 5xx is a result, and never one of these.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error of its own.
    #[error("{0}")]
    Api(Box<ApiError>),
    /// No connection to the server was made; nothing was sent.
    #[error("cannot connect to {server}")]
    Connect {
        /// Scheme, host and port.
        server: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// The exchange broke off; the request may have been carried out.
    #[error("the exchange with {server} broke off")]
    Broken {
        /// Scheme, host and port.
        server: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// No answer came in time; the request may have been carried out.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The answer does not have the shape that it should have. Nothing of it is quoted: it may hold a secret.
    #[error("{what} cannot be read: it does not have the expected shape (line {line}, column {column})")]
    Decode {
        /// What was read.
        what: &'static str,
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// Something answered, but it is not Passthrough: another program at this address, or a proxy before it.
    #[error("the answer (status {status}) does not come from Passthrough: check the server's URL")]
    Stranger {
        /// Its status.
        status: StatusCode,
        /// How long to wait before another attempt, where it said.
        retry_after: Option<Duration>,
    },
    /// The request cannot be sent as it is.
    #[error("{0}")]
    Request(String),
    /// The server's URL cannot be used.
    #[error("the server's URL {0}")]
    ServerUrl(&'static str),
    /// TLS cannot be set up on this machine.
    #[error("cannot set up TLS")]
    Tls(#[source] Source),
}

/// An error that the server reported.
#[derive(Clone)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The error body: code, message, request id, who is at fault.
    pub body: ErrorBody,
    /// How long to wait before another attempt, where the server said.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.body.message, self.body.code.as_str())?;
        if !self.body.request_id.is_empty() {
            write!(f, ", {}", self.body.request_id)?;
        }
        f.write_str(")")
    }
}

/// Without `detail`: it is made from what the caller sent, and debug output ends up in logs.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status.as_u16())
            .field("code", &self.body.code.as_str())
            .field("request_id", &self.body.request_id)
            .field("origin", &self.body.origin.as_str())
            .field("sent", &self.body.sent.as_str())
            .finish_non_exhaustive()
    }
}

impl Error {
    /// The server's code, where the server reported the error.
    pub fn code(&self) -> Option<ErrorCode> {
        self.api().map(|error| error.body.code)
    }

    /// The server's error, where it is one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Error::Api(error) => Some(error),
            _ => None,
        }
    }

    /// Whether anything reached the provider. Repeat a write only where nothing did.
    pub fn sent(&self) -> Sent {
        match self {
            Error::Api(error) => error.body.sent,
            Error::Connect { .. } | Error::Request(_) | Error::ServerUrl(_) | Error::Tls(_) => Sent::No,
            // An answer came that cannot be read: the request may well have been carried out.
            Error::Broken { .. } | Error::Timeout(_) | Error::Decode { .. } | Error::Stranger { .. } => {
                Sent::Unknown
            }
        }
    }

    /// How long to wait before another attempt, where that was said.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Api(error) => error.retry_after,
            Error::Stranger { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// An answer that is no such JSON. The words of serde quote values, so only the place is kept.
    pub(crate) fn decode(what: &'static str, error: &serde_json::Error) -> Self {
        Error::Decode { what, line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passthrough_wire::error::Origin;

    #[test]
    fn debug_shows_no_detail_and_display_shows_what_to_look_for() {
        let error = Error::Api(Box::new(ApiError {
            status: StatusCode::BAD_REQUEST,
            body: ErrorBody {
                code: ErrorCode::BadRequest,
                message: "the request is malformed".to_owned(),
                detail: Some(serde_json::json!("s3cret")),
                request_id: "req_1".to_owned(),
                origin: Origin::Caller,
                sent: Sent::No,
                retryable: false,
            },
            retry_after: None,
        }));
        assert!(!format!("{error:?}").contains("s3cret"));
        assert_eq!(error.to_string(), "the request is malformed (bad_request, req_1)");
        assert_eq!((error.sent(), error.code()), (Sent::No, Some(ErrorCode::BadRequest)));
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_not_quoted() {
        let problem = serde_json::from_str::<u8>(r#""s3cret""#).unwrap_err();
        let error = Error::decode("the answer", &problem);
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        assert_eq!(error.sent(), Sent::Unknown);
    }
}
