//! Who calls, and on which connection: the first two steps of a passthrough, served from memory.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use passthrough_core::connection::{Connection, ConnectionStatus, Credential, Variables};
use passthrough_core::freshness::Schedule;
use passthrough_core::id::{ApiKeyId, ConnectionId, Environment};
use passthrough_core::provider::HostAllowList;
use passthrough_core::redact::Redactor;
use passthrough_core::template::{Moment, Scope};
use passthrough_core::token::{Token, TokenKind};
use passthrough_core::upstream::{OpenConnection, Prepared, secrets};
use passthrough_store::{ApiKey, ChangeSubject, StoreError, StoredConnection};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::sync::watch;

use crate::cache::Cache;
use crate::catalog::Catalog;
use crate::clock::milliseconds;
use crate::config;
use crate::installation::Installation;
use crate::integrations::Integration;
use crate::metrics::Metrics;
use crate::upstream::ClientIdentity;
use crate::vault::VaultError;

mod admission;
mod lately;
mod ready;

pub use admission::{Admission, Withdrawn};
use lately::Lately;
pub use ready::ReadyConnection;

/// How many API keys, and how many connections, each worker recalls without a look-up: 50 bytes each, and the token.
const KNOWN_API_KEYS: usize = 512;
const KNOWN_CONNECTIONS: usize = 4_096;

/// An application that has shown a valid API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its key.
    pub api_key: ApiKeyId,
    /// The room that the key opens.
    pub environment: Environment,
}

/// Why a caller or a connection was not accepted.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// The key is missing, unknown, revoked or expired: one answer for all.
    #[error("the API key is missing or not valid")]
    Unauthorized,
    /// There is no such connection in this environment.
    #[error("there is no connection with this token in this environment")]
    UnknownConnection,
    /// The end user must link the account again.
    #[error("the connection is disconnected: the end user must link the account again")]
    Disconnected,
    /// The operator has put it away.
    #[error("the connection is archived; set its status to `connected` to use it")]
    Archived,
    /// The connection's provider or auth entry is not in the catalog any more.
    #[error("the catalog has no provider `{provider}` with an auth entry `{auth}`; put its file back")]
    NoProvider {
        /// The provider's code.
        provider: String,
        /// The auth entry.
        auth: String,
    },
    /// The credential cannot be used: a certificate that is none, for example.
    #[error("{0}")]
    Unusable(String),
    /// The database has been away for longer than the cache may stand in for it.
    #[error("the database is not available")]
    DatabaseAway,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Accepts callers and connections.
#[derive(Debug)]
pub struct Resolver {
    installation: Installation,
    catalog: Arc<Catalog>,
    metrics: Arc<Metrics>,
    allow_hosts: Arc<HostAllowList>,
    api_keys: Cache<ApiKeyId, Arc<ApiKey>>,
    connections: Cache<ConnectionId, Arc<ReadyConnection>>,
    known_api_keys: Lately<Caller>,
    /// Weak, because how long an opened credential stays in memory is the cache's affair.
    known_connections: Lately<Weak<ReadyConnection>>,
    /// When the database was last heard of, by the clock that nobody sets: one that is set an hour ahead does not mean
    /// that the database has been away for an hour, nor one that is set back that it is there.
    database_seen: AtomicI64,
    without_database_ms: i64,
    /// Tells tunnels to look whether they may stay.
    changes: watch::Sender<()>,
}

impl Resolver {
    /// A resolver with empty caches.
    pub fn new(
        installation: Installation,
        catalog: Arc<Catalog>,
        metrics: Arc<Metrics>,
        settings: config::Cache,
        allow_hosts: HostAllowList,
    ) -> Self {
        let database_seen = AtomicI64::new(installation.clock.steady_ms());
        Self {
            installation,
            catalog,
            metrics,
            allow_hosts: Arc::new(allow_hosts),
            api_keys: Cache::new(settings.api_keys, settings.idle),
            connections: Cache::new(settings.connections, settings.idle),
            known_api_keys: Lately::new(KNOWN_API_KEYS),
            known_connections: Lately::new(KNOWN_CONNECTIONS),
            database_seen,
            changes: watch::Sender::new(()),
            without_database_ms: milliseconds(settings.without_database),
        }
    }

