//! The records: one for each passthrough. No bodies, no header values, no query strings.
//!
//! They are stored in batches: one row holds a JSON array of records. A row with its index entries for each
//! record costs several times as much as the passthrough itself. See [`batch`] for what a batch is.

pub(crate) mod batch;
mod json;
pub(crate) mod list;
mod scan;

use std::borrow::Cow;

use passthrough_core::fault::{Door, Origin, Sent};
use passthrough_core::id::{ApiKeyId, ConnectionId, Environment, RequestId};
use serde::Deserialize;

use crate::error::StoreError;
use crate::sql::{Statement, get};
use crate::store::Store;

/// The record of one passthrough, as it stands in a batch. Times are unix milliseconds, durations milliseconds.
///
/// A field may be added at any time if it is optional: what an older program wrote lacks it, and an older
/// program does not look at it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Record<'a> {
    /// The id that the caller saw.
    #[serde(with = "as_text")]
    pub id: RequestId,
    /// The connection, as far as it was resolved.
    #[serde(default, with = "as_optional_text")]
    pub connection_id: Option<ConnectionId>,
    /// The key.
    #[serde(default, with = "as_optional_text")]
    pub api_key_id: Option<ApiKeyId>,
    /// Code of the provider, as far as it was resolved.
    #[serde(default)]
    pub provider: Option<Cow<'a, str>>,
    /// The way in.
    pub door: Door,
    /// The method.
    pub method: Cow<'a, str>,
    /// The path without its query, secrets in it hidden by the caller of this crate.
    pub path: Cow<'a, str>,
    /// The provider's status.
    #[serde(default)]
    pub status_code: Option<u16>,
    /// The code of our own failure.
    #[serde(default)]
    pub error_code: Option<Cow<'a, str>>,
    /// The reason of that code, where it has several.
    #[serde(default)]
    pub error_reason: Option<Cow<'a, str>>,
    /// Whose fault it was.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Whether anything was sent.
    #[serde(default)]
    pub sent: Option<Sent>,
    /// How many times the provider was called.
    pub attempts: u32,
    /// When it came in: the time of the id, give or take what a machine needs between two lines of a program.
    pub started_at: i64,
    /// From the head of the request to the end of the answer.
    pub duration_ms: i64,
    /// The provider's part of it.
    #[serde(default)]
    pub upstream_duration_ms: Option<i64>,
    /// Bytes of the body sent to the provider.
    pub request_bytes: i64,
    /// Bytes of the body that the provider sent.
    pub response_bytes: i64,
    /// What the provider said about its limits.
    #[serde(default)]
    pub provider_limit: ProviderLimit,
}

/// What a provider said about its limits, as far as it said anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct ProviderLimit {
    /// Calls in a window.
    #[serde(default)]
    pub limit: Option<i64>,
    /// Calls left in it.
    #[serde(default)]
    pub remaining: Option<i64>,
    /// When the window ends, or the next call may come: unix milliseconds.
    #[serde(default)]
    pub resets_at: Option<i64>,
}

impl Record<'_> {
    /// PostgreSQL has no NUL, in JSON neither: one odd path must not cost the other records of its batch.
    fn holds_nul(&self) -> bool {
        let optional = [&self.provider, &self.error_code, &self.error_reason].into_iter().flatten();
        [&self.method, &self.path].into_iter().chain(optional).any(|text| text.contains('\0'))
    }

    fn without_nul(&self) -> Record<'_> {
        let replaced = |text: &str| Cow::Owned(text.replace('\0', "\u{fffd}"));
        Record {
            provider: self.provider.as_deref().map(replaced),
            method: replaced(&self.method),
            path: replaced(&self.path),
            error_code: self.error_code.as_deref().map(replaced),
            error_reason: self.error_reason.as_deref().map(replaced),
            ..*self
        }
    }
}

impl Store {
    /// The record of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_request(
        &self,
        environment: &Environment,
        id: RequestId,
    ) -> Result<Option<Record<'static>>, StoreError> {
        // The batch that ends soonest after the id is most likely the one. The underscore of the id stands for
        // any character here, which finds no less.
        let row = Statement::new(
            "select records from request_batches where environment = $1 and last_id >= $2 and last_id < $3 \
             and first_id <= $2 and records like $4 order by last_id limit 1",
        )
        .text(environment.as_str())
        .text(&id.to_string())
        .text(&batch::end_of_window(id).to_string())
        .text(&format!("%{id}%"))
        .find(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(batch::read(get(&row, "records")?)?.into_iter().find(|record| record.id == id))
    }

    /// Deletes the batches whose records all began before `before` (unix milliseconds), the oldest first and at
    /// most `limit`, and says how many. Retention calls it until it returns less than `limit`, so that no lock is
    /// held for long. A record may so live some seconds longer than it has to.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_requests_before(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        let before = batch::lowest_id_at(before).to_string();
        let mut deleted = 0;
        for environment in self.list_environments().await? {
            deleted += Statement::new(
                "delete from request_batches where environment = $1 and last_id in \
                 (select last_id from request_batches where environment = $1 and last_id < $2 \
                  order by last_id limit $3)",
            )
            .text(environment.as_str())
            .text(&before)
            .integer(i64::from(limit) - i64::try_from(deleted).unwrap_or(i64::MAX))
            .execute(&self.writer)
            .await?;
        }
        Ok(deleted)
    }
}

/// A value that JSON has as text.
mod as_text {
    use std::borrow::Cow;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer};

    /// A text that is not copied if it need not be.
    #[derive(Deserialize)]
    #[serde(transparent)]
    pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

    pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(source: D) -> Result<T, D::Error> {
        parse(&Text::deserialize(source)?)
    }

    pub(super) fn parse<T: FromStr, E: Error>(text: &Text<'_>) -> Result<T, E> {
        text.0.parse().map_err(|_| E::custom("no id of the kind that stands here"))
    }
}

/// The same for a value that may be absent.
mod as_optional_text {
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer};

    use super::as_text::{Text, parse};

    pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        source: D,
    ) -> Result<Option<T>, D::Error> {
        Option::<Text<'de>>::deserialize(source)?.as_ref().map(parse).transpose()
    }
}
