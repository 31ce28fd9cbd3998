//! Events: what happened to a connection or an integration.

use passthrough_core::suggest::nearest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

/// The kinds of events that there are, as they are written in requests.
pub const EVENT_KINDS: [&str; 7] = [
    "connection.created",
    "connection.refreshed",
    "connection.disconnected",
    "connection.reconnected",
    "connection.deleted",
    "integration.client_rejected",
    "webhook.test",
];

/// What is wrong with a text that names no kind of event, and which one was probably meant.
pub fn unknown_kind<'a>(text: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(text, known.clone()) {
        Some(near) => format!("there is no such type of event; did you mean `{near}`?"),
        None => format!("there is no such type of event; there are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// Something that happened. Holds nothing secret: it is what webhooks are sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": "evt_01M805WQ32ZKWR68SDHP2J0YHP", "type": "connection.disconnected", "timestamp": "2026-11-22T10:20:31.118Z", "data": {"connectionId": "conn_01M805WQ32ZKWR68SDHP2J0YHP", "integration": "hubspot", "provider": "hubspot", "externalId": "customer-42", "reason": "invalid_grant"}}))]
pub struct Event {
    /// `evt_<ULID>`.
    #[schema(pattern = "^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "evt_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// What happened: `connection.disconnected`.
    #[serde(rename = "type")]
    #[schema(value_type = words::EventKind)]
    pub kind: String,
    /// RFC 3339; when it happened.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub timestamp: String,
    /// What there is to say of it; `connectionId` and `integration` where it is about one.
    pub data: serde_json::Map<String, serde_json::Value>,
}

/// The answer of `POST /v1/events/{id}/replay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// To how many endpoints it is sent again.
    pub deliveries: usize,
}
