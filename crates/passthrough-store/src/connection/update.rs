//! Changes to a connection. Only what is given is written: a whole row written back would undo what
//! another process changed in the meantime.

use passthrough_core::connection::{ConnectionStatus, SealedCredential};
use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};
use sqlx::AnyConnection;

use super::check_indexed;
use super::insert::insert_tags;
use crate::change::ChangeSubject;
use crate::credential::{CredentialTimes, replace_credential};
use crate::error::StoreError;
use crate::event::NewEvent;
use crate::link::step::{LinkEnd, finish};
use crate::linked_user::ensure_for_connection;
use crate::sealed::Sealed;
use crate::sql::Statement;
use crate::store::Store;

/// What to change of a connection; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionPatch {
    /// The operator's name for it; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// The end user's id in the caller's product; `Some(None)` takes it away.
    pub external_id: Option<Option<String>>,
    /// All the tags.
    pub tags: Option<Vec<String>>,
    /// The status.
    pub status: Option<ConnectionStatus>,
    /// Why, where the status is that it is disconnected: a short code.
    pub reason: Option<String>,
    /// Makes a disconnected connection a connected one, and leaves one of another status as it is. Decided where it
    /// is written: a status that was read before may have changed.
    pub revive: bool,
    /// The account, as `verify` read it.
    pub account: Option<Account>,
    /// Unix milliseconds of a verification that found the credential alive.
    pub verified_at: Option<i64>,
    /// Another credential, and the id of the key that it is sealed under.
    pub credential: Option<(SealedCredential, String)>,
    /// What is known of the future of the new credential.
    pub credential_times: CredentialTimes,
    /// Other variables.
    pub variables: Option<Sealed>,
    /// Change nothing unless the credential is still of this generation: what a call has taught of a credential
    /// says nothing of the one that replaced it meanwhile.
    pub if_generation: Option<i64>,
    /// Ends this link session with the connection, and changes nothing where it has ended before: what was cancelled
    /// while it was under way must not replace anything.
    pub ends: Option<LinkSessionId>,
    /// What is told where the patch disconnects a connected connection, or reconnects a disconnected one.
    pub event: Option<NewEvent>,
}

impl ConnectionPatch {
    /// The status that a connection of this one has after the patch.
    pub(super) fn status_after(&self, before: ConnectionStatus) -> ConnectionStatus {
        match self.status {
            Some(status) => status,
            None if self.revive && before == ConnectionStatus::Disconnected => ConnectionStatus::Connected,
            None => before,
        }
    }
}

/// The account at the provider behind a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its id there.
    pub id: Option<String>,
    /// Its label there.
    pub label: Option<String>,
}

impl Store {
    /// Changes what the patch gives, all of it or nothing: a new credential with the old base URL would be sent
    /// to the wrong host. Returns `false`, and has changed nothing, where the connection is not there or where
    /// somebody newer wrote: the generation of a new credential or new variables must follow on the stored one. So it
    /// does where the link session is over that the patch is to end.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn update_connection(
        &self,
        environment: &Environment,
        id: ConnectionId,
        patch: &ConnectionPatch,
        at: i64,
    ) -> Result<bool, StoreError> {
        let statement = patch_statement(environment, id, patch, at)?;
        let mut transaction = self.begin().await?;
        let before = self.lock_connection(&mut transaction, environment, id).await?;
        let found = statement.execute(&mut *transaction).await? > 0
            && has_generation(&mut transaction, environment, id, patch.if_generation).await?
            && replace_secrets(&mut transaction, environment, id, patch, at).await?
            && end_session(&mut transaction, environment, id, patch.ends).await?;
        if let (true, Some(tags)) = (found, &patch.tags) {
            Statement::new("delete from connection_tags where connection_id = $1")
                .text(&id.to_string())
                .execute(&mut *transaction)
                .await?;
            insert_tags(&mut transaction, environment, id, tags).await?;
        }
        if let (true, Some(Some(external_id))) = (found, &patch.external_id) {
            // The event's ULID is of no other linked user; the connection's may be that of its first external id.
            let user = patch.event.as_ref().map_or(id.ulid(), |event| event.id.ulid()).into();
            ensure_for_connection(&mut transaction, environment, user, external_id, at).await?;
        }
        if let (true, Some(before)) = (found, before) {
            self.follow_status(&mut transaction, environment, id, &before, patch, at).await?;
        }
        self.commit_if(found, transaction, ChangeSubject::Connection(id), at).await
    }

    /// Replaces the variables, if their generation is still the one before that of `variables`. Returns
    /// whether it was; `false` also for a connection that is not there.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn update_variables(
        &self,
        environment: &Environment,
        id: ConnectionId,
        variables: &Sealed,
        at: i64,
    ) -> Result<bool, StoreError> {
        let patch = ConnectionPatch { variables: Some(variables.clone()), ..ConnectionPatch::default() };
        self.update_connection(environment, id, &patch, at).await
    }

    /// Gives a connection its first token: one that was linked has none until somebody is there to be shown it. Returns
    /// `false`, and has changed nothing, where it has one already, or is not there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn set_first_token_hash(
        &self,
        environment: &Environment,
        id: ConnectionId,
        token_hash: &[u8],
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let updated = Statement::new(
            "update connections set token_hash = $1 where environment = $2 and id = $3 and length(token_hash) = 0",
        )
        .bytes(token_hash)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(&mut *transaction)
        .await?;
        self.commit_if(updated > 0, transaction, ChangeSubject::Connection(id), at).await
    }

    /// Replaces the hash of the connection token: the old token is refused from then on. Returns whether the
    /// connection is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn update_token_hash(
        &self,
        environment: &Environment,
        id: ConnectionId,
        token_hash: &[u8],
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let updated = Statement::new(
            "update connections set token_hash = $1, updated_at = $2 where environment = $3 and id = $4",
        )
        .bytes(token_hash)
        .integer(at)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(&mut *transaction)
        .await?;
        self.commit_if(updated > 0, transaction, ChangeSubject::Connection(id), at).await
    }
}

