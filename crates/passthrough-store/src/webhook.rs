//! Webhooks: the endpoints that are told of events, and the deliveries to them.

pub(crate) mod claim;
pub(crate) mod delivery;

use passthrough_core::id::{EndpointId, Environment};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sealed::Sealed;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

const COLUMNS: &str = "select id, environment, url, kinds, sealed, key_id, generation, enabled, created_at, updated_at \
     from webhook_endpoints where environment = ";

/// One endpoint. Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// The closed room whose events it is told.
    pub environment: Environment,
    /// Where they are sent.
    pub url: String,
    /// The kinds of events that it is told; all where there is none.
    pub kinds: Vec<String>,
    /// What they are signed with.
    pub sealed: Sealed,
    /// Whether it is told anything; what was queued before stays queued.
    pub enabled: bool,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

/// What to change of an endpoint; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointPatch {
    /// Another URL.
    pub url: Option<String>,
    /// Other kinds, all of them.
    pub kinds: Option<Vec<String>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
    /// Other secrets, of the generation after the stored one.
    pub sealed: Option<Sealed>,
}

impl Store {
    /// Stores a new endpoint.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is taken, [`StoreError::MissingParent`] if the environment is not
    /// there, [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn insert_endpoint(&self, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
        Statement::new(
            "insert into webhook_endpoints (id, environment, url, kinds, sealed, key_id, generation, enabled, \
             created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .text(&endpoint.id.to_string())
        .text(endpoint.environment.as_str())
        .text(&endpoint.url)
        .text(&json(&endpoint.kinds)?)
        .bytes(&endpoint.sealed.sealed)
        .text(&endpoint.sealed.key_id)
        .integer(endpoint.sealed.generation)
        .integer(i64::from(endpoint.enabled))
        .integer(endpoint.created_at)
        .integer(endpoint.updated_at)
        .execute(&self.writer)
        .await
        .map(drop)
    }

    /// The endpoint of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_endpoint(
        &self,
        environment: &Environment,
        id: EndpointId,
    ) -> Result<Option<WebhookEndpoint>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str()).push(" and id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The endpoints of one environment, newest first; `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_endpoints(
        &self,
        environment: &Environment,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Page<WebhookEndpoint>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str());
        if let Some(after) = after {
            statement.push(" and id < ").push_text(&after.to_string());
        }
        statement.push(" order by id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// Changes what the patch gives, all of it or nothing. Returns `false`, and has changed nothing, where the
    /// endpoint is not there or somebody newer changed its secrets.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn update_endpoint(
        &self,
        environment: &Environment,
        id: EndpointId,
        patch: &EndpointPatch,
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut statement = Statement::new("update webhook_endpoints set updated_at = ");
        statement.push_integer(at);
        if let Some(url) = &patch.url {
            statement.push(", url = ").push_text(url);
        }
        if let Some(kinds) = &patch.kinds {
            statement.push(", kinds = ").push_text(&json(kinds)?);
        }
        if let Some(enabled) = patch.enabled {
            statement.push(", enabled = ").push_integer(i64::from(enabled));
        }
        if let Some(sealed) = &patch.sealed {
            statement.push(", sealed = ").push_bytes(&sealed.sealed);
            statement.push(", key_id = ").push_text(&sealed.key_id);
            statement.push(", generation = ").push_integer(sealed.generation);
        }
        statement.push(" where environment = ").push_text(environment.as_str());
        statement.push(" and id = ").push_text(&id.to_string());
        if let Some(sealed) = &patch.sealed {
            statement.push(" and generation = ").push_integer(sealed.generation.wrapping_sub(1));
        }
        Ok(statement.execute(&self.writer).await? > 0)
    }

    /// Deletes an endpoint with all its deliveries. Returns whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_endpoint(
        &self,
        environment: &Environment,
        id: EndpointId,
    ) -> Result<bool, StoreError> {
        let deleted = Statement::new("delete from webhook_endpoints where environment = $1 and id = $2")
            .text(environment.as_str())
            .text(&id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(deleted > 0)
    }

    /// The endpoints that are to be told of an event of this kind. They cannot be deleted before the end of the
    /// transaction: their deliveries would be refused, and with them what happened.
    pub(crate) async fn endpoints_of(
        &self,
        on: &mut AnyConnection,
        environment: &Environment,
        kind: &str,
    ) -> Result<Vec<EndpointId>, StoreError> {
        let mut statement = Statement::new(
            "select id, kinds from webhook_endpoints where environment = $1 and enabled = 1 order by id",
        )
        .text(environment.as_str());
        statement.push(self.engine.against_deletion());
        let mut endpoints = Vec::new();
        for row in &statement.list(on).await? {
            // One that cannot be read is told everything: what happened must not fail for it.
            let kinds: Vec<String> = serde_json::from_str(get(row, "kinds")?).unwrap_or_default();
            if kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind) {
                endpoints.push(parse(row, "id")?);
            }
        }
        Ok(endpoints)
    }
}

fn json(kinds: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(kinds).map_err(|_| StoreError::Corrupt("kinds"))
}

fn read(row: &AnyRow) -> Result<WebhookEndpoint, StoreError> {
    Ok(WebhookEndpoint {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        url: get(row, "url")?,
        kinds: serde_json::from_str(get(row, "kinds")?).map_err(|_| StoreError::Corrupt("kinds"))?,
        sealed: Sealed {
            sealed: get(row, "sealed")?,
            key_id: get(row, "key_id")?,
            generation: get(row, "generation")?,
        },
        enabled: get::<i64>(row, "enabled")? != 0,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}
