//! Public tokens: what an end user's browser carries from the link page to the caller's product, which exchanges it
//! for the connection. Each is used once. Only a keyed hash of the secret is here.

use std::fmt;

use passthrough_core::id::{ConnectionId, Environment, PublicTokenId};

use crate::error::StoreError;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

/// One public token. Times are unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicToken {
    /// The same ULID as in the token itself.
    pub id: PublicTokenId,
    /// The closed room of its connection.
    pub environment: Environment,
    /// Keyed hash of the secret, to be compared in constant time.
    pub secret_hash: Vec<u8>,
    /// What it is exchanged for.
    pub connection_id: ConnectionId,
    /// When it was made.
    pub created_at: i64,
    /// From when on it is refused.
    pub expires_at: i64,
    /// When it was used.
    pub used_at: Option<i64>,
}

impl fmt::Debug for PublicToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicToken")
            .field("id", &self.id)
            .field("environment", &self.environment)
            .field("connection_id", &self.connection_id)
            .field("expires_at", &self.expires_at)
            .field("used_at", &self.used_at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a new public token, unused.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is taken, [`StoreError::MissingParent`] if the environment has no such
    /// connection, [`StoreError::Unavailable`].
    pub async fn insert_public_token(&self, token: &PublicToken) -> Result<(), StoreError> {
        let inserted = Statement::new(
            "insert into public_tokens (id, environment, secret_hash, connection_id, created_at, expires_at) \
             select $1, environment, $2, id, $3, $4 from connections where environment = $5 and id = $6",
        )
        .text(&token.id.to_string())
        .bytes(&token.secret_hash)
        .integer(token.created_at)
        .integer(token.expires_at)
        .text(token.environment.as_str())
        .text(&token.connection_id.to_string())
        .execute(&self.writer)
        .await?;
        if inserted == 0 { Err(StoreError::MissingParent) } else { Ok(()) }
    }

    /// The authentication look-up: finds a token of whatever environment, also a used or expired one. The secret is
    /// still to be compared, and the environment with that of the API key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_public_token(&self, id: PublicTokenId) -> Result<Option<PublicToken>, StoreError> {
        let row = Statement::new(
            "select id, environment, secret_hash, connection_id, created_at, expires_at, used_at \
             from public_tokens where id = $1",
        )
        .text(&id.to_string())
        .find(&self.writer)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PublicToken {
            id: parse(&row, "id")?,
            environment: parse(&row, "environment")?,
            secret_hash: get(&row, "secret_hash")?,
            connection_id: parse(&row, "connection_id")?,
            created_at: get(&row, "created_at")?,
            expires_at: get(&row, "expires_at")?,
            used_at: get(&row, "used_at")?,
        }))
    }

    /// Uses a token up, if it was not used and has not expired. Returns whether this call did.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn consume_public_token(
        &self,
        environment: &Environment,
        id: PublicTokenId,
        now: i64,
    ) -> Result<bool, StoreError> {
        let used = Statement::new(
            "update public_tokens set used_at = $1 \
             where environment = $2 and id = $3 and used_at is null and expires_at > $1",
        )
        .integer(now)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(&self.writer)
        .await?;
        Ok(used > 0)
    }

    /// Deletes tokens that expired before `before` (unix milliseconds), at most `limit`, and says how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_public_tokens_before(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        Statement::new(
            "delete from public_tokens where id in \
             (select id from public_tokens where expires_at < $1 order by expires_at limit $2)",
        )
        .integer(before)
        .integer(i64::from(limit))
        .execute(&self.writer)
        .await
    }
}
