//! The records: one line about each passthrough.

use passthrough_wire::page::Page;
use passthrough_wire::record::Record;

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;
use crate::server_url::{encode, with_query};

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

impl Client {
    /// One page of records, newest first.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_requests(&self, filter: &RequestFilter) -> Result<Page<Record>, Error> {
        let query = [
            ("connectionId", filter.connection_id.clone()),
            ("provider", filter.provider.clone()),
            ("status", filter.status.clone()),
            ("errorCode", filter.error_code.clone()),
            ("from", filter.from.clone()),
            ("to", filter.to.clone()),
            ("cursor", filter.cursor.clone()),
            ("limit", filter.limit.map(|limit| limit.to_string())),
        ];
        self.call(Call::get(with_query("/v1/requests", &query))).await
    }

    /// One record.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_request(&self, id: &str) -> Result<Record, Error> {
        self.call(Call::get(format!("/v1/requests/{}", encode(id)))).await
    }
}
