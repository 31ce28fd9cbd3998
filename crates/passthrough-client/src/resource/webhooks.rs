//! Events, the webhook endpoints that are told of them, and the deliveries.

use http::Method;
use passthrough_wire::event::{Event, Replayed};
use passthrough_wire::page::Page;
use passthrough_wire::webhook::{
    CreateWebhookEndpoint, PatchWebhookEndpoint, WebhookDelivery, WebhookEndpoint, WebhookEndpointWithSecret,
};

use crate::client::Client;
use crate::connection::unwritable;
use crate::error::Error;
use crate::exchange::Call;
use crate::pages::{All, PageFilter, Query, query};
use crate::server_url::{encode, with_query};

const EVENTS: &str = "/v1/events";
const ENDPOINTS: &str = "/v1/webhook-endpoints";
const DELIVERIES: &str = "/v1/webhook-deliveries";

/// Which events to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// `connection.disconnected` and the like.
    pub kind: Option<String>,
    /// `conn_…`.
    pub connection: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many: 50 where nothing is said, 500 at most.
    pub limit: Option<u32>,
}

/// Which deliveries to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// `whk_…`.
    pub endpoint: Option<String>,
    /// `evt_…`.
    pub event: Option<String>,
    /// `pending`, `delivered` or `failed`.
    pub status: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many: 50 where nothing is said, 500 at most.
    pub limit: Option<u32>,
}

impl EventFilter {
    fn query(&self) -> Query {
        let filters = [("type", self.kind.clone()), ("connection", self.connection.clone())];
        query(filters, &self.cursor, self.limit)
    }
}

impl DeliveryFilter {
    fn query(&self) -> Query {
        let filters = [
            ("endpoint", self.endpoint.clone()),
            ("event", self.event.clone()),
            ("status", self.status.clone()),
        ];
        query(filters, &self.cursor, self.limit)
    }
}

impl Client {
    /// One page of events, newest first.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_events(&self, filter: &EventFilter) -> Result<Page<Event>, Error> {
        self.call(Call::get(with_query(EVENTS, &filter.query()))).await
    }

    /// All events, newest first, page after page.
    pub fn all_events(&self, filter: &EventFilter) -> All<Event> {
        All::new(self.clone(), EVENTS, filter.query())
    }

    /// One event.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_event(&self, id: &str) -> Result<Event, Error> {
        self.call(Call::get(format!("/v1/events/{}", encode(id)))).await
    }

    /// Sends an event again to every enabled endpoint that wants its type.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn replay_event(&self, id: &str) -> Result<Replayed, Error> {
        self.call(Call::new(Method::POST, format!("/v1/events/{}/replay", encode(id)))).await
    }

    /// Makes a webhook endpoint. The answer has its secret, which is never shown again.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn create_webhook_endpoint(
        &self,
        request: &CreateWebhookEndpoint,
    ) -> Result<WebhookEndpointWithSecret, Error> {
        let json = serde_json::to_vec(request).map_err(|_| unwritable())?;
        self.call(Call::new(Method::POST, ENDPOINTS).json(json)).await
    }

    /// One page of webhook endpoints, newest first.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_webhook_endpoints(&self, filter: &PageFilter) -> Result<Page<WebhookEndpoint>, Error> {
        self.call(Call::get(with_query(ENDPOINTS, &filter.query()))).await
    }

    /// All webhook endpoints, newest first, page after page.
    pub fn all_webhook_endpoints(&self, filter: &PageFilter) -> All<WebhookEndpoint> {
        All::new(self.clone(), ENDPOINTS, filter.query())
    }

    /// One webhook endpoint.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_webhook_endpoint(&self, id: &str) -> Result<WebhookEndpoint, Error> {
        self.call(Call::get(endpoint(id, ""))).await
    }

    /// Changes a webhook endpoint.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn update_webhook_endpoint(
        &self,
        id: &str,
        change: &PatchWebhookEndpoint,
    ) -> Result<WebhookEndpoint, Error> {
        let json = serde_json::to_vec(change).map_err(|_| unwritable())?;
        self.call(Call::new(Method::PATCH, endpoint(id, "")).json(json)).await
    }

    /// Deletes a webhook endpoint and its deliveries.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn delete_webhook_endpoint(&self, id: &str) -> Result<(), Error> {
        self.call_for_nothing(Call::new(Method::DELETE, endpoint(id, ""))).await
    }

    /// Gives a webhook endpoint another secret. For a day the old one signs, too.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn rotate_webhook_secret(&self, id: &str) -> Result<WebhookEndpointWithSecret, Error> {
        self.call(Call::new(Method::POST, endpoint(id, "/rotate-secret"))).await
    }

    /// Sends a test event to a webhook endpoint.
    ///
    /// # Errors
    /// Every [`Error`]; `conflict` where the endpoint is switched off.
    pub async fn test_webhook_endpoint(&self, id: &str) -> Result<WebhookDelivery, Error> {
        self.call(Call::new(Method::POST, endpoint(id, "/test"))).await
    }

    /// One page of deliveries, those of the newest events first.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_webhook_deliveries(
        &self,
        filter: &DeliveryFilter,
    ) -> Result<Page<WebhookDelivery>, Error> {
        self.call(Call::get(with_query(DELIVERIES, &filter.query()))).await
    }

    /// All deliveries, those of the newest events first, page after page.
    pub fn all_webhook_deliveries(&self, filter: &DeliveryFilter) -> All<WebhookDelivery> {
        All::new(self.clone(), DELIVERIES, filter.query())
    }

    /// One delivery.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_webhook_delivery(&self, id: &str) -> Result<WebhookDelivery, Error> {
        self.call(Call::get(format!("/v1/webhook-deliveries/{}", encode(id)))).await
    }

    /// Sends one delivery again, whatever came of it.
    ///
    /// # Errors
    /// Every [`Error`]; `conflict` where it is being sent at this moment.
    pub async fn replay_webhook_delivery(&self, id: &str) -> Result<WebhookDelivery, Error> {
        let path = format!("/v1/webhook-deliveries/{}/replay", encode(id));
        self.call(Call::new(Method::POST, path)).await
    }
}

fn endpoint(id: &str, rest: &str) -> String {
    format!("/v1/webhook-endpoints/{}{rest}", encode(id))
}
