//! Secrets of the installation itself, sealed: the pepper under which tokens are hashed.

use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::sealed::Sealed;
use crate::sql::{Statement, get};
use crate::store::Store;

const FIND: &str = "select sealed, key_id, generation from installation_secrets where name = $1";

impl Store {
    /// Stores the secret unless one of this name is there already, and returns the one that is there now.
    /// Of two first starts at once both get the same secret, whichever of them made it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn insert_installation_secret(
        &self,
        name: &str,
        sealed: &Sealed,
    ) -> Result<Sealed, StoreError> {
        let mut transaction = self.begin().await?;
        Statement::new(
            "insert into installation_secrets (name, sealed, key_id, generation) values ($1, $2, $3, $4) \
             on conflict do nothing",
        )
        .text(name)
        .bytes(&sealed.sealed)
        .text(&sealed.key_id)
        .integer(sealed.generation)
        .execute(&mut *transaction)
        .await?;
        let row = Statement::new(FIND).text(name).find(&mut *transaction).await?;
        let stored = row.as_ref().map(read).transpose()?;
        transaction.commit().await?;
        stored.ok_or(StoreError::Corrupt("installation_secrets"))
    }

    /// The secret of this name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_installation_secret(&self, name: &str) -> Result<Option<Sealed>, StoreError> {
        Statement::new(FIND).text(name).find(&self.readers).await?.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        sealed: get(row, "sealed")?,
        key_id: get(row, "key_id")?,
        generation: get(row, "generation")?,
    })
}
