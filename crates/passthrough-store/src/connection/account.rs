//! Connections by the account behind them: linking the same account again must not make a second connection.

use passthrough_core::connection::Connection;
use passthrough_core::id::{ConnectionId, Environment};

use super::{COLUMNS, SEALED_COLUMNS, StoredConnection, read_stored};
use crate::change::ChangeSubject;
use crate::error::StoreError;
use crate::event::NewEvent;
use crate::sql::Statement;
use crate::store::{Engine, Store};

impl Store {
    /// The newest connection of this integration to this account for this external id, archived ones left out. An
    /// external id must be the same, and none is only the same as none: whoever links an account that another of the
    /// product's customers has linked must not be given that customer's connection.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn find_connection_by_account(
        &self,
        environment: &Environment,
        integration: &str,
        account_id: &str,
        external_id: Option<&str>,
    ) -> Result<Option<StoredConnection>, StoreError> {
        let newest = newest(environment, integration, account_id, external_id);
        newest.find(&self.readers).await?.as_ref().map(read_stored).transpose()
    }

    /// [`Store::insert_connection`] for an account of which `newest` was the newest connection, as
    /// [`Store::find_connection_by_account`] has it; `false`, and nothing stored, where it no longer is: of several who
    /// link an account at once one makes the connection, and the others find it.
    ///
    /// # Errors
    /// As for [`Store::insert_connection`].
    pub async fn insert_connection_after(
        &self,
        stored: &StoredConnection,
        account_id: &str,
        newest: Option<ConnectionId>,
        event: Option<&NewEvent>,
    ) -> Result<bool, StoreError> {
        let Connection { id, environment, integration, external_id, created_at, .. } = &stored.connection;
        let external_id = external_id.as_deref();
        let mut transaction = self.begin().await?;
        if self.engine == Engine::Postgres {
            // Of two transactions there neither sees what the other one inserts. It is the first lock taken.
            let subject = format!("{environment}/{integration}/{external_id:?}/{account_id}");
            Statement::new("select pg_advisory_xact_lock(hashtextextended($1, 0))")
                .text(&subject)
                .execute(&mut *transaction)
                .await?;
        }
        let found = self::newest(environment, integration, account_id, external_id);
        let found = found.find(&mut *transaction).await?.as_ref().map(read_stored).transpose()?;
        let is_still = found.map(|found| found.connection.id) == newest;
        if is_still {
            self.insert_in(&mut transaction, stored, event).await?;
        }
        self.commit_if(is_still, transaction, ChangeSubject::Connection(*id), *created_at).await
    }
}

/// The newest connection of an account.
fn newest(
    environment: &Environment,
    integration: &str,
    account_id: &str,
    external_id: Option<&str>,
) -> Statement {
    let mut statement = Statement::new(COLUMNS);
    statement.push(SEALED_COLUMNS).push(" where c.environment = ").push_text(environment.as_str());
    statement.push(" and c.integration = ").push_text(integration);
    // The index has the beginning only. Were the column itself compared, SQLite would put the value into the
    // first condition, too, and not see the index.
    statement.push(" and substr(c.account_id, 1, 200) = substr(").push_text(account_id).push(", 1, 200)");
    statement.push(" and c.account_id || '' = ").push_text(account_id);
    match external_id {
        Some(external_id) => statement.push(" and c.external_id = ").push_text(external_id),
        None => statement.push(" and c.external_id is null"),
    };
    // Not by id alone: SQLite would then look through all connections, which lie in that order.
    statement.push(" and c.status <> 'archived' order by c.created_at desc, c.id desc limit 1");
    statement
}
