//! API keys: what authenticates the calling application. Only a keyed hash of the secret is here.

use std::fmt;

use passthrough_core::id::{ApiKeyId, Environment};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::change::ChangeSubject;
use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sql::{Statement, get, parse};
use crate::store::{Engine, Store};

const COLUMNS: &str = "select id, environment, name, secret_hash, created_at, expires_at, revoked_at, last_used_at from api_keys ";

/// One API key. All times are unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The same ULID as in the key itself.
    pub id: ApiKeyId,
    /// The room that it opens.
    pub environment: Environment,
    /// The operator's name for it.
    pub name: String,
    /// Keyed hash of the secret, to be compared in constant time.
    pub secret_hash: Vec<u8>,
    /// When it was made.
    pub created_at: i64,
    /// From when on it is refused.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// When it was last used, to within the caller's granularity.
    pub last_used_at: Option<i64>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("environment", &self.environment)
            .field("name", &self.name)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("revoked_at", &self.revoked_at)
            .field("last_used_at", &self.last_used_at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a new key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is taken, [`StoreError::MissingParent`] if the environment is not
    /// there, [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn insert_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        insert(&mut transaction, key).await?;
        self.commit(transaction, ChangeSubject::ApiKey(key.id), key.created_at).await
    }

    /// The authentication look-up: finds a key of whatever environment, also a revoked or expired one. The
    /// secret is still to be compared.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push("where id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The keys of one environment, revoked ones too, newest first; `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_api_keys(
        &self,
        environment: &Environment,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push("where environment = ").push_text(environment.as_str());
        if let Some(after) = after {
            statement.push(" and id < ").push_text(&after.to_string());
        }
        statement.push(" order by id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// Revokes a key; revoking it again changes nothing. Returns whether the key is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn revoke_api_key(
        &self,
        environment: &Environment,
        id: ApiKeyId,
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let found = Statement::new(
            "update api_keys set revoked_at = coalesce(revoked_at, $1) where environment = $2 and id = $3",
        )
        .integer(at)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(&mut *transaction)
        .await?;
        self.commit_if(found > 0, transaction, ChangeSubject::ApiKey(id), at).await
    }

    /// Notes that a key was used; an older time never replaces a newer one. Makes no line in the changes,
    /// because nobody's decision hangs on it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn touch_api_key(&self, id: ApiKeyId, at: i64) -> Result<(), StoreError> {
        Statement::new(
            "update api_keys set last_used_at = $1 where id = $2 and (last_used_at is null or last_used_at < $1)",
        )
        .integer(at)
        .text(&id.to_string())
        .execute(&self.writer)
        .await
        .map(drop)
    }

    /// Stores the key unless there is one already, in whatever environment; says whether it did. Of several
    /// processes at their first start, one stores its key.
    ///
    /// # Errors
    /// As [`Store::insert_api_key`].
    pub async fn insert_first_api_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if self.engine == Engine::Postgres {
            // Held to the commit, and in the way of itself: the second one counts what the first has stored.
            sqlx::raw_sql("lock table api_keys in share row exclusive mode")
                .execute(&mut *transaction)
                .await?;
        }
        let any = Statement::new("select id from api_keys limit 1").find(&mut *transaction).await?;
        if any.is_none() {
            insert(&mut transaction, key).await?;
        }
        self.commit_if(any.is_none(), transaction, ChangeSubject::ApiKey(key.id), key.created_at).await
    }

    /// How many keys there are in all environments, revoked ones too: zero is a first start.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn count_api_keys(&self) -> Result<i64, StoreError> {
        let row = Statement::new("select count(*) as keys from api_keys").find(&self.readers).await?;
        row.as_ref().map_or(Ok(0), |row| get(row, "keys"))
    }
}

async fn insert(on: &mut AnyConnection, key: &ApiKey) -> Result<(), StoreError> {
    Statement::new(
        "insert into api_keys \
         (id, environment, name, secret_hash, created_at, expires_at, revoked_at, last_used_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .text(&key.id.to_string())
    .text(key.environment.as_str())
    .text(&key.name)
    .bytes(&key.secret_hash)
    .integer(key.created_at)
    .integer(key.expires_at)
    .integer(key.revoked_at)
    .integer(key.last_used_at)
    .execute(on)
    .await
    .map(drop)
}

fn read(row: &AnyRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        name: get(row, "name")?,
        secret_hash: get(row, "secret_hash")?,
        created_at: get(row, "created_at")?,
        expires_at: get(row, "expires_at")?,
        revoked_at: get(row, "revoked_at")?,
        last_used_at: get(row, "last_used_at")?,
    })
}