/// Whether the credential is of this generation, and stays so until the end of the transaction: the update,
/// which changes nothing, keeps whoever would replace it waiting.
async fn has_generation(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    generation: Option<i64>,
) -> Result<bool, StoreError> {
    let Some(generation) = generation else { return Ok(true) };
    let held = Statement::new(
        "update credentials set generation = generation \
         where environment = $1 and connection_id = $2 and generation = $3",
    )
    .text(environment.as_str())
    .text(&id.to_string())
    .integer(generation)
    .execute(on)
    .await?;
    Ok(held > 0)
}

async fn end_session(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    session: Option<LinkSessionId>,
) -> Result<bool, StoreError> {
    let Some(session) = session else { return Ok(true) };
    let ended = finish(environment, session, &LinkEnd::Done(id)).execute(on).await?;
    Ok(ended > 0)
}

async fn replace_secrets(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    patch: &ConnectionPatch,
    at: i64,
) -> Result<bool, StoreError> {
    if let Some((credential, key_id)) = &patch.credential
        && replace_credential(on, environment, id, (credential, key_id), patch.credential_times, at).await?
            == 0
    {
        return Ok(false);
    }
    let Some(variables) = &patch.variables else { return Ok(true) };
    let replaced = Statement::new(
        "update connections set sealed_variables = $1, variables_key_id = $2, variables_generation = $3 \
         where environment = $4 and id = $5 and variables_generation = $6",
    )
    .bytes(&variables.sealed)
    .text(&variables.key_id)
    .integer(variables.generation)
    .text(environment.as_str())
    .text(&id.to_string())
    .integer(variables.generation.wrapping_sub(1))
    .execute(on)
    .await?;
    Ok(replaced > 0)
}

fn patch_statement(
    environment: &Environment,
    id: ConnectionId,
    patch: &ConnectionPatch,
    at: i64,
) -> Result<Statement, StoreError> {
    let mut statement = Statement::new("update connections set updated_at = ");
    statement.push_integer(at);
    if let Some(name) = &patch.name {
        statement.push(", name = ").push_optional_text(name.as_deref());
    }
    if let Some(external_id) = &patch.external_id {
        check_indexed(external_id.as_deref().unwrap_or_default())?;
        statement.push(", external_id = ").push_optional_text(external_id.as_deref());
    }
    if let Some(status) = patch.status {
        statement.push(", status = ").push_text(status.as_str());
    }
    if patch.revive && patch.status.is_none() {
        statement.push(", status = case status when 'disconnected' then 'connected' else status end");
    }
    if let Some(account) = &patch.account {
        statement.push(", account_id = ").push_optional_text(account.id.as_deref());
        statement.push(", account_label = ").push_optional_text(account.label.as_deref());
    }
    if let Some(verified_at) = patch.verified_at {
        statement.push(", verified_at = ").push_integer(verified_at);
    }
    statement.push(" where environment = ").push_text(environment.as_str());
    statement.push(" and id = ").push_text(&id.to_string());
    Ok(statement)
}
