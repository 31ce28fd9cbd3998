//! Integrations: providers as set up in this installation. What is secret of them is one sealed value, which the
//! store cannot read.

use passthrough_core::connection::Connection;
use passthrough_core::id::Environment;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::change::ChangeSubject;
use crate::error::StoreError;
use crate::event::{About, EventKind, NewEvent};
use crate::page::{Page, rows_to_read};
use crate::sealed::Sealed;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

const COLUMNS: &str = "select environment, key, provider, name, settings, sealed, key_id, generation, created_at, \
     updated_at, client_rejected_at from integrations where environment = ";

/// One integration. Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The closed room that it belongs to.
    pub environment: Environment,
    /// Its name in that room.
    pub key: String,
    /// Code of the provider.
    pub provider: String,
    /// The operator's own name for it.
    pub name: Option<String>,
    /// JSON of what is not secret.
    pub settings: String,
    /// What is secret: the OAuth client and the like.
    pub sealed: Sealed,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// Since when the provider refuses it, if it does.
    pub client_rejected_at: Option<i64>,
}

/// What to change of an integration; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntegrationPatch {
    /// The operator's name for it; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// The settings, all of them.
    pub settings: Option<String>,
    /// The secrets, of the generation after the stored one. That the provider refused the old ones is forgotten.
    pub sealed: Option<Sealed>,
}

impl Store {
    /// Stores a new integration.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the environment has one of this key, [`StoreError::MissingParent`] if the
    /// environment is not there, [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn insert_integration(&self, integration: &Integration) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        Statement::new(
            "insert into integrations (environment, key, provider, name, settings, sealed, key_id, generation, \
             created_at, updated_at, client_rejected_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .text(integration.environment.as_str())
        .text(&integration.key)
        .text(&integration.provider)
        .optional_text(integration.name.as_deref())
        .text(&integration.settings)
        .bytes(&integration.sealed.sealed)
        .text(&integration.sealed.key_id)
        .integer(integration.sealed.generation)
        .integer(integration.created_at)
        .integer(integration.updated_at)
        .integer(integration.client_rejected_at)
        .execute(&mut *transaction)
        .await?;
        let subject = subject(&integration.environment, &integration.key);
        self.commit(transaction, subject, integration.created_at).await
    }

    /// The integration of this environment and key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_integration(
        &self,
        environment: &Environment,
        key: &str,
    ) -> Result<Option<Integration>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str()).push(" and key = ").push_text(key);
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The integrations of one environment by key; `after` is the last key of the page before.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn list_integrations(
        &self,
        environment: &Environment,
        provider: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Integration>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str());
        if let Some(provider) = provider {
            statement.push(" and provider = ").push_text(provider);
        }
        if let Some(after) = after {
            statement.push(" and key > ").push_text(after);
        }
        statement.push(" order by key limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// Changes what the patch gives, all of it or nothing. With its secrets or settings the pauses end that failed
    /// refreshes of its connections made. Returns `false`, and has changed nothing, where the integration is not there
    /// or somebody newer changed its secrets.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn update_integration(
        &self,
        environment: &Environment,
        key: &str,
        patch: &IntegrationPatch,
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut statement = Statement::new("update integrations set updated_at = ");
        statement.push_integer(at);
        if let Some(name) = &patch.name {
            statement.push(", name = ").push_optional_text(name.as_deref());
        }
        if let Some(settings) = &patch.settings {
            statement.push(", settings = ").push_text(settings);
        }
        if let Some(sealed) = &patch.sealed {
            statement.push(", sealed = ").push_bytes(&sealed.sealed);
            statement.push(", key_id = ").push_text(&sealed.key_id);
            statement.push(", generation = ").push_integer(sealed.generation);
            statement.push(", client_rejected_at = null");
        }
        statement.push(" where environment = ").push_text(environment.as_str());
        statement.push(" and key = ").push_text(key);
        if let Some(sealed) = &patch.sealed {
            statement.push(" and generation = ").push_integer(sealed.generation.wrapping_sub(1));
        }
        let mut transaction = self.begin().await?;
        let updated = statement.execute(&mut *transaction).await?;
        if updated > 0 && (patch.sealed.is_some() || patch.settings.is_some()) {
            end_pauses(&mut transaction, environment, key, at).await?;
        }
        self.commit_if(updated > 0, transaction, subject(environment, key), at).await
    }

    /// Deletes an integration that no connection uses. Returns whether it was there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if a connection uses it, [`StoreError::Unavailable`].
    pub async fn delete_integration(
        &self,
        environment: &Environment,
        key: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let deleted = Statement::new("delete from integrations where environment = $1 and key = $2")
            .text(environment.as_str())
            .text(key)
            .execute(&mut *transaction)
            .await?;
        // Only now: a connection that is being made keeps the integration from being deleted until it is there.
        let user =
            Statement::new("select id from connections where environment = $1 and integration = $2 limit 1")
                .text(environment.as_str())
                .text(key)
                .find(&mut *transaction)
                .await?;
        if deleted > 0 && user.is_some() {
            transaction.rollback().await?;
            return Err(StoreError::InUse);
        }
        self.commit_if(deleted > 0, transaction, subject(environment, key), at).await
    }

    /// Notes that the provider refuses an integration itself, and tells it as `integration.client_rejected`, once:
    /// returns whether this call did. Not where its secrets are of another generation.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn note_client_rejected(
        &self,
        environment: &Environment,
        key: &str,
        generation: i64,
        event: &NewEvent,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let noted = Statement::new(
            "update integrations set client_rejected_at = $1 \
             where environment = $2 and key = $3 and generation = $4 and client_rejected_at is null",
        )
        .integer(now)
        .text(environment.as_str())
        .text(key)
        .integer(generation)
        .execute(&mut *transaction)
        .await?;
        if noted > 0 {
            let kind = EventKind::IntegrationClientRejected;
            let about = About { environment, kind, connection: None, integration: Some(key) };
            self.append_event(&mut transaction, &about, event, now).await?;
        }
        self.commit_if(noted > 0, transaction, subject(environment, key), now).await
    }

    /// Notes that the provider takes an integration again that it refused. Returns whether anything was noted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_client_accepted(
        &self,
        environment: &Environment,
        key: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let noted = Statement::new(
            "update integrations set client_rejected_at = null \
             where environment = $1 and key = $2 and client_rejected_at is not null",
        )
        .text(environment.as_str())
        .text(key)
        .execute(&mut *transaction)
        .await?;
        self.commit_if(noted > 0, transaction, subject(environment, key), now).await
    }

    /// Sees that the integration of a new connection is there, and keeps it from being deleted until the end of the
    /// transaction. One that has the name of its provider need not be there: it is implicit.
    pub(crate) async fn hold_integration(
        &self,
        on: &mut AnyConnection,
        connection: &Connection,
    ) -> Result<(), StoreError> {
        let mut statement =
            Statement::new("select key from integrations where environment = $1 and key = $2")
                .text(connection.environment.as_str())
                .text(&connection.integration);
        statement.push(self.engine.against_deletion());
        if statement.find(on).await?.is_none() && connection.integration != connection.provider {
            return Err(StoreError::MissingParent);
        }
        Ok(())
    }
}

