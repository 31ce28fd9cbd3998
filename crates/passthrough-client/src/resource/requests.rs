//! The records: one line about each passthrough.

use passthrough_wire::page::Page;
use passthrough_wire::record::Record;

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;
use crate::pages::{All, Query, query};
use crate::server_url::{encode, with_query};

const LIST: &str = "/v1/requests";

/// Which records to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// `conn_<ULID>`.
    pub connection_id: Option<String>,
    /// The provider's code.
    pub provider: Option<String>,
    /// The provider's status, such as `404`, or a class of them, such as `4xx`.
    pub status: Option<String>,
    /// The code of our own failure.
    pub error_code: Option<String>,
    /// RFC 3339: those that began then or later.
    pub from: Option<String>,
    /// RFC 3339: those that began before.
    pub to: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many: 50 where nothing is said, 500 at most.
    pub limit: Option<u32>,
}

impl RequestFilter {
    fn query(&self) -> Query {
        let filters = [
            ("connectionId", self.connection_id.clone()),
            ("provider", self.provider.clone()),
            ("status", self.status.clone()),
            ("errorCode", self.error_code.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
        ];
        query(filters, &self.cursor, self.limit)
    }
}

impl Client {
    /// One page of records, newest first.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_requests(&self, filter: &RequestFilter) -> Result<Page<Record>, Error> {
        self.call(Call::get(with_query(LIST, &filter.query()))).await
    }

    /// All records, newest first, page after page.
    pub fn all_requests(&self, filter: &RequestFilter) -> All<Record> {
        All::new(self.clone(), LIST, filter.query())
    }

    /// One record.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_request(&self, id: &str) -> Result<Record, Error> {
        self.call(Call::get(format!("/v1/requests/{}", encode(id)))).await
    }
}
