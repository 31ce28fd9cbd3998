//! Sends what is queued for webhook endpoints. Several processes may do so at once: each delivery is claimed by one of
//! them at a time, for a while, so that it is not lost with it. A receiver may get a message twice and knows it by its
//! `webhook-id`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::uri::PathAndQuery;
use http_body_util::{BodyExt, Limited};
use passthrough_core::id::EndpointId;
use passthrough_core::provider::grant::Url;
use passthrough_core::retry::retry_after;
use passthrough_store::{ClaimedDelivery, Delivery, DeliveryOutcome, EndpointPatch, StoreError};
use passthrough_vault::random;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::message::{headers, next_attempt};
use crate::app::App;
use crate::clock::milliseconds;
use crate::events;
use crate::upstream::{Call, UpstreamBody};

/// How often the queue is looked at.
const ROUND: Duration = Duration::from_secs(1);
/// How many messages are under way at a time, and how many of these to one endpoint: one that does not answer must not
/// take all the places, for they belong to every environment.
const AT_A_TIME: usize = 64;
const TO_ONE: usize = 8;
/// How long an endpoint may take for one message, and how much of its answer is read, to use its socket again.
const PATIENCE: Duration = Duration::from_secs(15);
const MAX_ANSWER: usize = 64 * 1024;
/// How long a claim holds: longer than a message takes.
const LEASE_MS: i64 = 60_000;
/// How long to wait for messages that are under way when the server stops.
const FINISH: Duration = Duration::from_secs(5);
/// How often old events are deleted, how many at a time, and how long they are kept where records are not.
const SWEEP: Duration = Duration::from_secs(600);
const SWEEP_EVENTS: u32 = 500;
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Sends until `stop`; then finishes what is under way. What is not finished by then is sent by somebody else, or after
/// the next start.
pub async fn keep_sending(app: Arc<App>, stop: CancellationToken) {
    let mut under_way = UnderWay::default();
    let mut swept = Instant::now();
    while !stop.is_cancelled() {
        let more = under_way.fill(&app).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the queue of webhooks could not be read");
            false
        });
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            sweep(&app).await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // Where messages are waiting for a place, the next goes out as soon as there is one.
            () = under_way.end_of_one(), if more => {}
            () = sleep(ROUND) => {}
        }
    }
    let finish = async {
        while !under_way.tasks.is_empty() {
            under_way.end_of_one().await
        }
    };
    if timeout(FINISH, finish).await.is_err() {
        tracing::warn!("webhooks were still under way; they are sent again");
    }
}

/// The messages that are being sent, and to whom.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    endpoints: HashMap<tokio::task::Id, EndpointId>,
}

impl UnderWay {
    /// Begins what is due, as far as there are places. Returns whether something may be waiting for one.
    async fn fill(&mut self, app: &Arc<App>) -> Result<bool, StoreError> {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
        let mut began = false;
        loop {
            let mut to = HashMap::<EndpointId, usize>::new();
            self.endpoints.values().for_each(|endpoint| *to.entry(*endpoint).or_default() += 1);
            let full: Vec<EndpointId> =
                to.iter().filter(|(_, count)| **count >= TO_ONE).map(|(endpoint, _)| *endpoint).collect();
            let most = to.values().filter(|count| **count < TO_ONE).max().copied().unwrap_or_default();
            // All that is claimed at once may be for the endpoint that has the most already.
            let room = AT_A_TIME.saturating_sub(self.tasks.len()).min(TO_ONE - most);
            let room = u32::try_from(room).unwrap_or_default();
            if room == 0 {
                return Ok(true);
            }
            let now = app.now_ms();
            let store = &app.installation.store;
            let claimed = store.claim_deliveries(now, now + LEASE_MS, room, &full).await?;
            if claimed.is_empty() {
                return Ok(began || !full.is_empty());
            }
            began = true;
            for delivery in claimed {
                let endpoint = delivery.delivery.endpoint_id;
                let task = self.tasks.spawn(deliver(Arc::clone(app), delivery));
                self.endpoints.insert(task.id(), endpoint);
            }
        }
    }

    /// Waits until one has ended; for ever where none is under way.
    async fn end_of_one(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.forget(ended),
            None => std::future::pending().await,
        }
    }

    fn forget(&mut self, ended: Result<(tokio::task::Id, ()), JoinError>) {
        self.endpoints.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
    }
}

