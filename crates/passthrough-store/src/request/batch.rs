//! Batches: what records are stored in.
//!
//! Batches of several workers and processes overlap in time, so a batch alone does not say which records are the
//! newest. To read them in order nevertheless without reading everything, a batch holds only records whose ids
//! begin in the same [`WINDOW_MS`]: behind the end of a window, nothing of that window follows. To find the records
//! of one connection without reading those of all, a batch holds only records of connections whose ids end with the
//! same character. An index of the exact connections would cost a row for each record where there are many
//! connections, which is what batches are there to avoid; this costs at most 33 rows, whatever comes.

use passthrough_core::id::{ConnectionId, Environment, RequestId};

use super::Record;
use crate::error::StoreError;
use crate::sql::Statement;
use crate::store::Store;

/// The records of one batch begin in the same so many milliseconds. A power of two, and a multiple of what one
/// character of an id stands for, so that SQL can cut batches, too.
pub(super) const WINDOW_MS: u64 = 4_096;
/// The most records of a batch, and about the most bytes. What migrations made may be larger.
const MAX_RECORDS: u32 = 5_000;
const MAX_BYTES: usize = 1 << 20;
/// What a batch makes room for when it begins: some three records.
const FIRST_BYTES: usize = 1 << 10;
/// Rows of one insert statement: 6 values each, far below the 32,766 that SQLite binds.
const ROWS_PER_STATEMENT: usize = 100;
/// The greatest time that an id can hold.
const MAX_MS: u64 = (1 << 48) - 1;
/// The characters of ids, in the order of their values.
const CHARACTERS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Records of one environment that are stored together: of one window of time and one group of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestBatch {
    environment: Environment,
    place: Place,
    first: RequestId,
    last: RequestId,
    count: u32,
    /// A JSON array, complete at any time.
    text: Vec<u8>,
}

/// What the records of a batch have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    window: u64,
    group: &'static str,
}

impl Place {
    fn of(record: &Record<'_>) -> Self {
        Self { window: record.id.ulid().timestamp_ms() / WINDOW_MS, group: group_of(record.connection_id) }
    }
}

impl RequestBatch {
    /// Begins a batch with its first record. A NUL in a text becomes U+FFFD.
    pub fn new(environment: Environment, record: &Record<'_>) -> Self {
        let place = Place::of(record);
        let mut text = Vec::with_capacity(FIRST_BYTES);
        text.extend_from_slice(b"[]");
        let mut batch = Self { environment, place, first: record.id, last: record.id, count: 0, text };
        batch.write(record);
        batch
    }

    /// Adds a record, unless it belongs into another batch or this one is full; says whether it did.
    pub fn push(&mut self, record: &Record<'_>) -> bool {
        let fits = self.count < MAX_RECORDS && self.text.len() < MAX_BYTES && self.place == Place::of(record);
        if fits {
            self.write(record);
        }
        fits
    }

    /// Adds the records of another batch, unless they do not belong into this one or do not fit; says whether it
    /// did.
    pub fn append(&mut self, other: &RequestBatch) -> bool {
        let fits = self.count + other.count <= MAX_RECORDS
            && self.text.len() + other.text.len() <= MAX_BYTES
            && self.place == other.place
            && self.environment == other.environment;
        if fits {
            self.open();
            self.text.extend_from_slice(other.text.get(1..).unwrap_or_default());
            self.reaches(other.first, other.last, other.count);
        }
        fits
    }

    /// How many records it holds.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    fn write(&mut self, record: &Record<'_>) {
        self.open();
        if record.holds_nul() {
            record.without_nul().write_json(&mut self.text);
        } else {
            record.write_json(&mut self.text);
        }
        self.text.push(b']');
        self.reaches(record.id, record.id, 1);
    }

    /// Takes the closing bracket away, so that more can follow.
    fn open(&mut self) {
        self.text.pop();
        if self.count > 0 {
            self.text.extend_from_slice(b",\n");
        }
    }

    fn reaches(&mut self, first: RequestId, last: RequestId, count: u32) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        self.count += count;
    }

    fn text(&self) -> Result<&str, StoreError> {
        std::str::from_utf8(&self.text).map_err(|_| StoreError::Corrupt("records"))
    }
}

impl Store {
    /// Stores batches, all or nothing. One that is stored already is left as it is, so that the same batches may
    /// be sent again after a failure: a batch is known by the last id in it. A record that is in two batches
    /// nevertheless is read once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn insert_request_batches(&self, batches: &[RequestBatch]) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for rows in batches.chunks(ROWS_PER_STATEMENT) {
            insert_statement(rows)?.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

fn insert_statement(batches: &[RequestBatch]) -> Result<Statement, StoreError> {
    let mut statement = Statement::new(
        "insert into request_batches \
         (environment, connection_group, first_id, last_id, record_count, records) values ",
    )
    .once();
    for (index, batch) in batches.iter().enumerate() {
        statement.push(if index == 0 { "(" } else { ", (" });
        statement.push_text(batch.environment.as_str()).push(", ");
        statement.push_text(batch.place.group).push(", ");
        statement.push_text(&batch.first.to_string()).push(", ");
        statement.push_text(&batch.last.to_string()).push(", ");
        statement.push_integer(i64::from(batch.count)).push(", ");
        statement.push_text(batch.text()?).push(")");
    }
    statement.push(" on conflict (environment, last_id) do nothing");
    Ok(statement)
}

/// The records of a batch.
pub(super) fn read(text: &str) -> Result<Vec<Record<'static>>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("records"))
}