/// What its connections were refused was refused to what the integration was before: their refreshes are tried again at
/// once. What is known of ended connections stays.
async fn end_pauses(
    on: &mut AnyConnection,
    environment: &Environment,
    key: &str,
    at: i64,
) -> Result<(), StoreError> {
    Statement::new(
        "update credentials set due_at = case when due_at = refresh_not_before then $1 else due_at end, \
         refresh_failures = 0, refresh_not_before = null, refresh_error = null \
         where environment = $2 and refresh_not_before is not null and connection_id in \
         (select id from connections where environment = $2 and integration = $3 and status <> 'disconnected')",
    )
    .integer(at)
    .text(environment.as_str())
    .text(key)
    .execute(on)
    .await?;
    Ok(())
}

fn subject(environment: &Environment, key: &str) -> ChangeSubject {
    ChangeSubject::Integration { environment: environment.clone(), key: key.to_owned() }
}

fn read(row: &AnyRow) -> Result<Integration, StoreError> {
    Ok(Integration {
        environment: parse(row, "environment")?,
        key: get(row, "key")?,
        provider: get(row, "provider")?,
        name: get(row, "name")?,
        settings: get(row, "settings")?,
        sealed: Sealed {
            sealed: get(row, "sealed")?,
            key_id: get(row, "key_id")?,
            generation: get(row, "generation")?,
        },
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        client_rejected_at: get(row, "client_rejected_at")?,
    })
}
