//! Events: what happened to connections and integrations, as it is told.

use passthrough_core::connection::Connection;
use passthrough_store::{Event as StoredEvent, NewEvent};
use passthrough_wire::event::Event;
use passthrough_wire::time;
use serde_json::{Map, Value};

use crate::installation::Installation;

/// Something that is about to happen to a connection, with what a receiver of it wants to know. Nothing secret, and
/// nothing that changes with time but what is told.
pub fn about(installation: &Installation, connection: &Connection, more: &[(&str, &str)]) -> NewEvent {
    let mut data = Map::new();
    data.insert("provider".to_owned(), connection.provider.as_str().into());
    if let Some(external_id) = &connection.external_id {
        data.insert("externalId".to_owned(), external_id.as_str().into());
    }
    for (name, value) in more {
        data.insert((*name).to_owned(), (*value).into());
    }
    NewEvent { id: installation.new_ulid().into(), data: Value::Object(data).to_string() }
}

/// An event on the wire.
pub fn show(event: &StoredEvent) -> Event {
    let mut data = Map::new();
    if let Some(id) = event.connection_id {
        data.insert("connectionId".to_owned(), id.to_string().into());
    }
    if let Some(integration) = &event.integration {
        data.insert("integration".to_owned(), integration.as_str().into());
    }
    if let Ok(Value::Object(more)) = serde_json::from_str(&event.data) {
        data.extend(more);
    }
    Event {
        id: event.id.to_string(),
        kind: event.kind.clone(),
        timestamp: time::format(event.created_at),
        data,
    }
}
