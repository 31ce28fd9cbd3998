//! Records: the stored line about one passthrough.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is kept about one passthrough: no body, no query string, no header.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// `req_<ULID>`.
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
    /// The door: `envelope`, `raw`, `proxy` or `terminal`.
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
    pub error_code: Option<String>,
    /// Who was at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether anything reached the provider.
    pub sent: String,
    /// How many times the provider was called.
    pub attempts: u32,
    /// RFC 3339.
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
}
