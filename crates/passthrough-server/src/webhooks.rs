//! Webhooks: the endpoints that are told of events. Messages are made in [`message`] and sent in [`dispatch`].

use passthrough_core::address::AddressPolicy;
use passthrough_core::base_url::{Host, Scheme};
use passthrough_core::id::{DeliveryId, EndpointId, Environment, EventId};
use passthrough_core::provider::grant::Url;
use passthrough_store::{Delivery, EndpointPatch, NewEvent, Sealed, WebhookEndpoint};
use passthrough_wire::webhook::{CreateWebhookEndpoint, PatchWebhookEndpoint};
use secrecy::SecretString;

use crate::app::App;
use crate::http::error::ApiError;
use crate::vault::EndpointSecrets;

pub mod dispatch;
pub mod message;

/// How long the secret before a rotation signs, too.
const OLD_SECRET_MS: i64 = 24 * 3_600_000;

/// Makes an endpoint, and its secret.
pub async fn create(
    app: &App,
    environment: &Environment,
    request: CreateWebhookEndpoint,
) -> Result<(WebhookEndpoint, EndpointSecrets), ApiError> {
    check(&app.config.upstream.address_policy, &request.url)?;
    let id = EndpointId::from(app.installation.new_ulid());
    let secrets = EndpointSecrets::generate();
    let now = app.now_ms();
    let endpoint = WebhookEndpoint {
        id,
        environment: environment.clone(),
        url: request.url,
        kinds: request.kinds,
        sealed: seal(app, environment, id, 1, &secrets)?,
        enabled: true,
        created_at: now,
        updated_at: now,
    };
    app.installation.store.insert_endpoint(&endpoint).await?;
    Ok((endpoint, secrets))
}

/// The endpoint of this environment and id.
pub async fn find(app: &App, environment: &Environment, id: EndpointId) -> Result<WebhookEndpoint, ApiError> {
    app.installation.store.find_endpoint(environment, id).await?.ok_or_else(missing)
}

/// Changes an endpoint. What is absent stays.
pub async fn patch(
    app: &App,
    environment: &Environment,
    id: EndpointId,
    request: PatchWebhookEndpoint,
) -> Result<WebhookEndpoint, ApiError> {
    if let Some(url) = &request.url {
        check(&app.config.upstream.address_policy, url)?;
    }
    let patch =
        EndpointPatch { url: request.url, kinds: request.kinds, enabled: request.enabled, sealed: None };
    if !app.installation.store.update_endpoint(environment, id, &patch, app.now_ms()).await? {
        return Err(missing());
    }
    find(app, environment, id).await
}

/// Gives an endpoint another secret. The old one signs, too, for a day, and so does one before it whose day is not over.
pub async fn rotate(
    app: &App,
    environment: &Environment,
    id: EndpointId,
) -> Result<(WebhookEndpoint, SecretString), ApiError> {
    let endpoint = find(app, environment, id).await?;
    let now = app.now_ms();
    let secrets = open(app, &endpoint)?.rotated(now, now + OLD_SECRET_MS).ok_or_else(|| {
        ApiError::conflict(
            "it was rotated four times within a day, and each old secret signs for a day as was said: wait, or make \
             another endpoint with the same URL and delete this one",
        )
    })?;
    let sealed = seal(app, environment, id, endpoint.sealed.generation + 1, &secrets)?;
    let patch = EndpointPatch { sealed: Some(sealed), ..EndpointPatch::default() };
    if !app.installation.store.update_endpoint(environment, id, &patch, now).await? {
        return Err(ApiError::conflict("the endpoint was changed at the same moment; read it again"));
    }
    Ok((find(app, environment, id).await?, secrets.secret))
}

/// Deletes an endpoint with its deliveries.
pub async fn delete(app: &App, environment: &Environment, id: EndpointId) -> Result<(), ApiError> {
    if !app.installation.store.delete_endpoint(environment, id).await? {
        return Err(missing());
    }
    Ok(())
}

/// Queues an event of the type `webhook.test` for this endpoint alone.
pub async fn test(app: &App, environment: &Environment, id: EndpointId) -> Result<Delivery, ApiError> {
    let endpoint = find(app, environment, id).await?;
    let event_id = EventId::from(app.installation.new_ulid());
    let event = NewEvent { id: event_id, data: r#"{"test":true}"#.to_owned() };
    let store = &app.installation.store;
    if !endpoint.enabled || !store.insert_test_event(environment, id, &event, app.now_ms()).await? {
        return Err(ApiError::conflict("the endpoint is switched off; switch it on to test it"));
    }
    store.find_delivery(environment, DeliveryId::of(event_id, id)).await?.ok_or_else(missing)
}

/// What signs the messages to an endpoint.
pub fn open(app: &App, endpoint: &WebhookEndpoint) -> Result<EndpointSecrets, ApiError> {
    let WebhookEndpoint { environment, id, sealed, .. } = endpoint;
    Ok(app.installation.vault.open_endpoint(environment, *id, sealed.generation, &sealed.sealed)?)
}

fn missing() -> ApiError {
    ApiError::not_found("there is no such webhook endpoint in this environment")
}

fn seal(
    app: &App,
    environment: &Environment,
    id: EndpointId,
    generation: i64,
    secrets: &EndpointSecrets,
) -> Result<Sealed, ApiError> {
    let sealed = app.installation.vault.seal_endpoint(environment, id, generation, secrets)?;
    Ok(Sealed { sealed: sealed.bytes, key_id: sealed.key_id.to_string(), generation })
}

/// Refuses at once what could never be sent to. What a name resolves to is judged with every message, by the one way
/// to the outside: an endpoint inside of our own network would make this server somebody's hand there.
fn check(policy: &AddressPolicy, url: &str) -> Result<(), ApiError> {
    let wrong = |message: String| ApiError::bad_field("url", message);
    if url.contains('#') {
        return Err(wrong("must have no fragment".to_owned()));
    }
    let url = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    let origin = &url.base.origin;
    let opens_http = !policy.allow_http.is_empty() || !policy.allow_http_hosts.is_empty();
    if origin.scheme == Scheme::Http && !opens_http {
        let message = "must be https; an operator can open plain http in `upstream.allow_http`";
        return Err(wrong(message.to_owned()));
    }
    if let Host::Ip(ip) = origin.host {
        policy.check(ip).map_err(|blocked| wrong(blocked.to_string()))?;
        policy.check_scheme(origin.scheme, &origin.host, ip).map_err(|blocked| wrong(blocked.to_string()))?;
    }
    Ok(())
}
