//! Records: the stored line about one passthrough.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

/// What `errorCode` may be besides the [error codes](crate::error::ErrorCode): how an answer ended that had begun.
pub const ENDINGS: [&str; 6] = ["caller_gone", "reset", "protocol", "tls", "idle_timeout", "total_timeout"];

/// What is kept about one passthrough: no body, no query string, no header.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// `req_<ULID>`.
    #[schema(pattern = "^req_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "req_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// The connection, where the token led to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<String>,
    /// The door: `envelope`, `raw`, `proxy`, `terminal` or `panora`.
    #[schema(inline, value_type = words::Door)]
    pub door: String,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The provider's status, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Our error code, where we failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<words::Ending>)]
    pub error_code: Option<String>,
    /// The reason of the code, where it has several: `detail.reason` or `detail.scope` of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// Who was at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline, value_type = Option<words::Origin>)]
    pub origin: Option<String>,
    /// Whether anything reached the provider.
    #[schema(inline, value_type = words::Sent)]
    pub sent: String,
    /// How many times the provider was called.
    pub attempts: u32,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub started_at: String,
    /// The whole, in milliseconds.
    pub duration_ms: u64,
    /// The provider's part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_duration_ms: Option<u64>,
    /// Bytes of body sent to the provider.
    pub request_bytes: u64,
    /// Bytes of body received from the provider.
    pub response_bytes: u64,
    /// What the provider's answer said about its own limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_limit: Option<ProviderLimit>,
}

/// What a provider said about its own limits; what it did not say is absent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderLimit {
    /// Calls in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Calls left in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// When the window ends, or the next call may come: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub resets_at: Option<String>,
}
