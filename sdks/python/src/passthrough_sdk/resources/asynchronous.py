# Generated from openapi.json by scripts/generate.py. Not edited by hand.
"""The resources, for async code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Unpack

from passthrough_sdk import models, params
from passthrough_sdk._exchange_async import AsyncExchange
from passthrough_sdk._model import Page
from passthrough_sdk._operation import Operation
from passthrough_sdk._words import RequestOptions


class AsyncConnections:
    """Your customers' accounts."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListConnections]) -> Page[models.Connection]:
        """`GET /v1/connections`: The connections of the environment, newest first."""
        operation = Operation("GET", "/v1/connections", Page[models.Connection])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListConnections]) -> AsyncIterator[models.Connection]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/connections", Page[models.Connection])
        return self._exchange.iterate(operation, keywords)

    async def create(self, **keywords: Unpack[params.CreateConnection]) -> models.ConnectionWithToken:
        """`POST /v1/connections`: Stores a customer's credential. The token is shown this once."""
        operation = Operation("POST", "/v1/connections", models.ConnectionWithToken, body=True)
        return await self._exchange.call(operation, keywords)

    async def get(self, id: str, **keywords: Unpack[RequestOptions]) -> models.Connection:
        """`GET /v1/connections/{id}`: One connection."""
        operation = Operation("GET", "/v1/connections/{id}", models.Connection)
        return await self._exchange.call(operation, keywords, (id,))

    async def update(self, id: str, **keywords: Unpack[params.PatchConnection]) -> models.Connection:
        """`PATCH /v1/connections/{id}`: Changes a connection. What is absent stays; null clears."""
        operation = Operation("PATCH", "/v1/connections/{id}", models.Connection, body=True)
        return await self._exchange.call(operation, keywords, (id,))

    async def delete(self, id: str, **keywords: Unpack[params.DeleteConnections]) -> models.Deleted | None:
        """`DELETE /v1/connections/{id}`: Deletes a connection and its credential."""
        operation = Operation[models.Deleted | None]("DELETE", "/v1/connections/{id}", models.Deleted)
        return await self._exchange.call(operation, keywords, (id,))

    async def verify(self, id: str, **keywords: Unpack[RequestOptions]) -> models.Verification:
        """`POST /v1/connections/{id}/verify`: Tries the credential: alive, refused, or unreachable. A refused one
        is disconnected.
        """
        operation = Operation("POST", "/v1/connections/{id}/verify", models.Verification)
        return await self._exchange.call(operation, keywords, (id,))

    async def refresh(self, id: str, **keywords: Unpack[RequestOptions]) -> models.Refreshed:
        """`POST /v1/connections/{id}/refresh`: Renews the credential now, whether it is due or not; 422 where it
        does not renew itself, or has ended.
        """
        operation = Operation("POST", "/v1/connections/{id}/refresh", models.Refreshed)
        return await self._exchange.call(operation, keywords, (id,))

    async def rotate_token(self, id: str, **keywords: Unpack[RequestOptions]) -> models.ConnectionWithToken:
        """`POST /v1/connections/{id}/rotate-token`: Gives the connection a new token, shown this once. The old one
        is worthless at once.
        """
        operation = Operation("POST", "/v1/connections/{id}/rotate-token", models.ConnectionWithToken)
        return await self._exchange.call(operation, keywords, (id,))

    async def get_current(self, x_connection_token: str, **keywords: Unpack[RequestOptions]) -> models.Connection:
        """`GET /v1/connections/current`: The connection of the presented connection token."""
        operation = Operation("GET", "/v1/connections/current", models.Connection)
        return await self._exchange.call(operation, keywords, (), x_connection_token)

    async def update_current(self, x_connection_token: str, **keywords: Unpack[params.PatchConnection]) -> models.Connection:
        """`PATCH /v1/connections/current`: Changes the connection of the presented connection token."""
        operation = Operation("PATCH", "/v1/connections/current", models.Connection, body=True)
        return await self._exchange.call(operation, keywords, (), x_connection_token)

    async def delete_current(self, x_connection_token: str, **keywords: Unpack[params.DeleteConnections]) -> models.Deleted | None:
        """`DELETE /v1/connections/current`: Deletes the connection of the presented connection token."""
        operation = Operation[models.Deleted | None]("DELETE", "/v1/connections/current", models.Deleted)
        return await self._exchange.call(operation, keywords, (), x_connection_token)


