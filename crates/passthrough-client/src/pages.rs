//! Lists, page by page or whole.

use std::collections::VecDeque;
use std::fmt;

use passthrough_wire::page::Page;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;
use crate::server_url::with_query;

/// The parameters of a list.
pub(crate) type Query = Vec<(&'static str, Option<String>)>;

/// Which page of a list without other filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFilter {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many: 50 where nothing is said, 500 at most.
    pub limit: Option<u32>,
}

impl PageFilter {
    pub(crate) fn query(&self) -> Query {
        query([], &self.cursor, self.limit)
    }
}

/// The filters of a list, and the two parameters that every list has.
pub(crate) fn query<const N: usize>(
    filters: [(&'static str, Option<String>); N],
    cursor: &Option<String>,
    limit: Option<u32>,
) -> Query {
    let page = [("cursor", cursor.clone()), ("limit", limit.map(|limit| limit.to_string()))];
    filters.into_iter().chain(page).collect()
}

/// A list that is gone through whole: pages are fetched as they are needed.
///
/// ```no_run
/// # async fn example(client: passthrough_client::Client) -> Result<(), passthrough_client::Error> {
/// let mut connections = client.all_connections(&Default::default());
/// while let Some(connection) = connections.try_next().await? {
///     println!("{}", connection.id);
/// }
/// # Ok(())
/// # }
/// ```
pub struct All<T> {
    client: Client,
    path: &'static str,
    query: Query,
    ready: VecDeque<T>,
    /// Whether there may be another page.
    more: bool,
}

impl<T: DeserializeOwned> All<T> {
    pub(crate) fn new(client: Client, path: &'static str, query: Query) -> Self {
        Self { client, path, query, ready: VecDeque::new(), more: true }
    }

    /// The next entry; `None` after the last one. After an error the same page can be asked for again.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        // A page may be empty and yet not be the last one.
        while self.ready.is_empty() && self.more {
            let page: Page<T> = self.client.call(Call::get(with_query(self.path, &self.query))).await?;
            self.more = page.next.is_some();
            self.ready = page.results.into();
            self.query.retain(|(name, _)| *name != "cursor");
            self.query.push(("cursor", page.next));
        }
        Ok(self.ready.pop_front())
    }

    /// All entries.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut entries = Vec::new();
        while let Some(entry) = self.try_next().await? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

impl<T> fmt::Debug for All<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("All")
            .field("path", &self.path)
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}