    /// Accepts an API key, as it was presented, at this time (unix milliseconds).
    pub async fn authenticate(
        &self,
        presented: Option<&SecretString>,
        now: i64,
    ) -> Result<Caller, ResolveError> {
        let presented = presented.ok_or(ResolveError::Unauthorized)?;
        self.check_database()?;
        match self.known_api_keys.recall(presented, now) {
            Some(caller) => Ok(caller),
            // On the heap: the way to the database is taken once a second.
            None => Box::pin(self.look_up_key(presented, now)).await,
        }
    }

    async fn look_up_key(&self, presented: &SecretString, now: i64) -> Result<Caller, ResolveError> {
        let token = Token::parse(TokenKind::ApiKey, presented.expose_secret())
            .map_err(|_| ResolveError::Unauthorized)?;
        let as_of = self.known_api_keys.as_of();
        let id = ApiKeyId::from(token.ulid());
        let key = self.find_key(id).await?;
        let hash = key.as_ref().map(|key| (key.secret_hash.as_slice(), &key.environment));
        let genuine = self.installation.vault.matches(TokenKind::ApiKey, &token, hash);
        match key {
            Some(key) if genuine && is_valid(&key, now) => {
                let caller = Caller { api_key: id, environment: key.environment.clone() };
                self.known_api_keys.remember(presented, as_of, now, key.expires_at, caller.clone());
                Ok(caller)
            }
            _ => Err(ResolveError::Unauthorized),
        }
    }

