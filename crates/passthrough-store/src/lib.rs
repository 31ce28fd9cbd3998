//! The store: SQLite or PostgreSQL, one code path.
//!
//! Every statement is the same text on both engines; only the types in the migrations, the pragmas and
//! the locks differ. Each table has a file with concrete functions on [`Store`]. Look-ups take the
//! environment with the id, so that a row of another environment and a row that does not exist are the
//! same `None`; the exceptions are the authentication look-ups, and say so in their names or docs.
//!
//! This crate must not know how anything is sealed: sealed columns are bytes with the id of their key
//! beside them, and it never sees an opened secret. It has no clock: times are arguments, in unix
//! milliseconds.

mod api_key;
mod change;
mod connection;
mod credential;
mod environment;
mod error;
mod event;
mod installation_secret;
mod integration;
mod link;
mod linked_user;
mod migration;
mod page;
mod refresh;
mod request;
mod sealed;
mod sql;
mod store;
mod webhook;

pub use api_key::ApiKey;
pub use change::{Change, ChangeSubject};
pub use connection::list::ConnectionFilter;
pub use connection::update::{Account, ConnectionPatch};
pub use connection::{MAX_INDEXED_TEXT, StoredConnection, TAG_SEPARATOR};
pub use credential::CredentialTimes;
pub use error::{StoreError, TextFault};
pub use event::list::{Event, EventFilter};
pub use event::{EventKind, NewEvent};
pub use integration::{Integration, IntegrationPatch};
pub use link::public_token::PublicToken;
pub use link::step::{Consent, LinkEnd};
pub use link::{LinkSession, LinkStatus};
pub use linked_user::{ConnectionUser, LinkedUser};
pub use migration::PendingMigration;
pub use page::{MAX_PAGE, Page};
pub use refresh::lease::{Lease, Leased};
pub use refresh::outcome::{RefreshFailure, Refreshed};
pub use refresh::{DueRefresh, RefreshState};
pub use request::batch::RequestBatch;
pub use request::list::{RecordPage, RequestFilter, StatusFilter};
pub use request::{ProviderLimit, Record};
pub use sealed::{Sealed, SealedPlace, SealedRow};
pub use store::{Engine, Store, sqlite_url};
pub use webhook::claim::{ClaimedDelivery, DeliveryOutcome};
pub use webhook::delivery::{Delivery, DeliveryFilter, DeliveryStatus};
pub use webhook::{EndpointPatch, WebhookEndpoint};
