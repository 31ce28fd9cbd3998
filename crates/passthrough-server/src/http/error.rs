//! The one edge where failures become the API's error body: who is at fault, whether anything was sent,
//! whether to try again.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use passthrough_core::upstream::Refusal;
use passthrough_store::StoreError;
use passthrough_wire::error::{ErrorBody, ErrorCode, Origin, Sent};
use passthrough_wire::fields::FieldError;
use serde_json::{Value, json};

use crate::resolve::ResolveError;
use crate::upstream::{Reason, SendError};
use crate::vault::VaultError;

/// A failure of ours, ready to be answered. The request id is added when it is.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// A name to branch on.
    pub code: ErrorCode,
    /// A sentence for a person.
    pub message: String,
    /// More, by code.
    pub detail: Option<Value>,
    /// Who is at fault.
    pub origin: Origin,
    /// Whether anything was sent.
    pub sent: Sent,
    /// Whether the same may succeed later.
    pub retryable: bool,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
    /// Whether the caller's socket is closed after it.
    pub closes: bool,
}

impl ApiError {
    fn new(code: ErrorCode, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            origin,
            sent: Sent::No,
            retryable: false,
            retry_after: None,
            closes: false,
        }
    }

    /// 400 with its list.
    pub fn bad_request(errors: Vec<FieldError>) -> Self {
        let message = match errors.as_slice() {
            [one] if one.path.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.path, one.message),
            many => format!("{} things are wrong with the request; see detail", many.len()),
        };
        let detail = serde_json::to_value(errors).ok();
        Self { detail, ..Self::new(ErrorCode::BadRequest, Origin::Caller, message) }
    }

    /// 400 about one place.
    pub fn bad_field(path: &str, message: impl Into<String>) -> Self {
        Self::bad_request(vec![FieldError::new(path, message)])
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, Origin::Caller, message)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            ErrorCode::MethodNotAllowed,
            Origin::Caller,
            "this method does not exist here; see /openapi.json",
        )
    }

    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, Origin::Caller, message)
    }

    /// 413.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes");
        Self::new(ErrorCode::PayloadTooLarge, Origin::Caller, message)
    }

    /// 413 of an envelope.
    pub fn envelope_too_large(limit: usize) -> Self {
        let error = Self::too_large(limit);
        Self { message: format!("{}; send large bodies through /v1/proxy", error.message), ..error }
    }

    /// 422 where a credential is refused.
    pub fn invalid_credentials(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidCredentials, Origin::Connection, message)
    }

    /// 422 where the connection cannot do it.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnprocessableEntity, Origin::Connection, message)
    }

    /// 500. The reason goes to the log only.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(%reason, "internal error");
        Self::new(
            ErrorCode::InternalServerError,
            Origin::Passthrough,
            "something went wrong on our side; the log has more under this request id",
        )
    }

    /// 501.
    pub fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotImplemented, Origin::Passthrough, message)
    }

    /// 502 with its reason.
    pub fn bad_gateway(reason: &str, message: impl Into<String>, sent: Sent) -> Self {
        let error = Self::new(ErrorCode::BadGateway, Origin::Provider, message);
        Self { detail: Some(json!({ "reason": reason })), sent, ..error }
    }

    /// 503 where too much is going on.
    pub fn overloaded(message: impl Into<String>) -> Self {
        let error = Self::new(ErrorCode::Overloaded, Origin::Passthrough, message);
        Self { retryable: true, retry_after: Some(1), ..error }
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let error = Self::new(ErrorCode::Unavailable, Origin::Passthrough, message);
        Self { retryable: true, retry_after: Some(1), ..error }
    }

    /// The body, for one request.
    pub fn body(&self, request_id: &str) -> ErrorBody {
        ErrorBody {
            code: self.code,
            message: self.message.clone(),
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
            origin: self.origin,
            sent: self.sent,
            retryable: self.retryable,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What the answer says in its head.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let retry_after = self.retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
        let challenge = self.code == ErrorCode::Unauthorized;
        let challenge = challenge.then_some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        retry_after.into_iter().chain(challenge)
    }

    /// An answer with a body of a dialect's own.
    pub fn respond_with(&self, body: impl serde::Serialize) -> Response {
        let mut response = (self.status(), Json(body)).into_response();
        if self.closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.headers_mut().extend(self.headers());
        response
    }
}

impl From<ResolveError> for ApiError {
    fn from(error: ResolveError) -> Self {
        let message = error.to_string();
        match error {
            ResolveError::Unauthorized => Self::new(ErrorCode::Unauthorized, Origin::Caller, message),
            ResolveError::UnknownConnection => Self::not_found(message),
            ResolveError::Disconnected => {
                Self::new(ErrorCode::ConnectionDisconnected, Origin::Connection, message)
            }
            ResolveError::Archived | ResolveError::Unusable(_) => Self::unprocessable(message),
            ResolveError::NoProvider { .. } => {
                Self::new(ErrorCode::UnprocessableEntity, Origin::Passthrough, message)
            }
            ResolveError::DatabaseAway => Self::unavailable(message),
            ResolveError::Store(error) => error.into(),
            ResolveError::Vault(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => {
                tracing::warn!(%reason, "the database is not available");
                Self::unavailable("the database is not available; try again in a moment")
            }
            StoreError::Conflict => Self::conflict("there is one of this name already"),
            StoreError::InvalidText(fault) => Self::bad_field("", fault.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::internal(error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Request(problems) => Self::bad_request(problems.into_iter().map(Into::into).collect()),
            Refusal::Connection(message) => Self::unprocessable(message),
        }
    }
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        let (reason, message, sent) = (error.reason, error.reason.message(), error.sent);
        tracing::debug!(
            reason = reason.as_str(),
            detail = error.detail.as_deref(),
            "upstream request failed"
        );
        let detail = Some(json!({ "reason": reason.as_str() }));
        match reason {
            Reason::ConnectTimeout
            | Reason::FirstByteTimeout
            | Reason::IdleTimeout
            | Reason::TotalTimeout => {
                let error = Self::new(ErrorCode::GatewayTimeout, Origin::Provider, message);
                Self { detail, sent, retryable: sent == Sent::No, ..error }
            }
            Reason::Overloaded => Self::overloaded(message),
            Reason::InvalidIdentity => Self::unprocessable(message),
            Reason::RequestBody => Self { sent, ..Self::bad_field("body", message) },
            Reason::TooLarge => Self::bad_gateway(reason.as_str(), message, Sent::Yes),
            Reason::Dns | Reason::Connect | Reason::Tls | Reason::Protocol | Reason::Reset => {
                Self { retryable: sent == Sent::No, ..Self::bad_gateway(reason.as_str(), message, sent) }
            }
            Reason::BlockedAddress => {
                let message = format!("{message}; an operator can open it in `upstream.allow`");
                Self { origin: Origin::Connection, ..Self::bad_gateway(reason.as_str(), message, sent) }
            }
        }
    }
}
