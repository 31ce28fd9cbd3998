//! The section `webhooks`: what we send, and what a receiver answers.

use passthrough_wire::event::EVENT_KINDS;
use serde_json::{Map, Value, json};

/// Adds it.
pub(super) fn add(document: &mut Value) {
    let all = EVENT_KINDS.iter().map(|kind| ((*kind).to_owned(), json!({"post": message(kind)})));
    let section = Value::Object(all.collect());
    let Some(document) = document.as_object_mut() else { return };
    // Behind the paths, where readers expect it.
    let mut ordered = Map::new();
    for (name, value) in std::mem::take(document) {
        let is_paths = name == "paths";
        ordered.insert(name, value);
        if is_paths {
            ordered.insert("webhooks".to_owned(), section.clone());
        }
    }
    *document = ordered;
}

fn message(kind: &str) -> Value {
    let (when, more) = about(kind);
    let of_connection = kind.starts_with("connection.");
    let mut data = Map::new();
    let mut required = Vec::new();
    let mut field = |name: &str, description: &str, always: bool| {
        data.insert(name.to_owned(), json!({"type": "string", "description": description}));
        if always {
            required.push(name.to_owned());
        }
    };
    if of_connection {
        field("connectionId", "The connection, `conn_…`.", true);
    }
    if kind != "webhook.test" {
        field("integration", "The integration's key.", true);
    }
    if of_connection && kind != "connection.refreshed" {
        field("provider", "The provider's code.", true);
        field("externalId", "The end user's id in your product, where it has one.", false);
    }
    for (name, description, always) in more {
        field(name, description, *always);
    }
    json!({
        "tags": ["Webhooks"],
        "summary": when,
        "description": "Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a \
            delivery; anything else is tried again for about a day. A 410 switches the endpoint off.",
        "security": [],
        "parameters": [
            header("webhook-id", "The event's id; the same in every try. A message may come more than once, by this it is known again.",
                json!({"type": "string", "pattern": "^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$"})),
            header("webhook-timestamp", "Unix seconds of this try. Refuse what is older than five minutes.", json!({"type": "integer"})),
            header("webhook-signature", "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind \
                `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do.",
                json!({"type": "string", "pattern": "^v1,\\S+( v1,\\S+)*$"})),
        ],
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": {"allOf": [
                {"$ref": "#/components/schemas/Event"},
                {"type": "object", "properties": {
                    "type": {"const": kind, "description": "What happened."},
                    "data": {"type": "object", "description": "What there is to say of it.", "required": required, "properties": data}
                }}
            ]}}}
        },
        "responses": {
            "2XX": {"description": "The message was taken"},
            "410": {"description": "Nothing is to be sent here any more: the endpoint is switched off"},
            "default": {"description": "The message is sent again later; `Retry-After` of a 429 or 503 is heeded"}
        }
    })
}

fn header(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "header", "required": true, "description": description, "schema": schema})
}

type More = &'static [(&'static str, &'static str, bool)];

/// When it is sent, and which fields it has besides those of every event of a connection.
fn about(kind: &str) -> (&'static str, More) {
    match kind {
        "connection.created" => ("A connection was made, by the API or by linking.", &[]),
        "connection.refreshed" => ("A connection got a new credential from its provider.", &[]),
        "connection.disconnected" => (
            "The provider refuses a connection's credential: the user must link again.",
            &[(
                "reason",
                "The provider's word for it, such as `invalid_grant`; `verify` where it refused to verify it.",
                false,
            )],
        ),
        "connection.reconnected" => {
            ("A disconnected connection can be used again.", &[("reason", "What brought it back.", false)])
        }
        "connection.deleted" => (
            "A connection was deleted.",
            &[("revoked", "Whether the provider took the grant back, where that was asked for.", false)],
        ),
        "integration.client_rejected" => (
            "The provider refuses the OAuth client of an integration.",
            &[("reason", "The provider's word for it, such as `invalid_client`.", true)],
        ),
        _ => ("Somebody asked for a test.", &[]),
    }
}
