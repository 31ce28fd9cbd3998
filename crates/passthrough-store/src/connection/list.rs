//! Lists of connections.

use passthrough_core::connection::{Connection, ConnectionStatus};
use passthrough_core::id::{ConnectionId, Environment};

use super::{COLUMNS, read};
use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sql::{Statement, get};
use crate::store::Store;

/// Which connections to list; every field that is given must match exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// The provider's code.
    pub provider: Option<String>,
    /// The integration's key.
    pub integration: Option<String>,
    /// The status.
    pub status: Option<ConnectionStatus>,
    /// The end user's id in the caller's product.
    pub external_id: Option<String>,
    /// One of the tags.
    pub tag: Option<String>,
}

impl Store {
    /// The connections of one environment, newest first; `after` is the last id of the page before. Rows that
    /// come or go between two pages neither repeat nor hide others.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn list_connections(
        &self,
        environment: &Environment,
        filter: &ConnectionFilter,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Page<Connection>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push(" from connections c where c.environment = ").push_text(environment.as_str());
        if let Some(provider) = &filter.provider {
            statement.push(" and c.provider = ").push_text(provider);
        }
        if let Some(integration) = &filter.integration {
            statement.push(" and c.integration = ").push_text(integration);
        }
        if let Some(status) = filter.status {
            statement.push(" and c.status = ").push_text(status.as_str());
        }
        if let Some(external_id) = &filter.external_id {
            statement.push(" and c.external_id = ").push_text(external_id);
        }
        if let Some(tag) = &filter.tag {
            statement.push(" and c.id in (select connection_id from connection_tags where environment = ");
            statement.push_text(environment.as_str()).push(" and tag = ").push_text(tag).push(")");
        }
        if let Some(after) = after {
            statement.push(" and c.id < ").push_text(&after.to_string());
        }
        statement.push(" order by c.id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// How many connections an integration has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn count_connections_of(
        &self,
        environment: &Environment,
        integration: &str,
    ) -> Result<i64, StoreError> {
        let statement = Statement::new(
            "select count(*) as connections from connections where environment = $1 and integration = $2",
        );
        let row = statement.text(environment.as_str()).text(integration).find(&self.readers).await?;
        row.as_ref().map_or(Ok(0), |row| get(row, "connections"))
    }
}
