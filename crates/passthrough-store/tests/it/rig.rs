//! A fresh, migrated database for each test, and rows to put into it.

use passthrough_core::connection::{Connection, ConnectionStatus, SealedCredential};
use passthrough_core::fault::Door;
use passthrough_core::id::{ApiKeyId, ConnectionId, Environment, EventId, RequestId};
use passthrough_store::{
    ApiKey, CredentialTimes, Integration, NewEvent, ProviderLimit, Record, Refreshed, RequestBatch, Sealed,
    Store, StoreError, StoredConnection, sqlite_url,
};
use passthrough_testkit::postgres::Postgres;
use sqlx::AnyPool;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Some time in 2023, in unix milliseconds.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// One database of one engine.
pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Removed with the rig.
    _folder: Option<TempDir>,
}

impl Rig {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite_url(&folder.path().join("passthrough.db"));
        Self::open(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(Postgres::shared().await.fresh_database().await, None).await
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let store = Store::open(&url).await.unwrap();
        Self { store, url, _folder: folder }
    }

    /// Migrated, with the environments `production` and `staging`.
    pub(crate) async fn ready(self) -> Self {
        self.store.migrate().await.unwrap();
        for name in ["production", "staging"] {
            self.store.ensure_environment(&environment(name), NOW).await.unwrap();
        }
        self
    }

    /// Another way into the same database, past the store.
    pub(crate) async fn backdoor(&self) -> AnyPool {
        AnyPool::connect(&self.url).await.unwrap()
    }
}

/// Runs each named `async fn(Rig)` on both engines, as two tests.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(crate::rig::Rig::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(crate::rig::Rig::postgres().await).await;
            }
        })*
    };
}
pub(crate) use on_both_engines;

pub(crate) fn environment(name: &str) -> Environment {
    name.parse().unwrap()
}

pub(crate) fn production() -> Environment {
    environment("production")
}

pub(crate) fn staging() -> Environment {
    environment("staging")
}

pub(crate) fn connection_id(number: u64) -> ConnectionId {
    ConnectionId::from_parts(NOW as u64 + number, u128::from(number))
}

pub(crate) fn sealed(text: &str, generation: i64) -> Sealed {
    Sealed { sealed: text.as_bytes().to_vec(), key_id: "k1".into(), generation }
}

pub(crate) fn credential(text: &str, generation: i64) -> SealedCredential {
    SealedCredential { generation, sealed: text.as_bytes().to_vec(), expires_at: None }
}

pub(crate) fn integration(environment: &Environment, key: &str) -> Integration {
    Integration {
        environment: environment.clone(),
        key: key.into(),
        provider: "acme".into(),
        name: None,
        settings: "{}".into(),
        sealed: sealed("client", 1),
        created_at: NOW,
        updated_at: NOW,
        client_rejected_at: None,
    }
}

pub(crate) fn api_key(environment: &Environment, number: u64) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_parts(NOW as u64 + number, u128::from(number)),
        environment: environment.clone(),
        name: format!("key {number}"),
        secret_hash: vec![number as u8; 32],
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

pub(crate) fn stored(environment: &Environment, number: u64) -> StoredConnection {
    StoredConnection {
        connection: Connection {
            id: connection_id(number),
            environment: environment.clone(),
            provider: "acme".into(),
            integration: "acme".into(),
            auth: "api_key".into(),
            status: ConnectionStatus::Connected,
            name: None,
            external_id: None,
            account_id: None,
            account_label: None,
            tags: Vec::new(),
            created_at: NOW + number as i64,
            updated_at: NOW + number as i64,
            verified_at: None,
        },
        token_hash: vec![7; 32],
        sealed_variables: sealed("variables", 1),
        credential: credential("credential", 1),
        credential_key_id: "k1".into(),
        credential_times: CredentialTimes::default(),
    }
}

/// Every field filled, with what likes to break SQL and encodings.
pub(crate) fn stored_in_full(environment: &Environment, number: u64) -> StoredConnection {
    let mut full = stored(environment, number);
    full.connection.provider = "o'brien--\"; drop table connections; --".into();
    full.connection.integration = full.connection.provider.clone();
    full.connection.auth = "$1 ? :a @b \\ %s".into();
    full.connection.status = ConnectionStatus::Disconnected;
    full.connection.name = Some("Zażółć 漢字 🦀 \u{202e}rtl\u{301}".into());
    full.connection.external_id = Some("' or '1'='1".into());
    full.connection.account_id = Some(String::new());
    full.connection.account_label = Some("\t\r\n\u{1}\u{7f}".into());
    full.connection.tags = vec!["zebra".into(), String::new(), "a,b;c'".into(), "🦀".into()];
    full.connection.verified_at = Some(NOW);
    full.token_hash = (0..=255).collect();
    full.sealed_variables.sealed = vec![0, 255, 0];
    full.credential.sealed = vec![0; 100_000];
    full.credential.expires_at = Some(i64::MAX);
    full.credential_times = CredentialTimes { refresh_expires_at: Some(i64::MAX), due_at: Some(i64::MIN) };
    full
}

/// An event of its own id.
pub(crate) fn event() -> NewEvent {
    static EVENTS: AtomicU64 = AtomicU64::new(0);
    let number = EVENTS.fetch_add(1, Ordering::Relaxed);
    NewEvent { id: EventId::from_parts(NOW as u64 + number, u128::from(number)), data: "{}".into() }
}

pub(crate) fn refreshed(credential: &SealedCredential, key_id: &str) -> Refreshed {
    Refreshed {
        credential: credential.clone(),
        key_id: key_id.into(),
        times: CredentialTimes::default(),
        event: event(),
    }
}

/// Replaces a credential as a refresh does.
pub(crate) async fn refresh(
    store: &Store,
    environment: &Environment,
    id: ConnectionId,
    credential: &SealedCredential,
    key_id: &str,
) -> Result<bool, StoreError> {
    store.store_refreshed(environment, id, &refreshed(credential, key_id), NOW).await
}

pub(crate) async fn find_credential(
    store: &Store,
    environment: &Environment,
    id: ConnectionId,
) -> Option<SealedCredential> {
    store.find_refresh_state(environment, id).await.unwrap().map(|state| state.credential)
}

pub(crate) fn record(number: u64) -> Record<'static> {
    Record {
        id: RequestId::from_parts(NOW as u64 + number, u128::from(number)),
        connection_id: Some(connection_id(1)),
        api_key_id: Some(api_key(&production(), 1).id),
        provider: Some("acme".into()),
        door: Door::Envelope,
        method: "GET".into(),
        path: "/v1/things".into(),
        status_code: Some(200),
        error_code: None,
        error_reason: None,
        origin: None,
        sent: None,
        attempts: 1,
        started_at: NOW + number as i64,
        duration_ms: 12,
        upstream_duration_ms: Some(10),
        request_bytes: 0,
        response_bytes: 2048,
        provider_limit: ProviderLimit::default(),
    }
}

/// Stores records in as few batches as can be.
pub(crate) async fn insert(
    store: &Store,
    environment: &Environment,
    records: &[Record<'_>],
) -> Result<(), StoreError> {
    store.insert_request_batches(&batches(environment, records)).await
}

pub(crate) fn batches(environment: &Environment, records: &[Record<'_>]) -> Vec<RequestBatch> {
    let mut batches: Vec<RequestBatch> = Vec::new();
    for record in records {
        if !batches.iter_mut().any(|batch| batch.push(record)) {
            batches.push(RequestBatch::new(environment.clone(), record));
        }
    }
    batches
}
