//! The sealed credential of a connection: read often, replaced with care.

use passthrough_core::connection::SealedCredential;
use passthrough_core::id::{ConnectionId, Environment};
use sqlx::AnyConnection;

use crate::change::ChangeSubject;
use crate::error::StoreError;
use crate::sql::{Statement, get};
use crate::store::Store;

impl Store {
    /// The credential of a connection as it is now, for the look before and after a refresh. Reads where
    /// writes go, so that it never sees less than what was committed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_credential(
        &self,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<Option<SealedCredential>, StoreError> {
        let row = Statement::new(
            "select generation, sealed, expires_at from credentials where environment = $1 and connection_id = $2",
        )
        .text(environment.as_str())
        .text(&id.to_string())
        .find(&self.writer)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SealedCredential {
            generation: get(&row, "generation")?,
            sealed: get(&row, "sealed")?,
            expires_at: get(&row, "expires_at")?,
        }))
    }

    /// Replaces the credential, if its generation is still the one before that of `credential`. Returns
    /// whether it was: `false` means that somebody newer wrote (or that the connection is gone), and that
    /// `credential` must be thrown away and theirs used.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`]; after the latter the write may or may not
    /// have happened, and [`Store::find_credential`] tells.
    pub async fn update_credential(
        &self,
        environment: &Environment,
        id: ConnectionId,
        credential: &SealedCredential,
        key_id: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let updated = replace_credential(&mut transaction, environment, id, credential, key_id).await?;
        self.commit_if(updated > 0, transaction, ChangeSubject::Credential(id), at).await
    }
}

/// The compare-and-set of a credential, within a transaction. Gives the number of rows that were changed.
pub(crate) async fn replace_credential(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    credential: &SealedCredential,
    key_id: &str,
) -> Result<u64, StoreError> {
    Statement::new(
        "update credentials set generation = $1, sealed = $2, key_id = $3, expires_at = $4 \
         where environment = $5 and connection_id = $6 and generation = $7",
    )
    .integer(credential.generation)
    .bytes(&credential.sealed)
    .text(key_id)
    .integer(credential.expires_at)
    .text(environment.as_str())
    .text(&id.to_string())
    .integer(credential.generation.wrapping_sub(1))
    .execute(on)
    .await
}
