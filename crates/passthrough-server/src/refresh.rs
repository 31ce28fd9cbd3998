//! Keeping credentials fresh, so that a connection, once made, is never lost.
//!
//! A refresh token that rotates can be used once. So for each connection one refresh is under way at a time: in this
//! process by [`flight`], between processes by a lease in the database, taken by compare-and-set. The lease's commit
//! is the intent; the provider's answer goes into the [`spool`] before anything else is done with it, then into the
//! database, and only then to a caller. What goes wrong on the way is told apart: only a provider that says that the
//! grant has ended ends a connection.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use passthrough_core::connection::{ConnectionStatus, Credential};
use passthrough_core::grant::{self, brings_its_own_client};
use passthrough_core::id::{ConnectionId, Environment, EventId};
use passthrough_store::{Leased, NewEvent, RefreshFailure, Store, StoreError};
use passthrough_vault::random;
use tokio::runtime::Handle;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};

use crate::clock::milliseconds;
use crate::config;
use crate::events;
use crate::http::error::ApiError;
use crate::installation::Installation;
use crate::integrations::client;
use crate::metrics::{self, Metrics};
use crate::obtain::{Obtainer, Refusal, Way};
use crate::resolve::{ReadyConnection, ResolveError, Resolver, check_usable};

mod background;
mod flight;
mod keeping;
mod spool;

use flight::Flights;
use keeping::Place;
pub use spool::Spool;

/// How often another process's refresh is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// What is given to a token call beyond its time: where this process stood still, the answer may be there unread.
const TO_CATCH_UP: Duration = Duration::from_secs(1);
/// After a failure nobody asks the provider for this long, doubling up to the most.
const COOL_DOWN_MS: i64 = 30_000;
const COOL_DOWN_MAX_MS: i64 = 3_600_000;
/// In spite of that, each connection may be tried this often where somebody asks for it.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Keeps credentials fresh.
#[derive(Debug)]
pub struct Refresher {
    parts: Arc<Parts>,
    flights: Flights<Outcome>,
}

/// What a refresh works with.
#[derive(Debug)]
struct Parts {
    installation: Installation,
    resolver: Arc<Resolver>,
    obtainer: Obtainer,
    metrics: Arc<Metrics>,
    spool: Spool,
    settings: config::Refresh,
    /// Tells this process's leases from all others', those of its own former lives included.
    owner: String,
    /// When somebody last asked for a connection's refresh.
    asked: Mutex<HashMap<ConnectionId, Instant>>,
}

/// What came of a refresh.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The connection with a fresh credential.
    Fresh(Arc<ReadyConnection>),
    /// The end user must link again.
    Ended,
    /// It failed this time.
    Failed(ApiError),
}

/// Why a refresh is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is time.
    Due,
    /// The provider refused the credential of this generation.
    Refused,
    /// Somebody asks for it: who has mended something does not wait for the end of a pause.
    Asked,
}

impl Refresher {
    /// A refresher whose tasks run on `runtime`.
    pub fn new(
        installation: Installation,
        resolver: Arc<Resolver>,
        obtainer: Obtainer,
        metrics: Arc<Metrics>,
        settings: config::Refresh,
        spool: Spool,
        runtime: Handle,
    ) -> Self {
        let owner = data_encoding::HEXLOWER.encode(&random::<16>());
        let asked = Mutex::default();
        let parts = Parts { installation, resolver, obtainer, metrics, spool, settings, owner, asked };
        Self { parts: Arc::new(parts), flights: Flights::new(runtime) }
    }

    /// The connection with a credential that can be used now. Waits for a refresh where one is due, but not beyond
    /// `deadline`; where the refresh fails and the old credential still lives, that is used.
    pub async fn ensure_fresh(
        &self,
        ready: Arc<ReadyConnection>,
        deadline: Option<Instant>,
    ) -> Result<Arc<ReadyConnection>, ApiError> {
        match self.refreshed(&ready, Why::Due, deadline).await {
            Ok(Outcome::Fresh(fresh)) => Ok(fresh),
            Ok(Outcome::Ended) => Err(ResolveError::Disconnected.into()),
            Ok(Outcome::Failed(_)) | Err(_) if ready.is_alive(self.parts.installation.clock.steady_ms()) => {
                Ok(ready)
            }
            Ok(Outcome::Failed(error)) | Err(error) => Err(error),
        }
    }

    /// Refreshes, or waits for the refresh that is under way.
    pub async fn refreshed(
        &self,
        ready: &Arc<ReadyConnection>,
        why: Why,
        deadline: Option<Instant>,
    ) -> Result<Outcome, ApiError> {
        let id = ready.connection.id;
        let refresh = || {
            let (parts, ready) = (Arc::clone(&self.parts), Arc::clone(ready));
            async move { parts.refresh(&ready, why).await }
        };
        let joined = self.flights.join(id, refresh);
        let joined = match deadline {
            None => joined.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, joined).await {
                Ok(joined) => joined,
                Err(_) => return Err(ApiError::refresh_in_progress()),
            },
        };
        joined.ok_or_else(|| ApiError::internal("a refresh broke down"))
    }

    /// Waits until no refresh is under way.
    pub async fn finish(&self) {
        self.flights.finish().await;
    }
}

