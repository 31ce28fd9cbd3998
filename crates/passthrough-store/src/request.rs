//! The records: one row for each passthrough. No bodies, no header values, no query strings.

pub(crate) mod list;

use std::borrow::Cow;

use passthrough_core::fault::{Door, Origin, Sent};
use passthrough_core::id::{ApiKeyId, ConnectionId, Environment, RequestId};
use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::sql::{Statement, get, parse, parse_optional};
use crate::store::Store;

/// Rows of one insert statement: 18 values each, far below the 32,766 that SQLite binds.
const ROWS_PER_STATEMENT: usize = 100;

const COLUMNS: &str = "select id, environment, connection_id, api_key_id, provider, door, method, path, \
     status_code, error_code, origin, sent, attempts, started_at, duration_ms, upstream_duration_ms, \
     request_bytes, response_bytes from requests where environment = ";

/// The record of one passthrough. Times are unix milliseconds, durations milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The id that the caller saw.
    pub id: RequestId,
    /// The room of the API key.
    pub environment: Environment,
    /// The connection, as far as it was resolved.
    pub connection_id: Option<ConnectionId>,
    /// The key.
    pub api_key_id: Option<ApiKeyId>,
    /// Code of the provider, as far as it was resolved.
    pub provider: Option<String>,
    /// The way in.
    pub door: Door,
    /// The method.
    pub method: String,
    /// The path without its query, secrets in it hidden by the caller of this crate.
    pub path: String,
    /// The provider's status.
    pub status_code: Option<u16>,
    /// The code of our own failure.
    pub error_code: Option<String>,
    /// Whose fault it was.
    pub origin: Option<Origin>,
    /// Whether anything was sent.
    pub sent: Option<Sent>,
    /// How many times the provider was called.
    pub attempts: u32,
    /// When it came in.
    pub started_at: i64,
    /// From the head of the request to the end of the answer.
    pub duration_ms: i64,
    /// The provider's part of it.
    pub upstream_duration_ms: Option<i64>,
    /// Bytes of the body sent to the provider.
    pub request_bytes: i64,
    /// Bytes of the body that the provider sent.
    pub response_bytes: i64,
}

impl Store {
    /// Stores a batch of records, all or nothing. One whose id is there already is left as it is, so that a
    /// batch may be sent again after a failure. A NUL in a text becomes U+FFFD here, because one odd path
    /// must not cost the other records of its batch.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn insert_requests(&self, records: &[Record]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for rows in records.chunks(ROWS_PER_STATEMENT) {
            insert_statement(rows).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The record of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_request(
        &self,
        environment: &Environment,
        id: RequestId,
    ) -> Result<Option<Record>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str()).push(" and id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// Deletes at most `limit` records that began before `before` (unix milliseconds), the oldest first, and
    /// says how many. Retention calls it until it returns less than `limit`, so that no lock is held for long.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_requests_before(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        Statement::new(
            "delete from requests where id in \
             (select id from requests where started_at < $1 order by started_at limit $2)",
        )
        .integer(before)
        .integer(i64::from(limit))
        .execute(&self.writer)
        .await
    }
}

fn insert_statement(records: &[Record]) -> Statement {
    let mut statement = Statement::new(
        "insert into requests (id, environment, connection_id, api_key_id, provider, door, method, path, \
         status_code, error_code, origin, sent, attempts, started_at, duration_ms, upstream_duration_ms, \
         request_bytes, response_bytes) values ",
    )
    .once();
    for (index, record) in records.iter().enumerate() {
        statement.push(if index == 0 { "(" } else { ", (" });
        push_row(&mut statement, record);
        statement.push(")");
    }
    statement.push(" on conflict (id) do nothing");
    statement
}

fn push_row(statement: &mut Statement, record: &Record) {
    let connection_id = record.connection_id.map(|id| id.to_string());
    let api_key_id = record.api_key_id.map(|id| id.to_string());
    statement.push_text(&record.id.to_string()).push(", ");
    statement.push_text(record.environment.as_str()).push(", ");
    statement.push_optional_text(connection_id.as_deref()).push(", ");
    statement.push_optional_text(api_key_id.as_deref()).push(", ");
    statement.push_optional_text(record.provider.as_deref().map(without_nul).as_deref()).push(", ");
    statement.push_text(record.door.as_str()).push(", ");
    statement.push_text(&without_nul(&record.method)).push(", ");
    statement.push_text(&without_nul(&record.path)).push(", ");
    statement.push_integer(record.status_code.map(i64::from)).push(", ");
    statement.push_optional_text(record.error_code.as_deref().map(without_nul).as_deref()).push(", ");
    statement.push_optional_text(record.origin.map(Origin::as_str)).push(", ");
    statement.push_optional_text(record.sent.map(Sent::as_str)).push(", ");
    statement.push_integer(i64::from(record.attempts)).push(", ");
    statement.push_integer(record.started_at).push(", ");
    statement.push_integer(record.duration_ms).push(", ");
    statement.push_integer(record.upstream_duration_ms).push(", ");
    statement.push_integer(record.request_bytes).push(", ");
    statement.push_integer(record.response_bytes);
}

fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn read(row: &AnyRow) -> Result<Record, StoreError> {
    let status_code: Option<i64> = get(row, "status_code")?;
    let status_code =
        status_code.map(u16::try_from).transpose().map_err(|_| StoreError::Corrupt("status_code"))?;
    let attempts: i64 = get(row, "attempts")?;
    Ok(Record {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        connection_id: parse_optional(row, "connection_id")?,
        api_key_id: parse_optional(row, "api_key_id")?,
        provider: get(row, "provider")?,
        door: parse(row, "door")?,
        method: get(row, "method")?,
        path: get(row, "path")?,
        status_code,
        error_code: get(row, "error_code")?,
        origin: parse_optional(row, "origin")?,
        sent: parse_optional(row, "sent")?,
        attempts: u32::try_from(attempts).map_err(|_| StoreError::Corrupt("attempts"))?,
        started_at: get(row, "started_at")?,
        duration_ms: get(row, "duration_ms")?,
        upstream_duration_ms: get(row, "upstream_duration_ms")?,
        request_bytes: get(row, "request_bytes")?,
        response_bytes: get(row, "response_bytes")?,
    })
}
