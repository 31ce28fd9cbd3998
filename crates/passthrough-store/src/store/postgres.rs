//! Opening a PostgreSQL database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, ConnectOptions, Connection};

use super::{Engine, Store, WAIT};
use crate::error::StoreError;

/// Nothing of ours runs for long: a statement that does is stuck behind somebody, and a transaction left
/// open by a process that vanished would hold its locks against all others.
const SESSION: &str = "set statement_timeout = '30s'; set lock_timeout = '5s'; \
                       set idle_in_transaction_session_timeout = '30s';";
const CONNECTIONS: u32 = 10;

/// Opens the database behind a `postgres://` URL.
pub(super) async fn open(url: &str) -> Result<Store, StoreError> {
    // The parser's own message is dropped: it may quote the password.
    let options = AnyConnectOptions::from_str(url)
        .map_err(|_| StoreError::InvalidUrl("it is not a well-formed URL"))?;
    // One connection outside the pool first: a pool that cannot connect says only that time ran out.
    let connection: AnyConnection = tokio::time::timeout(WAIT, options.connect())
        .await
        .map_err(|_| StoreError::Unavailable("the server did not answer within 5 s".into()))??;
    connection.close().await?;
    let pool = AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(WAIT)
        .idle_timeout(Duration::from_secs(600))
        .max_lifetime(Duration::from_secs(1800))
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
        })
        .connect_lazy_with(options);
    Ok(Store { engine: Engine::Postgres, writer: pool.clone(), readers: pool })
}