class AsyncIntegrations:
    """Providers as they are set up in this environment."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListIntegrations]) -> Page[models.Integration]:
        """`GET /v1/integrations`: The integrations of the environment, by key. Those that providers have implicitly
        are not among them.
        """
        operation = Operation("GET", "/v1/integrations", Page[models.Integration])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListIntegrations]) -> AsyncIterator[models.Integration]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/integrations", Page[models.Integration])
        return self._exchange.iterate(operation, keywords)

    async def create(self, **keywords: Unpack[params.CreateIntegration]) -> models.Integration:
        """`POST /v1/integrations`: Sets up a provider: its OAuth client, what is asked for, and what is the same
        for all connections.
        """
        operation = Operation("POST", "/v1/integrations", models.Integration, body=True)
        return await self._exchange.call(operation, keywords)

    async def get(self, key: str, **keywords: Unpack[RequestOptions]) -> models.Integration:
        """`GET /v1/integrations/{key}`: One integration, without its secrets."""
        operation = Operation("GET", "/v1/integrations/{key}", models.Integration)
        return await self._exchange.call(operation, keywords, (key,))

    async def update(self, key: str, **keywords: Unpack[params.PatchIntegration]) -> models.Integration:
        """`PATCH /v1/integrations/{key}`: Changes an integration. What is absent stays; null clears."""
        operation = Operation("PATCH", "/v1/integrations/{key}", models.Integration, body=True)
        return await self._exchange.call(operation, keywords, (key,))

    async def delete(self, key: str, **keywords: Unpack[RequestOptions]) -> None:
        """`DELETE /v1/integrations/{key}`: Deletes an integration that no connection uses."""
        operation = Operation("DELETE", "/v1/integrations/{key}", type(None))
        return await self._exchange.call(operation, keywords, (key,))


class AsyncLinkSessions:
    """Pages on which your users authorise their accounts."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def create(self, **keywords: Unpack[params.CreateLinkSession]) -> models.CreatedLinkSession:
        """`POST /v1/link-sessions`: Makes a link for an end user. It works for half an hour, for the browser that
        opens it first.
        """
        operation = Operation("POST", "/v1/link-sessions", models.CreatedLinkSession, body=True)
        return await self._exchange.call(operation, keywords)

    async def get(self, id: str, **keywords: Unpack[RequestOptions]) -> models.LinkSession:
        """`GET /v1/link-sessions/{id}`: How far a link session has come."""
        operation = Operation("GET", "/v1/link-sessions/{id}", models.LinkSession)
        return await self._exchange.call(operation, keywords, (id,))


class AsyncPublicToken:
    """What a linked user comes back with."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def exchange(self, **keywords: Unpack[params.ExchangePublicToken]) -> models.LinkedConnection:
        """`POST /v1/public-token/exchange`: Exchanges what a link ended with for the connection. Once, and within
        ten minutes.
        """
        operation = Operation("POST", "/v1/public-token/exchange", models.LinkedConnection, body=True)
        return await self._exchange.call(operation, keywords)


class AsyncEvents:
    """What happened to connections and integrations."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListEvents]) -> Page[models.Event]:
        """`GET /v1/events`: What happened to connections and integrations of the environment, newest first."""
        operation = Operation("GET", "/v1/events", Page[models.Event])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListEvents]) -> AsyncIterator[models.Event]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/events", Page[models.Event])
        return self._exchange.iterate(operation, keywords)

    async def get(self, id: str, **keywords: Unpack[RequestOptions]) -> models.Event:
        """`GET /v1/events/{id}`: One event."""
        operation = Operation("GET", "/v1/events/{id}", models.Event)
        return await self._exchange.call(operation, keywords, (id,))

    async def replay(self, id: str, **keywords: Unpack[RequestOptions]) -> models.Replayed:
        """`POST /v1/events/{id}/replay`: Sends an event again to every enabled webhook endpoint that wants its
        type, also to those made after it.
        """
        operation = Operation("POST", "/v1/events/{id}/replay", models.Replayed)
        return await self._exchange.call(operation, keywords, (id,))


