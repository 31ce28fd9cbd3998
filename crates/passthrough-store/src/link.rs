//! Link sessions: an end user on the way to an authorised account, from the one-time URL to the connection.
//!
//! Each step is a compare-and-set, so that it is taken once, by the browser that took the first one, and in time.

pub(crate) mod public_token;
pub(crate) mod step;

use std::fmt;
use std::str::FromStr;

use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};
use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::sealed::Sealed;
use crate::sql::{Statement, get, parse, parse_optional};
use crate::store::Store;

/// The columns of a link session, without its state.
const COLUMNS: &str = "id, environment, secret_hash, browser_hash, choices, connection_id, external_id, name, tags, \
     redirect_url, origin, locale, status, error, integration, sealed, key_id, generation, created_at, expires_at";

/// How far a link session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStatus {
    /// Made; perhaps opened.
    Open,
    /// A consent has begun.
    Started,
    /// There is a connection.
    Done,
    /// There will be none.
    Failed,
    /// The end user did not want it.
    Cancelled,
}

/// A text that names no status.
#[derive(Debug)]
pub struct UnknownLinkStatus;

impl LinkStatus {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkStatus::Open => "open",
            LinkStatus::Started => "started",
            LinkStatus::Done => "done",
            LinkStatus::Failed => "failed",
            LinkStatus::Cancelled => "cancelled",
        }
    }
}

impl FromStr for LinkStatus {
    type Err = UnknownLinkStatus;

    fn from_str(text: &str) -> Result<Self, UnknownLinkStatus> {
        use LinkStatus::{Cancelled, Done, Failed, Open, Started};
        let all = [Open, Started, Done, Failed, Cancelled];
        all.into_iter().find(|status| status.as_str() == text).ok_or(UnknownLinkStatus)
    }
}

/// One link session. Times are unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSession {
    /// Its id, which the one-time URL carries.
    pub id: LinkSessionId,
    /// The closed room that the connection will belong to.
    pub environment: Environment,
    /// Keyed hash of the secret in the one-time URL, to be compared in constant time.
    pub secret_hash: Vec<u8>,
    /// Keyed hash of what the browser holds that opened the URL; `None` until it was opened.
    pub browser_hash: Option<Vec<u8>>,
    /// JSON of the integrations or providers that the end user may choose from.
    pub choices: String,
    /// The connection that is to be linked again, and in the end the one that was linked.
    pub connection_id: Option<ConnectionId>,
    /// The end user's id in the caller's product.
    pub external_id: Option<String>,
    /// The name of the connection.
    pub name: Option<String>,
    /// The tags of the connection.
    pub tags: Vec<String>,
    /// Where the end user is sent in the end.
    pub redirect_url: Option<String>,
    /// The origin of the page that is told the end by `postMessage`.
    pub origin: Option<String>,
    /// The end user's language.
    pub locale: Option<String>,
    /// How far it has come.
    pub status: LinkStatus,
    /// Short code of why it failed.
    pub error: Option<String>,
    /// The integration whose consent was begun last.
    pub integration: Option<String>,
    /// What the consent needs when it comes back; `None` before the first and after the end.
    pub sealed: Option<Sealed>,
    /// The generation of the latest `sealed`; 0 before the first.
    pub generation: i64,
    /// When it was made.
    pub created_at: i64,
    /// From when on nothing begins any more.
    pub expires_at: i64,
}

impl fmt::Debug for LinkSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSession")
            .field("id", &self.id)
            .field("environment", &self.environment)
            .field("connection_id", &self.connection_id)
            .field("status", &self.status)
            .field("error", &self.error)
            .field("integration", &self.integration)
            .field("sealed", &self.sealed)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a new link session: open, and with nothing sealed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is taken, [`StoreError::MissingParent`] if the environment is not
    /// there, [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn insert_link_session(&self, session: &LinkSession) -> Result<(), StoreError> {
        let tags = serde_json::to_string(&session.tags).map_err(|_| StoreError::Corrupt("tags"))?;
        Statement::new(
            "insert into link_sessions (id, environment, secret_hash, choices, connection_id, external_id, name, \
             tags, redirect_url, origin, locale, status, generation, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', 0, $12, $13)",
        )
        .text(&session.id.to_string())
        .text(session.environment.as_str())
        .bytes(&session.secret_hash)
        .text(&session.choices)
        .optional_text(session.connection_id.map(|id| id.to_string()).as_deref())
        .optional_text(session.external_id.as_deref())
        .optional_text(session.name.as_deref())
        .text(&tags)
        .optional_text(session.redirect_url.as_deref())
        .optional_text(session.origin.as_deref())
        .optional_text(session.locale.as_deref())
        .integer(session.created_at)
        .integer(session.expires_at)
        .execute(&self.writer)
        .await
        .map(drop)
    }

    /// The authentication look-up by the id in a one-time URL: finds a session of whatever environment, also one
    /// that has ended or expired. The secret, or what the browser holds, is still to be compared.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_link_session(&self, id: LinkSessionId) -> Result<Option<LinkSession>, StoreError> {
        let mut statement = Statement::new("select ");
        statement.push(COLUMNS).push(" from link_sessions where id = ").push_text(&id.to_string());
        // Where writes go: one step follows on the other within milliseconds.
        statement.find(&self.writer).await?.as_ref().map(read).transpose()
    }

    /// Deletes sessions that expired before `before` (unix milliseconds), at most `limit`, and says how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_link_sessions_before(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        Statement::new(
            "delete from link_sessions where id in \
             (select id from link_sessions where expires_at < $1 order by expires_at limit $2)",
        )
        .integer(before)
        .integer(i64::from(limit))
        .execute(&self.writer)
        .await
    }
}

fn read(row: &AnyRow) -> Result<LinkSession, StoreError> {
    let generation = get(row, "generation")?;
    let (sealed, key_id): (Option<Vec<u8>>, Option<String>) = (get(row, "sealed")?, get(row, "key_id")?);
    Ok(LinkSession {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        secret_hash: get(row, "secret_hash")?,
        browser_hash: get(row, "browser_hash")?,
        choices: get(row, "choices")?,
        connection_id: parse_optional(row, "connection_id")?,
        external_id: get(row, "external_id")?,
        name: get(row, "name")?,
        tags: serde_json::from_str(get(row, "tags")?).map_err(|_| StoreError::Corrupt("tags"))?,
        redirect_url: get(row, "redirect_url")?,
        origin: get(row, "origin")?,
        locale: get(row, "locale")?,
        status: parse(row, "status")?,
        error: get(row, "error")?,
        integration: get(row, "integration")?,
        sealed: sealed.zip(key_id).map(|(sealed, key_id)| Sealed { sealed, key_id, generation }),
        generation,
        created_at: get(row, "created_at")?,
        expires_at: get(row, "expires_at")?,
    })
}
