//! What can go wrong in the store, told so that the edge can answer and an operator can act.
//!
//! No message ever holds a value of a row or the database URL: databases like to quote the offending
//! value, and that may be a customer's.

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;
use thiserror::Error;

/// A failure of the store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The database cannot be used now: connection lost, pool exhausted, locked, disk full, read-only.
    /// Nothing is wrong with the call; the same call may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row with this id or name exists already.
    #[error("a row with this id or name exists already")]
    Conflict,
    /// The environment, connection or integration that the row belongs to does not exist.
    #[error("the environment, connection or integration that this row belongs to does not exist")]
    MissingParent,
    /// Connections use the integration that was to be deleted.
    #[error("connections use this integration: delete them first")]
    InUse,
    /// A text that one of the two engines cannot hold; refused on both, before anything is written.
    #[error("{0}")]
    InvalidText(TextFault),
    /// The database URL cannot be used. Never quotes the URL, which may hold a password.
    #[error("invalid database URL: {0}")]
    InvalidUrl(&'static str),
    /// The tables are not there yet.
    #[error("the database has not been migrated: run the migrations first")]
    NotMigrated,
    /// The database was migrated by a newer version of this program.
    #[error("the database is at migration {found}, this program knows {known}: use a newer program")]
    TooNew {
        /// The highest migration that the database has.
        found: i64,
        /// The highest migration that this program has.
        known: i64,
    },
    /// A migration that was applied differs from the one in this program.
    #[error("migration {0} was changed after it had been applied: this program does not fit this database")]
    MigrationChanged(i64),
    /// A migration failed; nothing of it is kept.
    #[error("migration {version} failed: {message}")]
    MigrationFailed {
        /// The number of the migration.
        version: i64,
        /// What the database said. Migrations hold no values.
        message: String,
    },
    /// A stored value that this program did not write or cannot read.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(&'static str),
    /// Anything else; the code is SQLite's result code or PostgreSQL's SQLSTATE.
    #[error("unexpected database error ({0})")]
    Unexpected(String),
}

/// Why a text cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextFault {
    /// PostgreSQL has no NUL in text.
    #[error("a text must not hold a NUL character")]
    Nul,
    /// PostgreSQL refuses index entries of some kilobytes.
    #[error("a text that can be searched for must not be longer than 1,024 bytes")]
    TooLong,
    /// The character that parts the tags of a row when they are read.
    #[error("a tag must not hold the control character U+001F")]
    Separator,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => from_database(error.as_ref()),
            E::Io(error) => StoreError::Unavailable(error.kind().to_string()),
            E::Tls(_) => StoreError::Unavailable("the TLS handshake failed".into()),
            E::PoolTimedOut => StoreError::Unavailable("no connection became free in time".into()),
            E::PoolClosed => StoreError::Unavailable("the store is closed".into()),
            E::WorkerCrashed | E::BeginFailed => StoreError::Unavailable("a connection broke".into()),
            E::Configuration(_) => StoreError::InvalidUrl("the database driver refuses it"),
            E::Protocol(_) => StoreError::Unexpected("protocol".into()),
            E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_) => StoreError::Corrupt("a column"),
            _ => StoreError::Unexpected("driver".into()),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    match error.kind() {
        ErrorKind::UniqueViolation => return StoreError::Conflict,
        ErrorKind::ForeignKeyViolation => return StoreError::MissingParent,
        _ => {}
    }
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => from_postgres(error.code(), error.message()),
        None => from_sqlite(error.code().and_then(|code| code.parse().ok()).unwrap_or(0), error.message()),
    }
}

/// Maps a SQLSTATE. A message is kept only for the classes that speak of the server, never of a value.
fn from_postgres(code: &str, message: &str) -> StoreError {
    match (code.get(..2).unwrap_or_default(), code) {
        // Lost connection, refused login, no such database, out of resources, shut down, input/output.
        ("08" | "28" | "3D" | "53" | "57" | "58", _) => StoreError::Unavailable(message.to_owned()),
        // A standby, a deadlock, a serialisation failure, a lock that was not granted in time, a database that
        // lets nobody in at the moment.
        (_, "25006" | "40P01" | "40001" | "55P03" | "55000") => StoreError::Unavailable(message.to_owned()),
        (_, "22021") => StoreError::InvalidText(TextFault::Nul),
        (_, "42P01") => StoreError::NotMigrated,
        (_, "XX001" | "XX002") => StoreError::Corrupt("a damaged table or index"),
        _ => StoreError::Unexpected(format!("SQLSTATE {code}")),
    }
}

/// Maps a SQLite result code; the low byte is the primary code.
fn from_sqlite(code: i32, message: &str) -> StoreError {
    let unavailable = |what: &str| StoreError::Unavailable(what.to_owned());
    match code & 0xff {
        1 if message.starts_with("no such table") => StoreError::NotMigrated,
        3 | 23 => unavailable("access to the database file is denied"),
        5 | 6 => unavailable("the database is locked by another process"),
        8 => unavailable("the database file is read-only"),
        10 => unavailable("the disk failed to read or write"),
        13 => unavailable("the disk is full"),
        14 => unavailable("the database file cannot be opened"),
        11 | 26 => StoreError::Corrupt("the file is damaged or no SQLite database"),
        _ => StoreError::Unexpected(format!("SQLite {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_unavailable_on_both_engines() {
        for code in [
            "08006", "28P01", "3D000", "53100", "53300", "57P01", "57014", "25006", "40P01", "55P03", "55000",
        ] {
            assert!(matches!(from_postgres(code, "m"), StoreError::Unavailable(_)), "{code}");
        }
        // Extended codes too: 1,034 is a failed fsync, 261 a WAL that is being recovered.
        for code in [5, 6, 8, 10, 13, 14, 261, 517, 1034, 3338] {
            assert!(matches!(from_sqlite(code, "m"), StoreError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn an_error_about_a_value_does_not_quote_it() {
        let error = from_postgres("22P02", "invalid input syntax for type bigint: \"hunter2\"");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let error = from_sqlite(20, "datatype mismatch hunter2");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let error = StoreError::from(sqlx::Error::Configuration("postgres://u:hunter2@h".into()));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_damaged_file_is_corrupt_and_not_unavailable() {
        assert!(matches!(from_sqlite(26, "file is not a database"), StoreError::Corrupt(_)));
        assert!(matches!(from_postgres("XX001", "m"), StoreError::Corrupt(_)));
    }
}
