//! The error body: our own failures only. A provider's 4xx or 5xx is never one of these.

pub use passthrough_core::fault::{Origin, Sent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::FieldError;
use crate::words;

/// What went wrong, as a name to branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed; `detail` lists how.
    BadRequest,
    /// The API key is missing, unknown, revoked or expired: one answer for all.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// There is no such thing in this environment.
    NotFound,
    /// The method does not exist at this place.
    MethodNotAllowed,
    /// It contradicts what is there.
    Conflict,
    /// The body is larger than allowed.
    PayloadTooLarge,
    /// The end user must link the account again.
    ConnectionDisconnected,
    /// The provider refuses the credential.
    InvalidCredentials,
    /// The credential lacks a permission at the provider.
    InsufficientPermissions,
    /// Well-formed, but it cannot be done.
    UnprocessableEntity,
    /// A limit of ours.
    TooManyRequests,
    /// A fault of ours.
    InternalServerError,
    /// Not there yet.
    NotImplemented,
    /// No usable answer came from the provider.
    BadGateway,
    /// Too much is in flight.
    Overloaded,
    /// The credential is being renewed and that takes too long.
    RefreshInProgress,
    /// The provider failed again and again; it is left alone for a moment.
    CircuitOpen,
    /// A part of ours is away.
    Unavailable,
    /// No answer came in time.
    GatewayTimeout,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::ConnectionDisconnected,
        Self::InvalidCredentials,
        Self::InsufficientPermissions,
        Self::UnprocessableEntity,
        Self::TooManyRequests,
        Self::InternalServerError,
        Self::NotImplemented,
        Self::BadGateway,
        Self::Overloaded,
        Self::RefreshInProgress,
        Self::CircuitOpen,
        Self::Unavailable,
        Self::GatewayTimeout,
    ];

    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        match self {
            ErrorCode::BadRequest => 400,
            ErrorCode::Unauthorized => 401,
            ErrorCode::Forbidden => 403,
            ErrorCode::NotFound => 404,
            ErrorCode::MethodNotAllowed => 405,
            ErrorCode::Conflict => 409,
            ErrorCode::PayloadTooLarge => 413,
            ErrorCode::ConnectionDisconnected
            | ErrorCode::InvalidCredentials
            | ErrorCode::InsufficientPermissions
            | ErrorCode::UnprocessableEntity => 422,
            ErrorCode::TooManyRequests => 429,
            ErrorCode::InternalServerError => 500,
            ErrorCode::NotImplemented => 501,
            ErrorCode::BadGateway => 502,
            ErrorCode::Overloaded
            | ErrorCode::RefreshInProgress
            | ErrorCode::CircuitOpen
            | ErrorCode::Unavailable => 503,
            ErrorCode::GatewayTimeout => 504,
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::BadRequest => "bad_request",
            ErrorCode::Unauthorized => "unauthorized",
            ErrorCode::Forbidden => "forbidden",
            ErrorCode::NotFound => "not_found",
            ErrorCode::MethodNotAllowed => "method_not_allowed",
            ErrorCode::Conflict => "conflict",
            ErrorCode::PayloadTooLarge => "payload_too_large",
            ErrorCode::ConnectionDisconnected => "connection_disconnected",
            ErrorCode::InvalidCredentials => "invalid_credentials",
            ErrorCode::InsufficientPermissions => "insufficient_permissions",
            ErrorCode::UnprocessableEntity => "unprocessable_entity",
            ErrorCode::TooManyRequests => "too_many_requests",
            ErrorCode::InternalServerError => "internal_server_error",
            ErrorCode::NotImplemented => "not_implemented",
            ErrorCode::BadGateway => "bad_gateway",
            ErrorCode::Overloaded => "overloaded",
            ErrorCode::RefreshInProgress => "refresh_in_progress",
            ErrorCode::CircuitOpen => "circuit_open",
            ErrorCode::Unavailable => "unavailable",
            ErrorCode::GatewayTimeout => "gateway_timeout",
        }
    }
}

/// The body of every error of ours.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"code": "bad_request", "message": "boddy: unknown field; did you mean `body`?", "detail": [{"message": "unknown field; did you mean `body`?", "path": "boddy", "suggestion": "body"}], "requestId": "req_01M805WPJ4HBFXVGMF6D2G2PTS", "origin": "caller", "sent": "no", "retryable": false}))]
pub struct ErrorBody {
    /// A name to branch on.
    pub code: ErrorCode,
    /// A sentence for a person: what is wrong and what to do.
    pub message: String,
    /// More, by code: for `bad_request` an array of `{message, path, suggestion?}`, for `bad_gateway` and
    /// `gateway_timeout` an object with `reason`, for `connection_disconnected` one with `linkUrl`: where the end user
    /// links the account again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ErrorDetail>)]
    pub detail: Option<serde_json::Value>,
    /// `req_<ULID>`, to be found in the records and the log.
    #[schema(pattern = "^req_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "req_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub request_id: String,
    /// Who is at fault: `caller`, `connection`, `provider` or `passthrough`.
    #[schema(inline, value_type = words::Origin, example = "caller")]
    pub origin: Origin,
    /// Whether anything reached the provider: `no`, `unknown` or `yes`.
    #[schema(inline, value_type = words::Sent, example = "no")]
    pub sent: Sent,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// What the description of the API says of `detail`.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum ErrorDetail {
    /// What is wrong with a request, place by place.
    Problems(Vec<FieldError>),
    /// Why it failed.
    Reason(FailureReason),
}

/// Why it failed; which fields there are follows from `code`.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureReason {
    /// With `bad_gateway`: `dns`, `connect`, `tls`, `blocked_address`, `protocol`, `reset`, `decode`, `too_large`, `refresh`
    /// or `client_rejected`. With `gateway_timeout`: `connect_timeout`, `first_byte_timeout`, `idle_timeout` or
    /// `total_timeout`.
    #[schema(example = "connect")]
    pub reason: Option<String>,
    /// With `connection_disconnected`: where the end user links the account again.
    #[schema(format = "uri")]
    pub link_url: Option<String>,
    /// With `too_many_requests`: whose limit is used up, `api_key`, `connection`, `environment` or `provider`.
    #[schema(example = "connection")]
    pub scope: Option<String>,
    /// With `too_many_requests`: seconds until it may succeed; the same as `Retry-After`.
    pub retry_after: Option<u32>,
    /// With the reason `client_rejected`: the integration whose OAuth client the provider refuses.
    pub integration: Option<String>,
}
