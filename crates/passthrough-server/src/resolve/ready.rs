//! A connection that is ready for requests, and how long its credential is good.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use passthrough_core::connection::{Connection, Credential, Obtained, Variables};
use passthrough_core::freshness::Schedule;
use passthrough_core::provider::grant::Flow;
use passthrough_core::provider::{Auth, Grant, HostAllowList, Provider, RedactReflections};
use passthrough_core::redact::Redactor;
use passthrough_core::upstream::{OpenConnection, Prepared};
use passthrough_vault::random;

use crate::integrations::Integration;
use crate::metrics;
use crate::upstream::ClientIdentity;

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
    pub(super) schedule: Schedule,
    /// How long its session lives unused, in milliseconds, and when it was last used.
    pub(super) idle_ms: Option<i64>,
    pub(super) last_used: AtomicI64,
    /// When the provider refused this credential though it was fresh; 0 for never.
    pub(super) unmended_at: AtomicI64,
    /// What the connection has from its integration.
    pub integration: Arc<Integration>,
    /// Hosts that its variables may name besides those of the provider's file.
    pub hosts: Arc<HostAllowList>,
    /// Where an echoed credential is masked.
    pub redact_reflections: RedactReflections,
    /// What of its requests is the same each time.
    pub(super) prepared: Option<Prepared>,
    pub(super) token_hash: Vec<u8>,
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
                Flow::Code | Flow::Mcp => has_refresh_token() || oauth2.refresh.is_some(),
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
    pub(super) fn plan(&mut self) {
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

    pub(super) fn with<'a>(&'a self, auth: &'a Auth) -> OpenConnection<'a> {
        OpenConnection {
            provider: &self.provider,
            auth,
            credential: &self.credential,
            variables: &self.variables,
            prepared: self.prepared.as_ref(),
        }
    }
}
