//! The open database: its pools, its life, and how a write begins.

mod postgres;
mod sqlite;

use std::fmt;
use std::time::Duration;

use sqlx::{Any, AnyPool, Transaction};

use crate::error::StoreError;
use crate::sql::Statement;

pub use sqlite::sqlite_url;

/// How long a call waits for a free connection, for a lock, and for the first connection of all.
const WAIT: Duration = Duration::from_secs(5);

/// Which database is underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, one writer at a time.
    Sqlite,
    /// A server, shared by several processes.
    Postgres,
}

impl Engine {
    /// What keeps the rows of a `select` as they are until the end of the transaction. SQLite has one writer, which
    /// this is, and needs none of it.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Engine::Sqlite => "",
            Engine::Postgres => " for no key update",
        }
    }

    /// What keeps the rows of `d` of a `select` to whoever comes first, and gives others to who comes second.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Engine::Sqlite => "",
            Engine::Postgres => " for update of d skip locked",
        }
    }

    /// What keeps the rows of a `select` from being deleted until the end of the transaction.
    pub(crate) fn against_deletion(self) -> &'static str {
        match self {
            Engine::Sqlite => "",
            Engine::Postgres => " for key share",
        }
    }
}

/// An open database. Cloning it is cheap and shares the pools.
#[derive(Clone)]
pub struct Store {
    pub(crate) engine: Engine,
    /// Where reads go.
    pub(crate) readers: AnyPool,
    /// Where writes go: one connection on SQLite, the same pool as the readers on PostgreSQL.
    pub(crate) writer: AnyPool,
}

impl fmt::Debug for Store {
    /// Shows the engine only: the pools know the database URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:///absolute/path.db` (made with mode 0600 if it is not there; its folder must be) or
    /// `postgres://user:password@host/database`. The tables are made by [`Store::migrate`].
    ///
    /// # Errors
    /// [`StoreError::InvalidUrl`], [`StoreError::Unavailable`] if it cannot be reached within 5 s,
    /// [`StoreError::Corrupt`] if the file is something else.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        if let Some(location) = url.strip_prefix("sqlite://") {
            sqlite::open(location).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres::open(url).await
        } else {
            Err(StoreError::InvalidUrl("it must begin with sqlite:// or postgres://"))
        }
    }

    /// Which database is underneath.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Asks the database for a sign of life, for the readiness probe.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after at most 5 s of waiting for a connection.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Statement::new("select 1").find(&self.readers).await.map(drop)
    }

    /// Closes all connections, after those in use have been given back.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once: one that reads first
    /// and upgrades later fails where another process wrote in between.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let begin = match self.engine {
            Engine::Sqlite => "begin immediate",
            Engine::Postgres => "begin",
        };
        match self.writer.begin_with(begin).await {
            // On a full disk SQLite ends a transaction by itself; the driver goes on counting it as open, and
            // would refuse every further one on this connection.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                Ok(self.writer.begin_with(begin).await?)
            }
            begun => Ok(begun?),
        }
    }
}