class AsyncWebhookEndpoints:
    """Where events are sent to."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListWebhookEndpoints]) -> Page[models.WebhookEndpoint]:
        """`GET /v1/webhook-endpoints`: The webhook endpoints of the environment, newest first."""
        operation = Operation("GET", "/v1/webhook-endpoints", Page[models.WebhookEndpoint])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListWebhookEndpoints]) -> AsyncIterator[models.WebhookEndpoint]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/webhook-endpoints", Page[models.WebhookEndpoint])
        return self._exchange.iterate(operation, keywords)

    async def create(self, **keywords: Unpack[params.CreateWebhookEndpoint]) -> models.WebhookEndpointWithSecret:
        """`POST /v1/webhook-endpoints`: Makes a webhook endpoint. Its secret is shown this once."""
        operation = Operation("POST", "/v1/webhook-endpoints", models.WebhookEndpointWithSecret, body=True)
        return await self._exchange.call(operation, keywords)

    async def get(self, id: str, **keywords: Unpack[RequestOptions]) -> models.WebhookEndpoint:
        """`GET /v1/webhook-endpoints/{id}`: One webhook endpoint, without its secret."""
        operation = Operation("GET", "/v1/webhook-endpoints/{id}", models.WebhookEndpoint)
        return await self._exchange.call(operation, keywords, (id,))

    async def update(self, id: str, **keywords: Unpack[params.PatchWebhookEndpoint]) -> models.WebhookEndpoint:
        """`PATCH /v1/webhook-endpoints/{id}`: Changes a webhook endpoint: where to, which types, on or off. What is
        absent stays.
        """
        operation = Operation("PATCH", "/v1/webhook-endpoints/{id}", models.WebhookEndpoint, body=True)
        return await self._exchange.call(operation, keywords, (id,))

    async def delete(self, id: str, **keywords: Unpack[RequestOptions]) -> None:
        """`DELETE /v1/webhook-endpoints/{id}`: Deletes a webhook endpoint and its deliveries."""
        operation = Operation("DELETE", "/v1/webhook-endpoints/{id}", type(None))
        return await self._exchange.call(operation, keywords, (id,))

    async def rotate_secret(self, id: str, **keywords: Unpack[RequestOptions]) -> models.WebhookEndpointWithSecret:
        """`POST /v1/webhook-endpoints/{id}/rotate-secret`: Gives an endpoint another secret, shown this once. For a
        day the old one signs, too.
        """
        operation = Operation("POST", "/v1/webhook-endpoints/{id}/rotate-secret", models.WebhookEndpointWithSecret)
        return await self._exchange.call(operation, keywords, (id,))

    async def test(self, id: str, **keywords: Unpack[RequestOptions]) -> models.WebhookDelivery:
        """`POST /v1/webhook-endpoints/{id}/test`: Sends an event of the type webhook.test to this endpoint."""
        operation = Operation("POST", "/v1/webhook-endpoints/{id}/test", models.WebhookDelivery)
        return await self._exchange.call(operation, keywords, (id,))


class AsyncWebhookDeliveries:
    """Events on their way to endpoints."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListWebhookDeliveries]) -> Page[models.WebhookDelivery]:
        """`GET /v1/webhook-deliveries`: The deliveries of the environment, those of the newest events first."""
        operation = Operation("GET", "/v1/webhook-deliveries", Page[models.WebhookDelivery])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListWebhookDeliveries]) -> AsyncIterator[models.WebhookDelivery]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/webhook-deliveries", Page[models.WebhookDelivery])
        return self._exchange.iterate(operation, keywords)

    async def get(self, id: str, **keywords: Unpack[RequestOptions]) -> models.WebhookDelivery:
        """`GET /v1/webhook-deliveries/{id}`: One delivery."""
        operation = Operation("GET", "/v1/webhook-deliveries/{id}", models.WebhookDelivery)
        return await self._exchange.call(operation, keywords, (id,))

    async def replay(self, id: str, **keywords: Unpack[RequestOptions]) -> models.WebhookDelivery:
        """`POST /v1/webhook-deliveries/{id}/replay`: Sends one delivery again, whatever came of it; the message
        keeps its id.
        """
        operation = Operation("POST", "/v1/webhook-deliveries/{id}/replay", models.WebhookDelivery)
        return await self._exchange.call(operation, keywords, (id,))


