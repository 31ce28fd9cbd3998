//! Webhooks: endpoints that are told of events, and the deliveries to them.
//!
//! The messages follow Standard Webhooks: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{EVENT_KINDS, unknown_kind};
use crate::fields::{FieldError, Fields, Unknown};
use crate::words;

const MAX_URL: usize = 2_000;

/// A webhook endpoint, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpoint {
    /// `whk_<ULID>`.
    #[schema(pattern = "^whk_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// Where events are sent to.
    #[schema(format = "uri", example = "https://app.example.com/hooks/passthrough")]
    pub url: String,
    /// The kinds of events that it is told of; all where empty.
    #[schema(value_type = Vec<words::EventKind>)]
    pub kinds: Vec<String>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// RFC 3339; until when the secret before the last rotation signs, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub old_secret_until: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub updated_at: String,
}

/// A webhook endpoint with its secret: shown at creation and rotation, never again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookEndpointWithSecret {
    /// What can be read again later.
    #[serde(flatten)]
    pub endpoint: WebhookEndpoint,
    /// `whsec_…`: what a receiver checks signatures with.
    pub secret: String,
}

impl std::fmt::Debug for WebhookEndpointWithSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookEndpointWithSecret").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// `POST /v1/webhook-endpoints`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"url": "https://app.example.com/hooks/passthrough", "kinds": ["connection.disconnected"]}))]
pub struct CreateWebhookEndpoint {
    /// Where events are to be sent to: `https://…`.
    #[schema(format = "uri", example = "https://app.example.com/hooks/passthrough", max_length = 2000)]
    pub url: String,
    /// The kinds of events that it is told of; all where empty or absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<words::EventKind>)]
    pub kinds: Vec<String>,
}

impl CreateWebhookEndpoint {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let url = url(&mut fields, true);
        let kinds = kinds(&mut fields).unwrap_or_default();
        fields.finish(Unknown::Refuse)?;
        Ok(Self { url: url.unwrap_or_default(), kinds })
    }
}

/// `PATCH /v1/webhook-endpoints/{id}`. What is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"enabled": false}))]
pub struct PatchWebhookEndpoint {
    /// Where events are to be sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", example = "https://app.example.com/hooks/passthrough", max_length = 2000)]
    pub url: Option<String>,
    /// The kinds of events that it is told of, all of them; all kinds where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<words::EventKind>>)]
    pub kinds: Option<Vec<String>>,
    /// Whether it is told of anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl PatchWebhookEndpoint {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let clears = fields.holds("kinds");
        let url = url(&mut fields, false);
        let kinds = kinds(&mut fields).or_else(|| clears.then(Vec::new));
        let enabled = fields.optional("enabled");
        fields.finish(Unknown::Refuse)?;
        Ok(Self { url, kinds, enabled })
    }
}

/// The delivery of one event to one endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// `dlv_<ULID>`.
    #[schema(pattern = "^dlv_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "dlv_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// The event; also the message's `webhook-id`.
    pub event_id: String,
    /// `pending`, `delivered` or `failed`.
    #[schema(inline, value_type = words::DeliveryStatus)]
    pub status: String,
    /// How often it was tried.
    pub attempts: u32,
    /// RFC 3339; when it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub next_attempt_at: Option<String>,
    /// The endpoint's last status, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status_code: Option<u16>,
    /// A short word for why the last try did not count: `status`, `dns`, `connect`, `tls`, `blocked_address`, `total_timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub delivered_at: Option<String>,
}

fn url(fields: &mut Fields<'_>, required: bool) -> Option<String> {
    let url: Option<String> = if required { fields.required("url") } else { fields.optional("url") };
    let long = |url: &str| url.is_empty() || url.len() > MAX_URL || url.contains(|c: char| c.is_control());
    if url.as_deref().is_some_and(long) {
        fields.error("url", format!("must be 1 to {MAX_URL} bytes, without control characters"));
    }
    url
}

fn kinds(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let mut kinds: Vec<String> = fields.optional("kinds")?;
    kinds.sort();
    kinds.dedup();
    let known = || EVENT_KINDS.into_iter();
    let unknown: Vec<&String> = kinds.iter().filter(|kind| !known().any(|known| known == *kind)).collect();
    if let Some(unknown) = unknown.first() {
        fields.error("kinds", unknown_kind(unknown, known()));
    }
    Some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_misspelt_is_refused_with_the_right_one() {
        let body = br#"{"url": "https://a.example/hook", "kinds": ["connection.disconected"]}"#;
        let errors = CreateWebhookEndpoint::parse(body).unwrap_err();
        assert!(errors[0].message.contains("`connection.disconnected`"), "{errors:?}");
        let read = CreateWebhookEndpoint::parse(br#"{"url": "https://a.example", "kinds": []}"#).unwrap();
        assert!(read.kinds.is_empty());
        assert_eq!(CreateWebhookEndpoint::parse(b"{}").unwrap_err()[0].path, "url");
    }

    #[test]
    fn a_patch_tells_kept_kinds_from_all_kinds() {
        let patch = |body: &str| PatchWebhookEndpoint::parse(body.as_bytes()).unwrap();
        assert_eq!(patch("{}").kinds, None);
        assert_eq!(patch(r#"{"kinds": null}"#).kinds, Some(Vec::new()));
        assert_eq!(patch(r#"{"enabled": false}"#).enabled, Some(false));
    }
}