    async fn find_key(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, StoreError> {
        let store = &self.installation.store;
        self.api_keys.get(id, || async move { Ok(store.find_api_key(id).await?.map(Arc::new)) }).await
    }

    /// Finds the connection of a token, as it was presented, at this time (unix milliseconds). A token of
    /// another environment is answered like none.
    pub async fn resolve(
        &self,
        caller: &Caller,
        presented: &SecretString,
        now: i64,
    ) -> Result<Arc<ReadyConnection>, ResolveError> {
        let known = self.known_connections.recall(presented, now).and_then(|known| known.upgrade());
        match known.filter(|known| known.connection.environment == caller.environment) {
            Some(ready) => Ok(ready),
            None => Box::pin(self.look_up_connection(caller, presented, now)).await,
        }
    }

    async fn look_up_connection(
        &self,
        caller: &Caller,
        presented: &SecretString,
        now: i64,
    ) -> Result<Arc<ReadyConnection>, ResolveError> {
        let token = connection_token(presented)?;
        let as_of = self.known_connections.as_of();
        let id = ConnectionId::from(token.ulid());
        let ready = match self.connections.get(id, || self.load(id, &caller.environment)).await {
            // The same work follows as for one that is there, so that time does not tell them apart.
            Err(ResolveError::UnknownConnection) => None,
            found => found?,
        };
        let hash = ready.as_ref().map(|ready| (ready.token_hash.as_slice(), &ready.connection.environment));
        let genuine = self.installation.vault.matches(TokenKind::Connection, &token, hash);
        match ready {
            Some(ready) if genuine && ready.connection.environment == caller.environment => {
                self.known_connections.remember(presented, as_of, now, None, Arc::downgrade(&ready));
                Ok(ready)
            }
            _ => Err(ResolveError::UnknownConnection),
        }
    }

    /// The connection that a token belongs to, whatever has become of its provider: what acts on the connection
    /// itself must not need its credential.
    pub async fn identify(
        &self,
        caller: &Caller,
        presented: &SecretString,
    ) -> Result<ConnectionId, ResolveError> {
        let token = connection_token(presented)?;
        let id = ConnectionId::from(token.ulid());
        let stored = self.installation.store.find_connection(&caller.environment, id).await?;
        let hash = stored.as_ref().map(|stored| (stored.token_hash.as_slice(), &caller.environment));
        let genuine = self.installation.vault.matches(TokenKind::Connection, &token, hash);
        if genuine && stored.is_some() { Ok(id) } else { Err(ResolveError::UnknownConnection) }
    }

    /// Finds a connection by its id, as the operations on connections do.
    pub async fn resolve_id(
        &self,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<Arc<ReadyConnection>, ResolveError> {
        match self.connections.get(id, || self.load(id, environment)).await? {
            Some(ready) if ready.connection.environment == *environment => Ok(ready),
            _ => Err(ResolveError::UnknownConnection),
        }
    }

    /// Reads and opens a connection. One of another environment is none before anything can be wrong with it: a
    /// missing provider or a damaged credential would tell a stranger that it exists.
    async fn load(
        &self,
        id: ConnectionId,
        environment: &Environment,
    ) -> Result<Option<Arc<ReadyConnection>>, ResolveError> {
        let stored = self.installation.store.find_connection_to_authenticate(id).await?;
        // An error, because for others it is there: what is not there would be remembered.
        if stored.as_ref().is_some_and(|stored| stored.connection.environment != *environment) {
            return Err(ResolveError::UnknownConnection);
        }
        let Some(stored) = stored else { return Ok(None) };
        Ok(Some(Arc::new(self.make_ready(stored).await?)))
    }

    async fn make_ready(&self, stored: StoredConnection) -> Result<ReadyConnection, ResolveError> {
        let StoredConnection { connection, token_hash, sealed_variables, credential, .. } = stored;
        let (environment, id) = (&connection.environment, connection.id);
        let vault = &self.installation.vault;
        let generation = credential.generation;
        let credential = vault.open_credential(&connection, generation, &credential.sealed)?;
        let variables =
            vault.open_variables(environment, id, sealed_variables.generation, &sealed_variables.sealed)?;
        let integration = self.integration_of(&connection).await?;
        self.ready(connection, token_hash, credential, generation, variables, integration)
    }

    /// The integration of a connection, opened: one that was set up, or the one that its provider has implicitly.
    pub async fn integration_of(&self, connection: &Connection) -> Result<Arc<Integration>, ResolveError> {
        let Connection { environment, integration, provider, .. } = connection;
        let stored = self.installation.store.find_integration(environment, integration).await?;
        let Some(stored) = stored else { return Ok(Arc::new(Integration::implicit(provider))) };
        // Its client is for its own provider.
        if stored.provider != *provider {
            let message =
                format!("the integration `{integration}` is one of another provider, {}", stored.provider);
            return Err(ResolveError::Unusable(message));
        }
        Ok(Arc::new(Integration::open(&self.installation.vault, stored)?))
    }

    /// Joins a connection with its provider and its integration.
    pub fn ready(
        &self,
        connection: Connection,
        token_hash: Vec<u8>,
        mut credential: Credential,
        generation: i64,
        mut variables: Variables,
        integration: Arc<Integration>,
    ) -> Result<ReadyConnection, ResolveError> {
        let no_provider = || ResolveError::NoProvider {
            provider: connection.provider.clone(),
            auth: connection.auth.clone(),
        };
        let provider = self.catalog.get(&connection.provider).cloned().ok_or_else(no_provider)?;
        credential.client = integration.client_for(&credential);
        integration.pin(&mut variables);
        // Most integrations name no hosts, and then one list serves all.
        let hosts = match integration.hosts(&provider, &self.allow_hosts) {
            hosts if hosts.0.len() > self.allow_hosts.0.len() => Arc::new(hosts),
            _ => Arc::clone(&self.allow_hosts),
        };
        let mut ready = ReadyConnection {
            redact_reflections: integration.redact_reflections(&provider),
            integration,
            hosts,
            provider,
            credential,
            generation,
            variables,
            redactor: Redactor::default(),
            identity: None,
            numbers: self.metrics.provider(&connection.provider),
            schedule: Schedule::NEVER,
            idle_ms: None,
            last_used: AtomicI64::new(0),
            unmended_at: AtomicI64::new(0),
            prepared: None,
            token_hash,
            connection: connection.clone(),
        };
        ready.plan();
        let (redactor, identity, prepared) = {
            let open = ready.open().ok_or_else(no_provider)?;
            let secrets = secrets(open);
            let redactor = Redactor::new(secrets.iter().map(|secret| secret.as_str()));
            (redactor, client_identity(open)?, Prepared::new(open, &ready.hosts))
        };
        ready.redactor = redactor;
        ready.identity = identity;
        ready.prepared = Some(prepared);
        Ok(ready)
    }

    /// Forgets what a change has made old.
    pub async fn changed(&self, subject: ChangeSubject) {
        match subject {
            ChangeSubject::ApiKey(id) => self.api_keys.forget(id).await,
            ChangeSubject::Connection(id) | ChangeSubject::Credential(id) => {
                self.connections.forget(id).await
            }
            // Which connections use it is not known here.
            ChangeSubject::Integration { .. } => self.connections.forget_all().await,
            ChangeSubject::Unknown => self.forget_all().await,
        }
        self.forget_known();
    }

    /// Forgets everything.
    pub async fn forget_all(&self) {
        self.api_keys.forget_all().await;
        self.connections.forget_all().await;
        self.forget_known();
    }

    /// Only after the caches have forgotten: who reads them from now on reads what is new.
    fn forget_known(&self) {
        self.known_api_keys.changed();
        self.known_connections.changed();
        self.changes.send_replace(());
    }

    /// Notes that the database answered.
    pub fn saw_database(&self) {
        self.database_seen.store(self.installation.clock.steady_ms(), Ordering::Relaxed);
    }

    /// What is cached stands in for a database that is away, but not for ever: a key that was revoked
    /// elsewhere must not live on.
    fn check_database(&self) -> Result<(), ResolveError> {
        let away = self.installation.clock.steady_ms() - self.database_seen.load(Ordering::Relaxed);
        if away > self.without_database_ms { Err(ResolveError::DatabaseAway) } else { Ok(()) }
    }
}

fn is_valid(key: &ApiKey, now: i64) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now)
}

