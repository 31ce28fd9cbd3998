//! Who calls, and on which connection: the first two steps of a passthrough, served from memory.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use passthrough_core::connection::{Connection, ConnectionStatus, Credential, Obtained, Variables};
use passthrough_core::freshness::Schedule;
use passthrough_core::id::{ApiKeyId, ConnectionId, Environment};
use passthrough_core::provider::grant::Flow;
use passthrough_core::provider::{Auth, Grant, HostAllowList, Provider, RedactReflections};
use passthrough_core::redact::Redactor;
use passthrough_core::template::{Moment, Scope};
use passthrough_core::token::{Token, TokenKind};
use passthrough_core::upstream::{OpenConnection, Prepared, secrets};
use passthrough_store::{ApiKey, ChangeSubject, StoreError, StoredConnection};
use passthrough_vault::random;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::sync::watch;

use crate::cache::Cache;
use crate::catalog::Catalog;
use crate::config;
use crate::installation::Installation;
use crate::integrations::Integration;
use crate::metrics::{self, Metrics};
use crate::upstream::ClientIdentity;
use crate::vault::VaultError;

mod admission;
mod lately;

pub use admission::{Admission, Withdrawn};
use lately::Lately;

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

/// A connection with its credential open, ready for requests.
#[derive(Debug)]
pub struct ReadyConnection {
    /// The connection.
    pub connection: Connection,
    /// The provider.
    pub provider: Arc<Provider>,
    /// The opened credential.
    pub credential: Credential,
    /// Which of the connection's credentials it is.
    pub generation: i64,
    /// The opened variables.
    pub variables: Variables,
    /// Finds this connection's secrets in whatever comes back.
    pub redactor: Redactor,
    /// The client certificate, where the provider wants one.
    pub identity: Option<Arc<ClientIdentity>>,
    /// The provider's numbers.
    pub numbers: Arc<metrics::Provider>,
    /// When its credential is due.
    schedule: Schedule,
    /// How long its session lives unused, in milliseconds, and when it was last used.
    idle_ms: Option<i64>,
    last_used: AtomicI64,
    /// When the provider refused this credential though it was fresh; 0 for never.
    unmended_at: AtomicI64,
    /// What the connection has from its integration.
    pub integration: Arc<Integration>,
    /// Hosts that its variables may name besides those of the provider's file.
    pub hosts: Arc<HostAllowList>,
    /// Where an echoed credential is masked.
    pub redact_reflections: RedactReflections,
    /// What of its requests is the same each time.
    prepared: Option<Prepared>,
    token_hash: Vec<u8>,
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

impl ReadyConnection {
    /// Whether the credential has to be refreshed before it is used; notes that it is used now. Unix milliseconds, by
    /// the steady clock.
    pub fn is_due(&self, now: impl FnOnce() -> i64) -> bool {
        if self.schedule == Schedule::NEVER && self.idle_ms.is_none() {
            return false;
        }
        let now = now();
        let idle = self.idle_ms.is_some_and(|idle| now - self.last_used.swap(now, Ordering::Relaxed) >= idle);
        idle || now >= self.schedule.refresh_at
    }

    /// Whether the credential may still be used, though it is due.
    pub fn is_alive(&self, now: i64) -> bool {
        let obtained = self.provider.auth.get(&self.connection.auth).is_some_and(|auth| match auth.grant {
            Grant::Static => true,
            Grant::OAuth2(_) | Grant::OAuth1(_) | Grant::Login(_) => self.credential.obtained.is_some(),
        });
        obtained && now < self.schedule.expires_at
    }

    /// Whether a refresh did not mend the provider's refusal a while ago.
    pub fn is_unmended(&self, now: i64, patience_ms: i64) -> bool {
        let at = self.unmended_at.load(Ordering::Relaxed);
        at != 0 && now - at < patience_ms
    }

    /// Notes that a fresh credential is refused, too.
    pub fn note_unmended(&self, now: i64) {
        self.unmended_at.store(now, Ordering::Relaxed);
    }

    /// Whether there is a way to another credential without the end user.
    pub fn is_refreshable(&self) -> bool {
        let Some(auth) = self.provider.auth.get(&self.connection.auth) else { return false };
        let has_refresh_token = || self.credential.value("refresh_token").is_some();
        match &auth.grant {
            Grant::Static | Grant::OAuth1(_) => false,
            Grant::Login(_) => true,
            Grant::OAuth2(oauth2) => match oauth2.flow {
                Flow::Code | Flow::Mcp => has_refresh_token(),
                Flow::ClientCredentials | Flow::Password | Flow::JwtBearer => true,
            },
        }
    }

    /// When what the grant yields is due.
    pub fn schedule(&self, obtained: &Obtained, luck: u32) -> Schedule {
        let auth = self.provider.auth.get(&self.connection.auth);
        let lifetime = auth.and_then(|auth| match &auth.grant {
            Grant::OAuth2(oauth2) => oauth2.refresh_lifetime_ms,
            Grant::Static | Grant::OAuth1(_) | Grant::Login(_) => None,
        });
        Schedule::of(obtained, lifetime, luck)
    }

    /// The connection in the words that requests are built from; `None` where the catalog has changed.
    pub fn open(&self) -> Option<OpenConnection<'_>> {
        let auth = self.provider.auth.get(&self.connection.auth)?;
        Some(self.with(auth))
    }

    /// Works out when the credential is due.
    fn plan(&mut self) {
        let auth = self.provider.auth.get(&self.connection.auth);
        let grant = auth.map(|auth| &auth.grant);
        self.idle_ms = match grant {
            Some(Grant::Login(login)) => login.idle_ms,
            _ => None,
        };
        self.schedule = match (&self.credential.obtained, grant) {
            (Some(obtained), _) => self.schedule(obtained, u32::from_ne_bytes(random())),
            (None, None | Some(Grant::Static)) => Schedule::NEVER,
            // Nothing was obtained yet: it is due at once.
            (None, Some(_)) => Schedule { refresh_at: i64::MIN, expires_at: i64::MIN, due_at: None },
        };
        let used = self.credential.obtained.as_ref().map_or(0, |obtained| obtained.at);
        self.last_used = AtomicI64::new(used);
    }

    fn with<'a>(&'a self, auth: &'a Auth) -> OpenConnection<'a> {
        OpenConnection {
            provider: &self.provider,
            auth,
            credential: &self.credential,
            variables: &self.variables,
            prepared: self.prepared.as_ref(),
        }
    }
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
            without_database_ms: i64::try_from(settings.without_database.as_millis()).unwrap_or(i64::MAX),
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
