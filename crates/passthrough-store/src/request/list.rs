//! Lists of records.

use std::collections::BTreeMap;

use passthrough_core::id::{ConnectionId, Environment, RequestId};

use super::Record;
use super::batch::{self, WINDOW_MS, end_of_window, lowest_id_at};
use super::scan::{Batches, Range};
use crate::error::StoreError;
use crate::page::MAX_PAGE;
use crate::store::Store;

/// How much is read for one page. Where records that fit are rarer than that, the page has what was found, and the
/// next one goes on behind it: no question can keep the database busy for long.
const MAX_COST: u64 = 16 << 20;

/// Which records to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// The connection.
    pub connection_id: Option<ConnectionId>,
    /// Code of the provider.
    pub provider: Option<String>,
    /// The provider's status.
    pub status: Option<StatusFilter>,
    /// The code of our own failure.
    pub error_code: Option<String>,
    /// Unix milliseconds: those that began then or later.
    pub since: Option<i64>,
    /// Unix milliseconds: those that began before.
    pub until: Option<i64>,
}

/// A condition on the provider's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// Exactly this one.
    Code(u16),
    /// All with this first digit: 4 for 4xx.
    Class(u8),
}

/// One page of records, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPage {
    /// The records, at most as many as were asked for. There may be fewer, or none, although more follow.
    pub rows: Vec<Record<'static>>,
    /// Where the next page begins, if one follows: to be given back as `after`.
    pub next: Option<RequestId>,
}

impl Store {
    /// The records of one environment, newest first; `after` is `next` of the page before: only records with
    /// lower ids are listed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_requests(
        &self,
        environment: &Environment,
        filter: &RequestFilter,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<RecordPage, StoreError> {
        let mut batches = Batches::new(self, range(environment, filter, after));
        let mut newest = Newest::new(limit.clamp(1, MAX_PAGE) as usize);
        while let Some(unread) = batches.next_last_id().await? {
            if newest.is_complete_above(unread) {
                break;
            }
            // Stopping earlier than below `after` would begin the next page where this one began.
            let below = just_above(unread);
            if batches.cost() >= MAX_COST && after.is_none_or(|after| below < after) {
                return Ok(newest.into_page_from(below));
            }
            let run = batches.read_run().await?;
            newest.extend(matching(run, filter.clone(), after).await?);
        }
        Ok(newest.into_page())
    }
}

/// Ids hold the time at which a request came in, about. A window more on either side makes up for "about".
fn range<'r>(environment: &'r Environment, filter: &RequestFilter, after: Option<RequestId>) -> Range<'r> {
    let window = i64::try_from(WINDOW_MS).unwrap_or_default();
    let until = filter.until.map(|until| lowest_id_at(until.saturating_add(window)));
    let first_below = match (after, until) {
        (Some(after), Some(until)) => Some(after.min(until)),
        (after, until) => after.or(until),
    };
    Range {
        environment,
        group: filter.connection_id.map(|id| batch::group_of(Some(id))),
        first_below,
        last_below: first_below.map(end_of_window),
        last_from: filter.since.map(|since| lowest_id_at(since.saturating_sub(window))),
    }
}

/// The records of some batches that match. Elsewhere, because it takes some milliseconds of pure computing, and
/// calls would wait behind it.
async fn matching(
    batches: Vec<String>,
    filter: RequestFilter,
    after: Option<RequestId>,
) -> Result<Vec<Record<'static>>, StoreError> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        for text in &batches {
            let fits =
                |record: &Record<'_>| after.is_none_or(|after| record.id < after) && filter.fits(record);
            found.extend(batch::read(text)?.into_iter().filter(fits));
        }
        Ok(found)
    });
    reading.await.map_err(|_| StoreError::Unexpected("the reading of records was stopped".into()))?
}

impl RequestFilter {
    fn fits(&self, record: &Record<'_>) -> bool {
        let status = match (self.status, record.status_code) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(StatusFilter::Code(wanted)), Some(code)) => code == wanted,
            (Some(StatusFilter::Class(class)), Some(code)) => code / 100 == u16::from(class),
        };
        status
            && self.connection_id.is_none_or(|id| record.connection_id == Some(id))
            && self.provider.as_ref().is_none_or(|code| record.provider.as_ref().is_some_and(|it| it == code))
            && self
                .error_code
                .as_ref()
                .is_none_or(|code| record.error_code.as_ref().is_some_and(|it| it == code))
            && self.since.is_none_or(|since| record.started_at >= since)
            && self.until.is_none_or(|until| record.started_at < until)
    }
}

/// The newest records found so far: one more than the page has, to know whether another follows.
struct Newest {
    limit: usize,
    found: BTreeMap<RequestId, Record<'static>>,
}

impl Newest {
    fn new(limit: usize) -> Self {
        Self { limit, found: BTreeMap::new() }
    }

    fn extend(&mut self, records: Vec<Record<'static>>) {
        for record in records {
            self.found.insert(record.id, record);
            if self.found.len() > self.limit + 1 {
                self.found.pop_first();
            }
        }
    }

    /// Whether nothing that ends here or below could still change the page.
    fn is_complete_above(&self, unread: RequestId) -> bool {
        self.found.len() > self.limit
            && self.found.first_key_value().is_some_and(|(lowest, _)| *lowest > unread)
    }

    fn into_page(mut self) -> RecordPage {
        let has_more = self.found.len() > self.limit;
        if has_more {
            self.found.pop_first();
        }
        let next = self.found.first_key_value().map(|(lowest, _)| *lowest).filter(|_| has_more);
        RecordPage { rows: self.found.into_values().rev().collect(), next }
    }

    /// A page that ends above what has not been read. What was found below it is found again.
    fn into_page_from(mut self, below: RequestId) -> RecordPage {
        self.found = self.found.split_off(&below);
        let page = self.into_page();
        RecordPage { next: page.next.or(Some(below)), ..page }
    }
}

/// The id that follows.
fn just_above(id: RequestId) -> RequestId {
    let mut ulid = id.ulid();
    ulid = u128::from(ulid).saturating_add(1).into();
    RequestId::from(ulid)
}