/// One that is not well-formed gets the same answer as one that is and is unknown.
fn connection_token(presented: &SecretString) -> Result<Token, ResolveError> {
    Token::parse(TokenKind::Connection, presented.expose_secret())
        .map_err(|_| ResolveError::UnknownConnection)
}

/// A connection can be called only while it is connected.
pub fn check_usable(connection: &Connection) -> Result<(), ResolveError> {
    match connection.status {
        ConnectionStatus::Connected => Ok(()),
        ConnectionStatus::Disconnected => Err(ResolveError::Disconnected),
        ConnectionStatus::Archived => Err(ResolveError::Archived),
    }
}

/// The client certificate, parsed once per opening instead of once per request.
fn client_identity(open: OpenConnection<'_>) -> Result<Option<Arc<ClientIdentity>>, ResolveError> {
    let Some(certificate) = &open.auth.inject.client_certificate else { return Ok(None) };
    let moment = Moment { unix_ms: 0, nonce: [0; 16] };
    let scope = Scope { credential: open.credential, variables: open.variables, moment };
    let (Some(chain), Some(key)) =
        (certificate.certificate.render(&scope), certificate.private_key.render(&scope))
    else {
        return Ok(None);
    };
    let identity = ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes())
        .map_err(|error| ResolveError::Unusable(error.to_string()))?;
    Ok(Some(Arc::new(identity)))
}
