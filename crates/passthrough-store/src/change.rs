//! The line of changes: what other processes read to drop what they hold in memory.
//!
//! A reader remembers the last number it saw and asks for what follows, so the numbers must come in the
//! order of the commits: a change that became visible after a later-numbered one would never be read, and
//! a revoked key would go on working in that process.

use passthrough_core::id::{ApiKeyId, ConnectionId, Environment};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::error::StoreError;
use crate::sql::{Statement, get, parse};
use crate::store::{Engine, Store};

/// Held from the insertion of a change to the commit; see [`Store::commit`].
const LOCK: i64 = 0x7061_7373_0002;

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeSubject {
    /// A key was made or revoked.
    ApiKey(ApiKeyId),
    /// A connection was made, changed or deleted, or got other variables or another token.
    Connection(ConnectionId),
    /// The credential of this connection was replaced.
    Credential(ConnectionId),
    /// An integration was made, changed or deleted, or its provider refuses it or takes it again.
    Integration {
        /// Its environment.
        environment: Environment,
        /// Its name there.
        key: String,
    },
    /// Something that a newer program wrote: the reader must drop whatever it holds.
    Unknown,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number: greater than that of every change that was committed before it. Gaps are normal.
    pub seq: i64,
    /// What changed.
    pub subject: ChangeSubject,
    /// Unix milliseconds, by the clock of the process that made it.
    pub at: i64,
}

impl Store {
    /// The changes after number `seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_changes_after(&self, seq: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let rows = Statement::new(
            "select seq, kind, subject_id, at from changes where seq > $1 order by seq limit $2",
        )
        .integer(seq)
        .integer(i64::from(limit))
        .list(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// The number of the latest change; 0 where there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn latest_change(&self) -> Result<i64, StoreError> {
        let row =
            Statement::new("select coalesce(max(seq), 0) as seq from changes").find(&self.readers).await?;
        row.as_ref().map_or(Ok(0), |row| get(row, "seq"))
    }

    /// Deletes the changes from before `at` (unix milliseconds) and says how many. Every process must have
    /// read them by then. Numbers are never used again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_changes_before(&self, at: i64) -> Result<u64, StoreError> {
        Statement::new("delete from changes where at < $1").integer(at).execute(&self.writer).await
    }

    /// Notes the change and commits, as the last two acts of a transaction.
    ///
    /// PostgreSQL numbers rows when they are inserted, not when they are committed, so there a lock is held
    /// from the numbering to the commit. It is always the last lock taken and nothing is waited for under it,
    /// so that it cannot be part of a deadlock. SQLite has one writer and needs none.
    pub(crate) async fn commit(
        &self,
        mut transaction: Transaction<'static, Any>,
        subject: ChangeSubject,
        at: i64,
    ) -> Result<(), StoreError> {
        let (kind, id) = match subject {
            ChangeSubject::ApiKey(id) => ("api_key", id.to_string()),
            ChangeSubject::Connection(id) => ("connection", id.to_string()),
            ChangeSubject::Credential(id) => ("credential", id.to_string()),
            // No environment holds a slash.
            ChangeSubject::Integration { environment, key } => {
                ("integration", format!("{environment}/{key}"))
            }
            ChangeSubject::Unknown => ("unknown", String::new()),
        };
        if self.engine == Engine::Postgres {
            Statement::new("select pg_advisory_xact_lock($1)")
                .integer(LOCK)
                .execute(&mut *transaction)
                .await?;
        }
        Statement::new("insert into changes (kind, subject_id, at) values ($1, $2, $3)")
            .text(kind)
            .text(&id)
            .integer(at)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// As [`Store::commit`] where a row was changed; else rolls back. Returns `changed`.
    pub(crate) async fn commit_if(
        &self,
        changed: bool,
        transaction: Transaction<'static, Any>,
        subject: ChangeSubject,
        at: i64,
    ) -> Result<bool, StoreError> {
        if changed {
            self.commit(transaction, subject, at).await?;
        } else {
            transaction.rollback().await?;
        }
        Ok(changed)
    }
}

fn read(row: &AnyRow) -> Result<Change, StoreError> {
    let subject = match get::<&str>(row, "kind")? {
        "api_key" => ChangeSubject::ApiKey(parse(row, "subject_id")?),
        "connection" => ChangeSubject::Connection(parse(row, "subject_id")?),
        "credential" => ChangeSubject::Credential(parse(row, "subject_id")?),
        "integration" => {
            let (environment, key) =
                get::<&str>(row, "subject_id")?.split_once('/').ok_or(StoreError::Corrupt("subject_id"))?;
            let environment = environment.parse().map_err(|_| StoreError::Corrupt("subject_id"))?;
            ChangeSubject::Integration { environment, key: key.to_owned() }
        }
        _ => ChangeSubject::Unknown,
    };
    Ok(Change { seq: get(row, "seq")?, subject, at: get(row, "at")? })
}
