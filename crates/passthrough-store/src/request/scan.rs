//! Batches, read from the newest to the oldest in runs of bounded size.

use std::collections::VecDeque;

use passthrough_core::id::{Environment, RequestId};

use crate::error::StoreError;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

/// How many batches are looked at ahead, without what is in them.
const HEADS: i64 = 256;
/// How much is read at a time: little at first, because the newest records are in the first batches.
const FIRST_RUN: u64 = 256 << 10;
const LONGEST_RUN: u64 = 2 << 20;
/// What reading a batch costs, besides its bytes.
const ROW: u64 = 512;

/// Which batches are read.
pub(super) struct Range<'r> {
    pub(super) environment: &'r Environment,
    pub(super) group: Option<&'static str>,
    /// Those that hold an id below this one.
    pub(super) first_below: Option<RequestId>,
    /// Those that end below this.
    pub(super) last_below: Option<RequestId>,
    /// Those that end here or above.
    pub(super) last_from: Option<RequestId>,
}

/// Batches in the order of their last ids, the highest first.
pub(super) struct Batches<'r> {
    store: &'r Store,
    range: Range<'r>,
    heads: VecDeque<Head>,
    more: bool,
    run: u64,
    read: u64,
}

struct Head {
    last_id: RequestId,
    cost: u64,
}

impl<'r> Batches<'r> {
    pub(super) fn new(store: &'r Store, range: Range<'r>) -> Self {
        Self { store, range, heads: VecDeque::new(), more: true, run: FIRST_RUN, read: 0 }
    }

    /// What was read so far: bytes, and something for each batch.
    pub(super) fn cost(&self) -> u64 {
        self.read
    }

    /// The last id of the batch that is read next; no batch after it holds a greater one.
    pub(super) async fn next_last_id(&mut self) -> Result<Option<RequestId>, StoreError> {
        if self.heads.is_empty() && self.more {
            self.look_ahead().await?;
        }
        Ok(self.heads.front().map(|head| head.last_id))
    }

    async fn look_ahead(&mut self) -> Result<(), StoreError> {
        let mut statement = Statement::new(
            "select last_id, cast(octet_length(records) as bigint) as bytes from request_batches \
             where environment = ",
        );
        push_range(&mut statement, &self.range);
        statement.push(" order by last_id desc limit ").push_integer(HEADS);
        for row in statement.list(&self.store.readers).await? {
            let bytes: i64 = get(&row, "bytes")?;
            let cost = u64::try_from(bytes).unwrap_or_default() + ROW;
            self.heads.push_back(Head { last_id: parse(&row, "last_id")?, cost });
        }
        self.more = self.heads.len() == usize::try_from(HEADS).unwrap_or_default();
        if let Some(lowest) = self.heads.back() {
            self.range.last_below = Some(lowest.last_id);
        }
        Ok(())
    }

    /// Reads the next batches: at least one, and more as long as they are small.
    pub(super) async fn read_run(&mut self) -> Result<Vec<String>, StoreError> {
        let Some(highest) = self.next_last_id().await? else { return Ok(Vec::new()) };
        let (mut lowest, mut cost) = (highest, 0);
        while let Some(head) = self.heads.front()
            && (cost == 0 || cost + head.cost <= self.run)
        {
            (lowest, cost) = (head.last_id, cost + head.cost);
            self.heads.pop_front();
        }
        self.read += cost;
        self.run = (self.run * 2).min(LONGEST_RUN);
        let mut statement = Statement::new("select records from request_batches where environment = ");
        let range = Range { last_below: None, last_from: Some(lowest), ..self.range };
        push_range(&mut statement, &range);
        statement.push(" and last_id <= ").push_text(&highest.to_string());
        statement.push(" order by last_id desc");
        let rows = statement.list(&self.store.readers).await?;
        rows.iter().map(|row| get(row, "records")).collect()
    }
}

fn push_range(statement: &mut Statement, range: &Range<'_>) {
    statement.push_text(range.environment.as_str());
    if let Some(group) = range.group {
        statement.push(" and connection_group = ").push_text(group);
    }
    if let Some(id) = range.first_below {
        statement.push(" and first_id < ").push_text(&id.to_string());
    }
    if let Some(id) = range.last_below {
        statement.push(" and last_id < ").push_text(&id.to_string());
    }
    if let Some(id) = range.last_from {
        statement.push(" and last_id >= ").push_text(&id.to_string());
    }
}
