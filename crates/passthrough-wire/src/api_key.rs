//! API keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{FieldError, Fields, Unknown};
use crate::time;

/// An API key, without the key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// `key_<ULID>`.
    #[schema(pattern = "^key_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "key_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// The operator's own name for it.
    pub name: String,
    /// The environment that it opens.
    pub environment: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339; never, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub expires_at: Option<String>,
    /// RFC 3339; set once it has been revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub revoked_at: Option<String>,
    /// RFC 3339, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub last_used_at: Option<String>,
}

/// An API key just made, with the key: this is the only time that it is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// What can be read again later.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// `sk_…`.
    pub key: String,
}

impl std::fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedApiKey").field("api_key", &self.api_key).finish_non_exhaustive()
    }
}

/// `POST /v1/api-keys`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "billing worker", "expiresAt": "2099-01-31T12:00:00Z"}))]
pub struct CreateApiKey {
    /// The operator's own name for it.
    #[schema(min_length = 1, max_length = 200, example = "billing worker")]
    pub name: String,
    /// RFC 3339; never, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2099-01-31T12:00:00Z")]
    pub expires_at: Option<String>,
}

impl CreateApiKey {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let name: Option<String> = fields.required("name");
        if name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty() || name.len() > 200 || name.contains('\0'))
        {
            fields.error("name", "must be 1 to 200 bytes, without NUL");
        }
        let expires_at: Option<String> = fields.optional("expiresAt");
        if expires_at.as_deref().is_some_and(|text| time::parse(text).is_none()) {
            fields.error("expiresAt", "must be a time such as 2027-01-31T12:00:00Z");
        }
        fields.finish(Unknown::Refuse)?;
        Ok(Self { name: name.unwrap_or_default(), expires_at })
    }
}
