//! The one edge where failures become the API's error body: who is at fault, whether anything was sent,
//! whether to try again.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, StatusCode};
use passthrough_core::upstream::Refusal;
use passthrough_store::StoreError;
use passthrough_wire::error::{ErrorBody, ErrorCode, Origin, Sent};
use passthrough_wire::fields::FieldError;
use serde_json::{Value, json};

use crate::held::NoRoom;
use crate::limits::{Announced, Exceeded, Scope, Standing};
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
    pub detail: Option<Box<Value>>,
    /// The reason of the code, where it has several: which limit, what broke. It stands in `detail`, too.
    pub reason: Option<&'static str>,
    /// Who is at fault.
    pub origin: Origin,
    /// Whether anything was sent.
    pub sent: Sent,
    /// Whether the same may succeed later.
    pub retryable: bool,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
    /// Where the caller stands with its limit.
    pub standing: Option<Standing>,
    /// Whether the caller's socket is closed after it.
    pub closes: bool,
    /// What the log is told of it, never the caller.
    pub cause: Option<Cause>,
}

/// What is behind a failure that an operator has to look into.
#[derive(Debug, Clone)]
pub enum Cause {
    /// Something that cannot be.
    Bug(String),
    /// The database does not answer.
    DatabaseAway(String),
}

