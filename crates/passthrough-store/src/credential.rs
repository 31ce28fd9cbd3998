//! The sealed credential of a connection: how it is replaced.

use passthrough_core::connection::SealedCredential;
use passthrough_core::id::{ConnectionId, Environment};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::Statement;

/// What is known of the future of a credential. Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CredentialTimes {
    /// After which it cannot be refreshed any more, where that is known.
    pub refresh_expires_at: Option<i64>,
    /// From when on it is to be refreshed although nobody asks for it; `None` for never.
    pub due_at: Option<i64>,
}

/// The compare-and-set of a credential, within a transaction: its generation must still be the one before that
/// of `credential`. What was said of the old one goes with it: lease, failures, cool-down. Gives the number of
/// rows that were changed.
pub(crate) async fn replace_credential(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    (credential, key_id): (&SealedCredential, &str),
    times: CredentialTimes,
    at: i64,
) -> Result<u64, StoreError> {
    Statement::new(
        "update credentials set generation = $1, sealed = $2, key_id = $3, expires_at = $4, \
         refresh_expires_at = $5, due_at = $6, refreshed_at = $7, \
         lease_owner = null, lease_until = null, lease_generation = null, lease_abandoned = 0, \
         refresh_failures = 0, refresh_not_before = null, refresh_error = null \
         where environment = $8 and connection_id = $9 and generation = $10",
    )
    .integer(credential.generation)
    .bytes(&credential.sealed)
    .text(key_id)
    .integer(credential.expires_at)
    .integer(times.refresh_expires_at)
    .integer(times.due_at)
    .integer(at)
    .text(environment.as_str())
    .text(&id.to_string())
    .integer(credential.generation.wrapping_sub(1))
    .execute(on)
    .await
}