class AsyncProviders:
    """The catalog."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListProviders]) -> Page[models.ProviderSummary]:
        """`GET /v1/providers`: The providers, by code; all of them on one page."""
        operation = Operation("GET", "/v1/providers", Page[models.ProviderSummary])
        return await self._exchange.call(operation, keywords)

    async def get(self, code: str, **keywords: Unpack[RequestOptions]) -> models.Provider:
        """`GET /v1/providers/{code}`: One provider: what a form needs to know of it."""
        operation = Operation("GET", "/v1/providers/{code}", models.Provider)
        return await self._exchange.call(operation, keywords, (code,))


class AsyncApiKeys:
    """What calling applications present."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListApiKeys]) -> Page[models.ApiKey]:
        """`GET /v1/api-keys`: The API keys of the environment, newest first."""
        operation = Operation("GET", "/v1/api-keys", Page[models.ApiKey])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListApiKeys]) -> AsyncIterator[models.ApiKey]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/api-keys", Page[models.ApiKey])
        return self._exchange.iterate(operation, keywords)

    async def create(self, **keywords: Unpack[params.CreateApiKey]) -> models.CreatedApiKey:
        """`POST /v1/api-keys`: Makes an API key of the same environment. The key is shown this once."""
        operation = Operation("POST", "/v1/api-keys", models.CreatedApiKey, body=True)
        return await self._exchange.call(operation, keywords)

    async def revoke(self, id: str, **keywords: Unpack[RequestOptions]) -> None:
        """`DELETE /v1/api-keys/{id}`: Revokes an API key. It stays in the list, with the time."""
        operation = Operation("DELETE", "/v1/api-keys/{id}", type(None))
        return await self._exchange.call(operation, keywords, (id,))


class AsyncRequests:
    """The records: one line about each passthrough."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def list(self, **keywords: Unpack[params.ListRequests]) -> Page[models.Record]:
        """`GET /v1/requests`: The records of the environment, newest first."""
        operation = Operation("GET", "/v1/requests", Page[models.Record])
        return await self._exchange.call(operation, keywords)

    def iterate(self, **keywords: Unpack[params.ListRequests]) -> AsyncIterator[models.Record]:
        """The same, through all pages: asks for the next one when the last is used up."""
        operation = Operation("GET", "/v1/requests", Page[models.Record])
        return self._exchange.iterate(operation, keywords)

    async def get(self, id: str, **keywords: Unpack[RequestOptions]) -> models.Record:
        """`GET /v1/requests/{id}`: One record. It appears within a second of the call."""
        operation = Operation("GET", "/v1/requests/{id}", models.Record)
        return await self._exchange.call(operation, keywords, (id,))


class AsyncHealth:
    """Whether the server lives, and whether it should get requests."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def live(self, **keywords: Unpack[RequestOptions]) -> models.Health:
        """`GET /healthz`: Whether the process lives. Says nothing of the database: restarting would not bring that
        back.
        """
        operation = Operation("GET", "/healthz", models.Health)
        return await self._exchange.call(operation, keywords)

    async def ready(self, **keywords: Unpack[RequestOptions]) -> models.Health:
        """`GET /readyz`: Whether it should get requests: the database answers, and it is not stopping."""
        operation = Operation("GET", "/readyz", models.Health)
        return await self._exchange.call(operation, keywords)