/// The last character of the connection's id; nothing where there is no connection.
pub(super) fn group_of(connection: Option<ConnectionId>) -> &'static str {
    let Some(connection) = connection else { return "" };
    let [.., last] = connection.ulid().to_bytes();
    let value = usize::from(last) % CHARACTERS.len();
    CHARACTERS.get(value..=value).unwrap_or_default()
}

/// The lowest of all ids of this time (unix milliseconds) or later.
pub(super) fn lowest_id_at(unix_ms: i64) -> RequestId {
    RequestId::from_parts(u64::try_from(unix_ms).unwrap_or(0).min(MAX_MS), 0)
}

/// The lowest of all ids that are in a later window than this one.
pub(super) fn end_of_window(id: RequestId) -> RequestId {
    let next = (id.ulid().timestamp_ms() / WINDOW_MS + 1) * WINDOW_MS;
    if next > MAX_MS {
        RequestId::from_parts(MAX_MS, u128::MAX >> 48)
    } else {
        RequestId::from_parts(next, 0)
    }
}

#[cfg(test)]
mod tests {
    use passthrough_core::fault::Door;

    use super::*;

    fn record(ms: u64, number: u128) -> Record<'static> {
        Record {
            id: RequestId::from_parts(ms, number),
            connection_id: None,
            api_key_id: None,
            provider: None,
            door: Door::Raw,
            method: "GET".into(),
            path: "/".into(),
            status_code: None,
            error_code: None,
            error_reason: None,
            origin: None,
            sent: None,
            attempts: 0,
            started_at: 1,
            duration_ms: 2,
            upstream_duration_ms: None,
            request_bytes: 3,
            response_bytes: 4,
            provider_limit: super::super::ProviderLimit::default(),
        }
    }

    fn batch(record: &Record<'_>) -> RequestBatch {
        RequestBatch::new("here".parse().unwrap(), record)
    }

    #[test]
    fn a_batch_is_readable_json_without_what_is_absent() {
        let mut batch = batch(&record(4_096, 2));
        assert!(batch.push(&record(4_096, 1)));
        let line = |id: &str| {
            format!(
                r#"{{"id":"{id}","door":"raw","method":"GET","path":"/","attempts":0,"started_at":1,"duration_ms":2,"request_bytes":3,"response_bytes":4}}"#
            )
        };
        let (first, second) =
            (line("req_00000004000000000000000002"), line("req_00000004000000000000000001"));
        assert_eq!(batch.text().unwrap(), format!("[{first},\n{second}]"));
        assert_eq!((batch.first, batch.last), (record(4_096, 1).id, record(4_096, 2).id));
    }

    #[test]
    fn a_field_of_a_newer_program_is_passed_over_and_null_is_absent() {
        let text = r#"[{"id":"req_00000004000000000000000002","door":"raw","method":"GET","path":"/","attempts":0,
            "started_at":1,"duration_ms":2,"request_bytes":3,"response_bytes":4,"new":{"a":[1]},"provider":null,
            "connection_id":null,"origin":null}]"#;
        assert_eq!(read(text), Ok(vec![record(4_096, 2)]));
        assert_eq!(read("[{}]"), Err(StoreError::Corrupt("records")));
    }

    #[test]
    fn records_of_another_window_or_group_do_not_belong() {
        let mut batch = batch(&record(8_191, 1));
        let elsewhere = Record { connection_id: Some(ConnectionId::from_parts(1, 33)), ..record(8_191, 2) };
        assert!(!batch.push(&record(8_192, 1)));
        assert!(!batch.push(&record(4_095, 1)));
        assert!(!batch.push(&elsewhere));
        assert!(batch.push(&record(4_096, 1)));
        assert_eq!(batch.count(), 2);
        let other = RequestBatch::new("here".parse().unwrap(), &elsewhere);
        assert!(!batch.append(&other));
        let abroad = RequestBatch::new("there".parse().unwrap(), &record(8_191, 3));
        assert!(!batch.append(&abroad));
    }

    #[test]
    fn batches_are_joined_until_they_are_full() {
        let mut joined = batch(&record(5_000, 7));
        assert!(joined.append(&batch(&record(5_001, 1))));
        assert!(joined.append(&batch(&record(4_999, 9))));
        assert_eq!((joined.first, joined.last), (record(4_999, 9).id, record(5_001, 1).id));
        let ids: Vec<_> = read(joined.text().unwrap()).unwrap().iter().map(|record| record.id).collect();
        assert_eq!(ids, [record(5_000, 7).id, record(5_001, 1).id, record(4_999, 9).id]);
        let mut count = joined.count();
        while joined.push(&record(5_000, u128::from(count))) {
            count += 1;
        }
        assert!(count == MAX_RECORDS || joined.bytes() >= MAX_BYTES);
        assert!(!joined.append(&batch(&record(5_000, 1))));
    }

    #[test]
    fn a_group_is_the_last_character_of_the_id() {
        for number in 0..100 {
            let id = ConnectionId::from_parts(1, number);
            assert!(id.to_string().ends_with(group_of(Some(id))));
        }
        assert_eq!(group_of(None), "");
    }

    #[test]
    fn a_window_ends_where_the_next_begins_and_time_has_an_end() {
        assert_eq!(end_of_window(record(0, 5).id), record(4_096, 0).id);
        assert_eq!(end_of_window(record(4_096, 5).id), record(8_192, 0).id);
        let last = RequestId::from_parts(MAX_MS, u128::MAX >> 48);
        assert_eq!(end_of_window(last), last);
        assert_eq!(lowest_id_at(-1), record(0, 0).id);
        assert_eq!(lowest_id_at(i64::MAX), record(MAX_MS, 0).id);
    }
}