/// Sends one message and notes what came of it.
async fn deliver(app: Arc<App>, claimed: ClaimedDelivery) {
    let (id, endpoint) = (claimed.delivery.id, claimed.delivery.endpoint_id);
    let outcome = match send(&app, &claimed).await {
        Ok(status) if (200..300).contains(&status) => DeliveryOutcome::Delivered { status },
        Ok(410) => {
            disable(&app, &claimed).await;
            DeliveryOutcome::Failed { status: Some(410), error: "gone".to_owned() }
        }
        Ok(status) => failed(&app, &claimed, Some(status), "status", None),
        Err(Unsent { reason, status, retry_after_ms }) => {
            failed(&app, &claimed, status, reason, retry_after_ms)
        }
    };
    let now = app.now_ms();
    tracing::debug!(delivery = %id, endpoint = %endpoint, ?outcome, "a webhook was sent");
    let noted = app.installation.store.note_delivery(id, claimed.lease_until, &outcome, now).await;
    if let Err(error) = noted {
        tracing::warn!(delivery = %id, %error, "what came of a webhook could not be noted; it is sent again");
    }
}

/// Why a message counts as not taken.
struct Unsent {
    reason: &'static str,
    status: Option<u16>,
    retry_after_ms: Option<i64>,
}

impl Unsent {
    fn because(reason: &'static str) -> Self {
        Self { reason, status: None, retry_after_ms: None }
    }
}

fn failed(
    app: &App,
    claimed: &ClaimedDelivery,
    status: Option<u16>,
    reason: &str,
    retry_after_ms: Option<i64>,
) -> DeliveryOutcome {
    let error = reason.to_owned();
    let luck = u32::from_ne_bytes(random());
    let Delivery { attempts, created_at, .. } = claimed.delivery;
    match next_attempt(attempts, created_at, app.now_ms(), retry_after_ms, luck) {
        Some(at) => DeliveryOutcome::Again { at, status, error },
        None => {
            let endpoint = claimed.delivery.endpoint_id;
            tracing::warn!(%endpoint, event = %claimed.event.id, reason, "a webhook was given up after a day");
            DeliveryOutcome::Failed { status, error }
        }
    }
}

/// Sends the message, once and without following redirects: the signature is for the address that the operator gave.
async fn send(app: &App, claimed: &ClaimedDelivery) -> Result<u16, Unsent> {
    let ClaimedDelivery { delivery, sealed, event, .. } = claimed;
    let (environment, endpoint) = (&delivery.environment, delivery.endpoint_id);
    let vault = &app.installation.vault;
    let secrets = vault.open_endpoint(environment, endpoint, sealed.generation, &sealed.sealed);
    let secrets = secrets.map_err(|error| {
        tracing::error!(%endpoint, %error, "the secret of a webhook endpoint does not open");
        Unsent::because("secret")
    })?;
    let url = Url::parse(&claimed.url).map_err(|_| Unsent::because("url"))?;
    let path: PathAndQuery = url.path_and_query("").parse().map_err(|_| Unsent::because("url"))?;
    let body = serde_json::to_vec(&events::show(event)).map_err(|_| Unsent::because("body"))?;
    let body = Bytes::from(body);
    let now = app.now_ms();
    let mut call = Call::new(environment.clone(), Arc::clone(&url.base.origin), Method::POST, path);
    call.fields = headers(&event.id.to_string(), now / 1_000, &body, &secrets.keys(now));
    call.body = UpstreamBody::Held(body);
    call.deadline = Some(Instant::now() + PATIENCE);
    call.first_byte = Some(PATIENCE);
    let answer =
        app.upstream.send(&mut call).await.map_err(|error| Unsent::because(error.reason.as_str()))?;
    let status = answer.status.as_u16();
    let asked = answer.fields.get("retry-after").and_then(|value| retry_after(value, now));
    // Read to its end so that the socket can be used again; what it says is of no interest.
    drop(Limited::new(answer.body, MAX_ANSWER).collect().await);
    match status {
        429 | 503 => Err(Unsent { reason: "status", status: Some(status), retry_after_ms: asked }),
        status => Ok(status),
    }
}

/// The receiver says that it is gone for good.
async fn disable(app: &App, claimed: &ClaimedDelivery) {
    let (environment, id) = (&claimed.delivery.environment, claimed.delivery.endpoint_id);
    let patch = EndpointPatch { enabled: Some(false), ..EndpointPatch::default() };
    match app.installation.store.update_endpoint(environment, id, &patch, app.now_ms()).await {
        Ok(_) => tracing::warn!(endpoint = %id, "a webhook endpoint answered 410 and is switched off"),
        Err(error) => tracing::warn!(endpoint = %id, %error, "a webhook endpoint could not be switched off"),
    }
}

/// Deletes events that nobody will ask for any more. Those that are still to be delivered stay.
async fn sweep(app: &App) {
    let kept = app.config.retention.unwrap_or(KEPT);
    let before = app.now_ms().saturating_sub(milliseconds(kept));
    loop {
        match app.installation.store.delete_events_before(before, SWEEP_EVENTS).await {
            Ok(deleted) if deleted >= u64::from(SWEEP_EVENTS) => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "old events could not be deleted yet");
                return;
            }
        }
    }
}