/// The lease on a connection's refresh, while it is ours.
struct Lease {
    environment: Environment,
    connection: ConnectionId,
    generation: i64,
}

impl Parts {
    /// One refresh from its intent to its commit.
    async fn refresh(&self, ready: &Arc<ReadyConnection>, why: Why) -> Outcome {
        let result = self.try_refresh(ready, why).await;
        let outcome = result.unwrap_or_else(Outcome::Failed);
        self.metrics.provider(&ready.connection.provider).refreshed(match &outcome {
            Outcome::Fresh(_) => metrics::Refreshed::Fresh,
            Outcome::Ended => metrics::Refreshed::Ended,
            Outcome::Failed(_) => metrics::Refreshed::Failed,
        });
        outcome
    }

    async fn try_refresh(&self, ready: &Arc<ReadyConnection>, why: Why) -> Result<Outcome, ApiError> {
        let (environment, id) = (&ready.connection.environment, ready.connection.id);
        let patience = Instant::now() + self.settings.lease + self.settings.token_timeout;
        let may_ask = why == Why::Asked && self.may_ask(id);
        loop {
            // What is decided on is what is stored, not what a cache holds.
            let Some(state) = self.store().find_refresh_state(environment, id).await? else {
                return Err(ResolveError::UnknownConnection.into());
            };
            if state.credential.generation != ready.generation {
                // Somebody newer wrote.
                return self.reload(ready).await;
            }
            if state.status != ConnectionStatus::Connected {
                self.forget(id).await;
                return match state.status {
                    ConnectionStatus::Archived => Err(ResolveError::Archived.into()),
                    ConnectionStatus::Connected | ConnectionStatus::Disconnected => Ok(Outcome::Ended),
                };
            }
            let now = self.now_ms();
            // One that is further away than the longest was written by a clock that was ahead.
            let cooling = now + 1..=now + COOL_DOWN_MAX_MS;
            let not_before = state.not_before.filter(|not_before| cooling.contains(not_before));
            if let Some(not_before) = not_before.filter(|_| !may_ask) {
                return Err(failed(ready, &state.error.unwrap_or_default(), not_before - now));
            }
            let lease =
                Lease { environment: environment.clone(), connection: id, generation: ready.generation };
            let others = state.lease.is_some_and(|lease| lease.owner != self.owner);
            match self.take(&lease, now).await? {
                Leased::Taken { previous_expired: true } if others => sleep(self.grace()).await,
                Leased::Taken { .. } => {
                    // Another process may have had its failure, or its end, between the look and the lease.
                    if let Some(now) = self.store().find_refresh_state(environment, id).await?
                        && (now.status, now.not_before) != (state.status, state.not_before)
                    {
                        self.release(&lease).await;
                        continue;
                    }
                    return self.hold(lease, ready, why, state.failures).await;
                }
                Leased::Newer => {}
                Leased::Gone => return Err(ResolveError::UnknownConnection.into()),
                Leased::Held { .. } if Instant::now() > patience => {
                    return Err(ApiError::refresh_in_progress());
                }
                Leased::Held { .. } => sleep(LOOK).await,
            }
        }
    }

    /// Works under the lease, and keeps it alive meanwhile.
    async fn hold(
        &self,
        lease: Lease,
        ready: &Arc<ReadyConnection>,
        why: Why,
        failures: i64,
    ) -> Result<Outcome, ApiError> {
        let heartbeat = async {
            loop {
                sleep(self.settings.lease / 3).await;
                let until = self.now_ms() + milliseconds(self.settings.lease);
                let extended = self.store().extend_lease(
                    &lease.environment,
                    lease.connection,
                    lease.generation,
                    &self.owner,
                    until,
                );
                if let Err(error) = extended.await {
                    tracing::warn!(connection = %lease.connection, %error, "a lease could not be extended");
                }
            }
        };
        tokio::select! {
            biased;
            outcome = self.renew(&lease, ready, why, failures) => outcome,
            () = heartbeat => Err(ApiError::internal("a heartbeat ended")),
        }
    }

    /// Asks the provider and stores what it gives.
    async fn renew(
        &self,
        lease: &Lease,
        ready: &Arc<ReadyConnection>,
        why: Why,
        failures: i64,
    ) -> Result<Outcome, ApiError> {
        // Room for the answer first: one that cannot be kept must not be asked for.
        let reserved = match self.reserve(lease).await {
            Ok(Place::Reserved(reserved)) => reserved,
            Ok(Place::Answered(path, entry)) => {
                self.store_at_last(lease, Some(path), &entry).await;
                return self.reload(ready).await;
            }
            Err(error) => {
                self.release(lease).await;
                tracing::error!(%error, "no room for a refreshed credential: the disk is full or not writable");
                return Err(ApiError::unavailable("a credential cannot be refreshed: the disk is full"));
            }
        };
        let way = if why == Why::Due { Way::Refresh } else { Way::Anew };
        let answer = within(self.settings.token_timeout, self.obtainer.obtain(ready, way)).await;
        match answer.unwrap_or_else(|_| Err(Refusal::passing("did not answer in time"))) {
            Ok(obtained) => {
                let credential = Credential { obtained: Some(obtained), ..ready.credential.clone() };
                let stored = self.seal(ready, &credential).await?;
                self.keep(lease, reserved, stored).await;
                client::note_accepted(&self.installation, ready).await;
                self.reload(ready).await
            }
            Err(refusal) => {
                drop(reserved);
                self.refused(lease, ready, refusal, failures).await
            }
        }
    }

