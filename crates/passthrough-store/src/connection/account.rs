//! Connections by the account behind them: linking the same account again must not make a second connection.

use passthrough_core::id::Environment;

use super::{COLUMNS, SEALED_COLUMNS, StoredConnection, read_stored};
use crate::error::StoreError;
use crate::sql::Statement;
use crate::store::Store;

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
        statement.find(&self.readers).await?.as_ref().map(read_stored).transpose()
    }
}
