//! The tables: migrations embedded in the program, applied in order, under a lock, never edited.

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{Any, SqlSafeStr, Transaction};

use crate::error::StoreError;
use crate::sql::{Statement, get};
use crate::store::{Engine, Store};

/// One migration with its text for each engine.
struct Source {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// In the order in which they are applied. New ones go to the end; what stands here is never edited.
const SOURCES: &[Source] = &[
    Source {
        version: 1,
        name: "initial",
        sqlite: include_str!("../migrations/sqlite/0001_initial.sql"),
        postgres: include_str!("../migrations/postgres/0001_initial.sql"),
    },
    Source {
        version: 2,
        name: "request_batches",
        sqlite: include_str!("../migrations/sqlite/0002_request_batches.sql"),
        postgres: include_str!("../migrations/postgres/0002_request_batches.sql"),
    },
    Source {
        version: 3,
        name: "renewal",
        sqlite: include_str!("../migrations/sqlite/0003_renewal.sql"),
        postgres: include_str!("../migrations/postgres/0003_renewal.sql"),
    },
    Source {
        version: 4,
        name: "linked_users",
        sqlite: include_str!("../migrations/sqlite/0004_linked_users.sql"),
        postgres: include_str!("../migrations/postgres/0004_linked_users.sql"),
    },
];

/// Any number, as long as all processes of this program agree and no neighbour in the database uses it.
const LOCK: i64 = 0x7061_7373_0001;

const APPLIED: &str = "select version, checksum from schema_migrations order by version";

/// A migration that this program has and the database has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMigration {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: &'static str,
}

impl Store {
    /// Applies what is pending, all of it or nothing, and returns what was applied. Processes that start at
    /// once on an empty database wait for each other.
    ///
    /// # Errors
    /// [`StoreError::TooNew`], [`StoreError::MigrationChanged`], [`StoreError::MigrationFailed`],
    /// [`StoreError::Unavailable`].
    pub async fn migrate(&self) -> Result<Vec<PendingMigration>, StoreError> {
        let mut transaction = self.begin_migration().await?;
        let create = match self.engine {
            Engine::Sqlite => {
                "create table if not exists schema_migrations \
                 (version integer not null primary key, name text not null, checksum blob not null) strict"
            }
            Engine::Postgres => {
                "create table if not exists schema_migrations \
                 (version bigint not null primary key, name text not null, checksum bytea not null)"
            }
        };
        Statement::new(create).execute(&mut *transaction).await?;
        let applied = read_applied(Statement::new(APPLIED).list(&mut *transaction).await?)?;
        let pending = pending(&applied, self.engine)?;
        for source in &pending {
            apply(&mut transaction, source, self.engine).await?;
        }
        transaction.commit().await?;
        for source in &pending {
            tracing::info!(version = source.version, name = source.name, "migration applied");
        }
        Ok(pending.into_iter().map(PendingMigration::from).collect())
    }

    /// What [`Store::migrate`] would apply. Changes nothing.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<PendingMigration>, StoreError> {
        let applied = match Statement::new(APPLIED).list(&self.readers).await {
            Ok(rows) => read_applied(rows)?,
            Err(StoreError::NotMigrated) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(pending(&applied, self.engine)?.into_iter().map(PendingMigration::from).collect())
    }

    /// The lock belongs to the transaction, so that it works behind a connection pooler and falls with it.
    async fn begin_migration(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut transaction = self.begin().await?;
        if self.engine == Engine::Postgres {
            // Another process may be migrating a big table: wait for it as long as it takes.
            sqlx::raw_sql("set local statement_timeout = 0; set local lock_timeout = 0")
                .execute(&mut *transaction)
                .await?;
            Statement::new("select pg_advisory_xact_lock($1)")
                .integer(LOCK)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction)
    }
}

impl From<&'static Source> for PendingMigration {
    fn from(source: &'static Source) -> Self {
        PendingMigration { version: source.version, name: source.name }
    }
}

impl Source {
    fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }

    /// SHA-384 of the text.
    fn checksum(&self, engine: Engine) -> Vec<u8> {
        let text = self.text(engine).into_sql_str();
        Migration::new(self.version, self.name.into(), MigrationType::Simple, text, false)
            .checksum
            .into_owned()
    }
}

fn read_applied(rows: Vec<sqlx::any::AnyRow>) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    rows.iter().map(|row| Ok((get(row, "version")?, get(row, "checksum")?))).collect()
}

/// Compares what was applied with what is known.
fn pending(applied: &[(i64, Vec<u8>)], engine: Engine) -> Result<Vec<&'static Source>, StoreError> {
    let known = SOURCES.last().map_or(0, |source| source.version);
    for (version, checksum) in applied {
        let Some(source) = SOURCES.iter().find(|source| source.version == *version) else {
            let found = applied.last().map_or(0, |(version, _)| *version);
            return Err(StoreError::TooNew { found, known });
        };
        if source.checksum(engine) != *checksum {
            return Err(StoreError::MigrationChanged(*version));
        }
    }
    Ok(SOURCES
        .iter()
        .filter(|source| !applied.iter().any(|(version, _)| *version == source.version))
        .collect())
}

async fn apply(
    transaction: &mut Transaction<'static, Any>,
    source: &Source,
    engine: Engine,
) -> Result<(), StoreError> {
    if let Err(error) = sqlx::raw_sql(source.text(engine)).execute(&mut **transaction).await {
        let message = error.as_database_error().map(|error| error.message().to_owned());
        return Err(match message {
            Some(message) => StoreError::MigrationFailed { version: source.version, message },
            None => error.into(),
        });
    }
    Statement::new("insert into schema_migrations (version, name, checksum) values ($1, $2, $3)")
        .integer(source.version)
        .text(source.name)
        .bytes(&source.checksum(engine))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one() {
        let versions: Vec<i64> = SOURCES.iter().map(|source| source.version).collect();
        assert_eq!(versions, (1..=SOURCES.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn a_changed_and_an_unknown_migration_are_refused() {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let good = (1, SOURCES[0].checksum(engine));
            assert_eq!(pending(std::slice::from_ref(&good), engine).map(|p| p.len()), Ok(SOURCES.len() - 1));
            assert_eq!(pending(&[(1, vec![0; 48])], engine).err(), Some(StoreError::MigrationChanged(1)));
            let newer = [good, (999, vec![0; 48])];
            let known = SOURCES.len() as i64;
            assert_eq!(pending(&newer, engine).err(), Some(StoreError::TooNew { found: 999, known }));
        }
    }
}