    /// The provider gave nothing. Whether that is the end is for its own word to say, and for another look at what
    /// is stored: somebody newer may have been given what we were refused.
    async fn refused(
        &self,
        lease: &Lease,
        ready: &Arc<ReadyConnection>,
        refusal: Refusal,
        failures: i64,
    ) -> Result<Outcome, ApiError> {
        let (environment, id) = (&lease.environment, lease.connection);
        let now = self.now_ms();
        if let Refusal::Ended { code, .. } = &refusal {
            let event = events::about(&self.installation, &ready.connection, &[("reason", code.as_str())]);
            let generation = lease.generation;
            let ended = self.store().disconnect(environment, id, generation, code, &event, now).await?;
            if ended {
                self.forget(id).await;
                tracing::warn!(connection = %id, reason = %code, "a connection has ended: the provider refuses to refresh it");
                return Ok(Outcome::Ended);
            }
            // Somebody newer wrote while the provider was asked.
            return self.reload(ready).await;
        }
        client::note_refusal(&self.installation, ready, &refusal).await?;
        let told = refusal.retry_after_ms().unwrap_or_default();
        let doubled = COOL_DOWN_MS << failures.clamp(0, 7);
        let pause = doubled.min(COOL_DOWN_MAX_MS).max(told.min(COOL_DOWN_MAX_MS));
        let error = refusal.short();
        let failure =
            RefreshFailure { failures: failures + 1, not_before: now + pause, error: error.clone() };
        let noted =
            self.store().note_refresh_failure(environment, id, lease.generation, &self.owner, &failure);
        noted.await?;
        tracing::warn!(connection = %id, %error, pause_ms = pause, "a credential could not be refreshed this time");
        Err(failed(ready, &error, pause))
    }

    /// The connection as it is stored now.
    async fn reload(&self, ready: &ReadyConnection) -> Result<Outcome, ApiError> {
        let connection = &ready.connection;
        self.forget(connection.id).await;
        let ready = self.resolver.resolve_id(&connection.environment, connection.id).await?;
        // It may have been put away meanwhile.
        check_usable(&ready.connection)?;
        Ok(Outcome::Fresh(ready))
    }

    /// Whether somebody may have a refresh in spite of a pause. Whoever asks without end must not make us call the
    /// provider without end.
    fn may_ask(&self, id: ConnectionId) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| at.elapsed() < ASK_AGAIN);
        let is_first = !asked.contains_key(&id);
        if is_first {
            asked.insert(id, Instant::now());
        }
        is_first
    }

    async fn forget(&self, id: ConnectionId) {
        self.resolver.changed(passthrough_store::ChangeSubject::Credential(id)).await;
    }

    async fn take(&self, lease: &Lease, now: i64) -> Result<Leased, StoreError> {
        let until = now + milliseconds(self.settings.lease);
        let Lease { environment, connection, generation } = lease;
        self.store().take_lease(environment, *connection, *generation, &self.owner, now, until).await
    }

    async fn release(&self, lease: &Lease) {
        let Lease { environment, connection, .. } = lease;
        let released = self.store().release_lease(environment, *connection, &self.owner).await;
        if let Err(error) = released {
            tracing::warn!(%connection, %error, "a lease could not be given back; it ends by itself");
        }
    }

    fn event(&self, data: &str) -> NewEvent {
        NewEvent { id: EventId::from(self.installation.new_ulid()), data: data.to_owned() }
    }

    fn store(&self) -> &Store {
        &self.installation.store
    }

    /// The time that leases and tokens are measured by: a clock that is set meanwhile does not end them.
    fn now_ms(&self) -> i64 {
        self.installation.clock.steady_ms()
    }
}

/// The outcome of `work`, unless it takes longer than `limit`. A process that was stopped meanwhile, and whose socket
/// holds an answer, gets to read it.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    match timeout(limit, &mut work).await {
        Err(_) => timeout(TO_CATCH_UP, work).await,
        in_time => in_time,
    }
}

/// What a caller is told of a refresh that failed, or is not tried for a while after one.
fn failed(ready: &ReadyConnection, error: &str, pause_ms: i64) -> ApiError {
    if !grant::refuses_client(error) {
        return ApiError::refresh_failed(error, pause_ms);
    }
    let own = brings_its_own_client(&ready.credential);
    let integration = ready.integration.key.as_str();
    ApiError::client_rejected((!own).then_some(integration), error, pause_ms)
}
