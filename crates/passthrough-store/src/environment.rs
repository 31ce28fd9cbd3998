//! Environments: the closed rooms. Every key, connection and record names one.

use passthrough_core::id::Environment;

use crate::error::StoreError;
use crate::sql::{Statement, parse};
use crate::store::Store;

impl Store {
    /// Makes the environment if it is not there. Returns whether it was made. `at` is in unix milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ensure_environment(&self, environment: &Environment, at: i64) -> Result<bool, StoreError> {
        let made = Statement::new(
            "insert into environments (name, created_at) values ($1, $2) on conflict do nothing",
        )
        .text(environment.as_str())
        .integer(at)
        .execute(&self.writer)
        .await?;
        Ok(made > 0)
    }

    /// All environments by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_environments(&self) -> Result<Vec<Environment>, StoreError> {
        let rows = Statement::new("select name from environments order by name").list(&self.readers).await?;
        rows.iter().map(|row| parse(row, "name")).collect()
    }
}
