//! Linked users: the end users of Panora's dialect, by their id in the caller's product. One is there for every
//! external id that a connection was ever given, and stays when its last connection is gone.

use std::collections::{BTreeMap, HashMap};

use passthrough_core::id::{ConnectionId, Environment, LinkedUserId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::connection::check_indexed;
use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sql::{Statement, get, parse};
use crate::store::Store;

const COLUMNS: &str = "select id, environment, origin_id, alias, created_at from linked_users";

/// One end user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedUser {
    /// `user_<ULID>`.
    pub id: LinkedUserId,
    /// The closed room.
    pub environment: Environment,
    /// The id in the caller's product: the external id of connections.
    pub origin_id: String,
    /// What the caller calls it.
    pub alias: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// What the dialect tells of a connection beside the connection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionUser {
    /// Unix milliseconds at which its credential ends; `None` where nobody knows, or never.
    pub expires_at: Option<i64>,
    /// The linked user of its external id.
    pub user: Option<LinkedUserId>,
}

impl Store {
    /// Makes those linked users that are not there yet, all or nothing, and gives them all in the order asked. An alias
    /// that is given replaces the one that was there. Whoever asks at the same time gets the same users. Of an origin id
    /// that stands twice the first counts.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if an id is taken, [`StoreError::MissingParent`] if an environment is not there,
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn ensure_linked_users(&self, asked: &[LinkedUser]) -> Result<Vec<LinkedUser>, StoreError> {
        // In one order for all: of two that lock the same rows in different ones, PostgreSQL would end one.
        let mut users = BTreeMap::new();
        for user in asked {
            check_indexed(&user.origin_id)?;
            users.entry((&user.environment, &user.origin_id)).or_insert(user);
        }
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::new(
            "insert into linked_users (id, environment, origin_id, alias, created_at) values ",
        )
        .once();
        for (number, user) in users.values().enumerate() {
            statement.push(if number == 0 { "(" } else { ", (" });
            statement
                .push_text(&user.id.to_string())
                .push(", ")
                .push_text(user.environment.as_str())
                .push(", ");
            statement
                .push_text(&user.origin_id)
                .push(", ")
                .push_optional_text(user.alias.as_deref())
                .push(", ");
            statement.push_integer(user.created_at).push(")");
        }
        statement.push(
            " on conflict (environment, origin_id) do update set alias = coalesce(excluded.alias, linked_users.alias) \
             returning id, environment, origin_id, alias, created_at",
        );
        let rows = statement.list(&self.writer).await?;
        let made: Vec<LinkedUser> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let made: HashMap<_, _> =
            made.iter().map(|user| ((&user.environment, &user.origin_id), user)).collect();
        let found =
            asked.iter().map(|user| made.get(&(&user.environment, &user.origin_id)).copied().cloned());
        found.collect::<Option<_>>().ok_or(StoreError::Corrupt("origin_id"))
    }

    /// The linked user of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_linked_user(
        &self,
        environment: &Environment,
        id: LinkedUserId,
    ) -> Result<Option<LinkedUser>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push(" where environment = ").push_text(environment.as_str());
        statement.push(" and id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The linked user of this environment with this id in the caller's product.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn find_linked_user_by_origin(
        &self,
        environment: &Environment,
        origin_id: &str,
    ) -> Result<Option<LinkedUser>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push(" where environment = ").push_text(environment.as_str());
        statement.push(" and origin_id = ").push_text(origin_id);
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The linked users of one environment, newest first; `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_linked_users(
        &self,
        environment: &Environment,
        after: Option<LinkedUserId>,
        limit: u32,
    ) -> Result<Page<LinkedUser>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push(" where environment = ").push_text(environment.as_str());
        if let Some(after) = after {
            statement.push(" and id < ").push_text(&after.to_string());
        }
        statement.push(" order by id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// What the dialect tells of the connections from `oldest` to `newest`, both among them: a page of a list.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_connection_users(
        &self,
        environment: &Environment,
        oldest: ConnectionId,
        newest: ConnectionId,
    ) -> Result<HashMap<ConnectionId, ConnectionUser>, StoreError> {
        let statement = Statement::new(
            "select c.id, d.expires_at, u.id as user_id from connections c \
             join credentials d on d.connection_id = c.id and d.environment = c.environment \
             left join linked_users u on u.environment = c.environment and u.origin_id = c.external_id \
             where c.environment = $1 and c.id >= $2 and c.id <= $3 order by c.id desc limit $4",
        );
        let statement =
            statement.text(environment.as_str()).text(&oldest.to_string()).text(&newest.to_string());
        let rows = statement.integer(i64::from(crate::page::MAX_PAGE) + 1).list(&self.readers).await?;
        let read = |row: &AnyRow| {
            let user: Option<&str> = get(row, "user_id")?;
            let user = user.map(str::parse).transpose().map_err(|_| StoreError::Corrupt("user_id"))?;
            Ok((parse(row, "id")?, ConnectionUser { expires_at: get(row, "expires_at")?, user }))
        };
        rows.iter().map(read).collect()
    }
}

/// Makes the linked user of a connection's external id, where there is none, in the transaction that gives the
/// connection that id.
pub(crate) async fn ensure_for_connection(
    on: &mut AnyConnection,
    environment: &Environment,
    id: LinkedUserId,
    external_id: &str,
    at: i64,
) -> Result<(), StoreError> {
    Statement::new(
        "insert into linked_users (id, environment, origin_id, created_at) values ($1, $2, $3, $4) \
         on conflict do nothing",
    )
    .text(&id.to_string())
    .text(environment.as_str())
    .text(external_id)
    .integer(at)
    .execute(on)
    .await
    .map(drop)
}

fn read(row: &AnyRow) -> Result<LinkedUser, StoreError> {
    Ok(LinkedUser {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        origin_id: get(row, "origin_id")?,
        alias: get(row, "alias")?,
        created_at: get(row, "created_at")?,
    })
}