impl ApiError {
    fn new(code: ErrorCode, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            reason: None,
            origin,
            sent: Sent::No,
            retryable: false,
            retry_after: None,
            standing: None,
            closes: false,
            cause: None,
        }
    }

    /// 400 with its list.
    pub fn bad_request(errors: Vec<FieldError>) -> Self {
        let message = match errors.as_slice() {
            [one] if one.path.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.path, one.message),
            many => format!("{} things are wrong with the request; see detail", many.len()),
        };
        let detail = serde_json::to_value(errors).ok().map(Box::new);
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
        let message = "something went wrong on our side; the log has more under this request id";
        let error = Self::new(ErrorCode::InternalServerError, Origin::Passthrough, message);
        Self { cause: Some(Cause::Bug(reason.to_string())), ..error }
    }

    /// 501.
    pub fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotImplemented, Origin::Passthrough, message)
    }

    /// 502 with its reason.
    pub fn bad_gateway(reason: &'static str, message: impl Into<String>, sent: Sent) -> Self {
        let error = Self::new(ErrorCode::BadGateway, Origin::Provider, message);
        Self { sent, ..error.because_of(reason) }
    }

    /// With its reason.
    fn because_of(self, reason: &'static str) -> Self {
        Self { detail: Some(Box::new(json!({ "reason": reason }))), reason: Some(reason), ..self }
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

    /// 503 where a credential is being refreshed and the caller cannot wait for it.
    pub fn refresh_in_progress() -> Self {
        let message = "the connection's credential is being refreshed; try again in a moment";
        let error = Self::new(ErrorCode::RefreshInProgress, Origin::Passthrough, message);
        Self { retryable: true, retry_after: Some(1), ..error }
    }

    /// 502 where a credential has ended and the provider gave no other this time. `what` is what it said, in a few
    /// words.
    pub fn refresh_failed(what: &str, wait_ms: i64) -> Self {
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default());
        let seconds = whole_seconds(wait);
        let message = format!(
            "the connection's credential could not be refreshed ({what}); it is tried again in {seconds} s"
        );
        let error = Self::bad_gateway("refresh", message, Sent::No);
        Self { retryable: true, retry_after: Some(seconds), ..error }
    }

    /// 502 where the provider refuses the OAuth client: that of an integration, or the connection's own. It stays so
    /// until somebody mends the client.
    pub fn client_rejected(integration: Option<&str>, code: &str, wait_ms: i64) -> Self {
        let seconds = whole_seconds(Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default()));
        let (origin, whose) = match integration {
            Some(key) => (Origin::Passthrough, format!("the OAuth client of integration `{key}`")),
            None => (Origin::Connection, "the connection's own OAuth client".to_owned()),
        };
        let message = format!(
            "the provider refuses {whose} ({code}): check its id and secret; unless they change, it is tried again in \
             {seconds} s"
        );
        let error = Self::bad_gateway("client_rejected", message, Sent::No);
        let detail = match integration {
            Some(key) => json!({ "reason": "client_rejected", "integration": key }),
            None => json!({ "reason": "client_rejected" }),
        };
        Self { origin, detail: Some(Box::new(detail)), retry_after: Some(seconds), ..error }
    }

    /// 429, where a limit is used up: ours, or the provider's where the caller wants to know without a call.
    pub fn too_many_requests(scope: Scope, wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        let (origin, whose) = match scope {
            Scope::ApiKey => (Origin::Caller, "this API key has used up its limit"),
            Scope::Connection => (Origin::Caller, "this connection has used up its limit"),
            Scope::Environment => (Origin::Caller, "this environment has used up its limit"),
            Scope::Provider => (Origin::Provider, "the provider's limit for this connection is used up"),
        };
        let message = format!("{whose}; try again in {seconds} s");
        let detail = Some(Box::new(json!({ "scope": scope.as_str(), "retryAfter": seconds })));
        let error = Self::new(ErrorCode::TooManyRequests, origin, message);
        Self { detail, reason: Some(scope.as_str()), retryable: true, retry_after: Some(seconds), ..error }
    }

    /// 503 where a provider is left alone because it fails.
    pub fn circuit_open(wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        let message = format!("the provider failed again and again; it is tried again in {seconds} s");
        let error = Self::new(ErrorCode::CircuitOpen, Origin::Passthrough, message);
        Self { retryable: true, retry_after: Some(seconds), ..error }
    }

    /// The body, for one request. Every failure comes by here once, with the id that the caller is told, so here
    /// the log is told what is behind it under the same id.
    pub fn body(&self, request_id: &str) -> ErrorBody {
        match &self.cause {
            Some(Cause::Bug(reason)) => tracing::error!(request_id, reason, "internal error"),
            Some(Cause::DatabaseAway(reason)) => {
                tracing::warn!(request_id, reason, "the database is not available");
            }
            None => {}
        }
        ErrorBody {
            code: self.code,
            message: self.message.clone(),
            detail: self.detail.as_deref().cloned(),
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

    /// What the answer says in its head, spelled as it is where the protocol keeps spelling.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let retry_after = self.retry_after.map(|seconds| ("Retry-After", seconds.to_string()));
        let challenge = self.code == ErrorCode::Unauthorized;
        let challenge = challenge.then(|| ("WWW-Authenticate", "Bearer".to_owned()));
        let standing = self.standing.into_iter().flat_map(|standing| standing.headers(Announced::Here));
        let standing = standing.map(|(name, value)| (name, value.to_string()));
        retry_after.into_iter().chain(challenge).chain(standing)
    }

    /// An answer with a body of a dialect's own.
    pub fn respond_with(&self, body: impl serde::Serialize) -> Response {
        let mut response = (self.status(), Json(body)).into_response();
        if self.closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.headers_mut().extend(self.headers().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::try_from(value).ok()?))
        }));
        response
    }
}

/// Rounded up, and never 0: who comes back at once is refused again.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

impl From<NoRoom> for ApiError {
    fn from(_: NoRoom) -> Self {
        Self::overloaded("too many large bodies are held at once; try again shortly, or use /v1/proxy")
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        let Exceeded { scope, retry_after_ms, standing } = exceeded;
        let error = Self::too_many_requests(scope, Duration::from_millis(retry_after_ms));
        Self { standing: Some(standing), ..error }
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
                let error = Self::unavailable("the database is not available; try again in a moment");
                Self { cause: Some(Cause::DatabaseAway(reason.to_string())), ..error }
            }
            StoreError::Conflict => Self::conflict("there is one of this name already"),
            StoreError::InUse => Self::conflict(error.to_string()),
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
        match reason {
            Reason::ConnectTimeout
            | Reason::FirstByteTimeout
            | Reason::IdleTimeout
            | Reason::TotalTimeout => {
                let error = Self::new(ErrorCode::GatewayTimeout, Origin::Provider, message);
                Self { sent, retryable: sent == Sent::No, ..error.because_of(reason.as_str()) }
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
