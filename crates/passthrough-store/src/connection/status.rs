//! The status of a connection, and what hangs on it: whether its credential is refreshed, and who is told.

use passthrough_core::connection::ConnectionStatus;
use passthrough_core::id::{ConnectionId, Environment};
use sqlx::AnyConnection;

use super::LockedConnection;
use super::update::ConnectionPatch;
use crate::error::StoreError;
use crate::event::{About, EventKind};
use crate::sql::Statement;
use crate::store::Store;

/// Writes another status, and nothing that hangs on it.
pub(crate) async fn set_status(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    status: ConnectionStatus,
    at: i64,
) -> Result<(), StoreError> {
    Statement::new("update connections set status = $1, updated_at = $2 where environment = $3 and id = $4")
        .text(status.as_str())
        .integer(at)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(on)
        .await
        .map(drop)
}

impl Store {
    /// Does what follows from a status that a patch has written, within its transaction: a credential that nobody may
    /// use is not refreshed, one that can be used again is looked at soon, and whoever wants to know is told.
    pub(super) async fn follow_status(
        &self,
        on: &mut AnyConnection,
        environment: &Environment,
        id: ConnectionId,
        before: &LockedConnection,
        patch: &ConnectionPatch,
        at: i64,
    ) -> Result<(), StoreError> {
        let after = patch.status_after(before.status);
        if after == before.status {
            return Ok(());
        }
        let due = match after {
            // A new credential has brought its own date.
            ConnectionStatus::Connected if patch.credential.is_some() => None,
            ConnectionStatus::Connected => Some(
                Statement::new(
                    "update credentials set refresh_error = null, \
                     due_at = case when due_at is null and expires_at is not null then $1 else due_at end \
                     where environment = $2 and connection_id = $3",
                )
                .integer(at),
            ),
            ConnectionStatus::Disconnected => Some(
                Statement::new(
                    "update credentials set refresh_error = coalesce($1, refresh_error), due_at = null \
                     where environment = $2 and connection_id = $3",
                )
                .optional_text(patch.reason.as_deref()),
            ),
            ConnectionStatus::Archived => Some(Statement::new(
                "update credentials set due_at = null where environment = $1 and connection_id = $2",
            )),
        };
        if let Some(due) = due {
            due.text(environment.as_str()).text(&id.to_string()).execute(&mut *on).await?;
        }
        let kind = match (before.status, after) {
            (ConnectionStatus::Connected, ConnectionStatus::Disconnected) => {
                EventKind::ConnectionDisconnected
            }
            (ConnectionStatus::Disconnected, ConnectionStatus::Connected) => EventKind::ConnectionReconnected,
            _ => return Ok(()),
        };
        let Some(event) = &patch.event else { return Ok(()) };
        let about = About { environment, kind, connection: Some(id), integration: Some(&before.integration) };
        self.append_event(on, &about, event, at).await
    }
}
