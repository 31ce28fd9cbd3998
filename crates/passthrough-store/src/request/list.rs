//! Lists of records.

use passthrough_core::id::{ConnectionId, Environment, RequestId};

use super::{COLUMNS, Record, read};
use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sql::Statement;
use crate::store::Store;

/// Which records to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// The connection.
    pub connection_id: Option<ConnectionId>,
    /// Code of the provider.
    pub provider: Option<String>,
    /// The provider's status.
    pub status: Option<StatusFilter>,
    /// The code of our own failure.
    pub error_code: Option<String>,
    /// Unix milliseconds: those that began then or later.
    pub since: Option<i64>,
    /// Unix milliseconds: those that began before.
    pub until: Option<i64>,
}

/// A condition on the provider's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// Exactly this one.
    Code(u16),
    /// All with this first digit: 4 for 4xx.
    Class(u8),
}

impl Store {
    /// The records of one environment, newest first; `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn list_requests(
        &self,
        environment: &Environment,
        filter: &RequestFilter,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<Page<Record>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str());
        push_filter(&mut statement, filter);
        if let Some(after) = after {
            statement.push(" and id < ").push_text(&after.to_string());
        }
        statement.push(" order by id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }
}

fn push_filter(statement: &mut Statement, filter: &RequestFilter) {
    if let Some(connection_id) = filter.connection_id {
        statement.push(" and connection_id = ").push_text(&connection_id.to_string());
    }
    if let Some(provider) = &filter.provider {
        statement.push(" and provider = ").push_text(provider);
    }
    let (lowest, highest) = match filter.status {
        Some(StatusFilter::Code(code)) => (Some(i64::from(code)), Some(i64::from(code))),
        Some(StatusFilter::Class(class)) => (Some(i64::from(class) * 100), Some(i64::from(class) * 100 + 99)),
        None => (None, None),
    };
    if let (Some(lowest), Some(highest)) = (lowest, highest) {
        statement.push(" and status_code between ").push_integer(lowest).push(" and ").push_integer(highest);
    }
    if let Some(error_code) = &filter.error_code {
        statement.push(" and error_code = ").push_text(error_code);
    }
    if let Some(since) = filter.since {
        statement.push(" and started_at >= ").push_integer(since);
    }
    if let Some(until) = filter.until {
        statement.push(" and started_at < ").push_integer(until);
    }
}
