"""The classes that users start with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Self, Unpack

import httpx

from passthrough_sdk import _deadline
from passthrough_sdk._exchange import Exchange
from passthrough_sdk._exchange_async import AsyncExchange
from passthrough_sdk._settings import settings
from passthrough_sdk._words import RequestOptions
from passthrough_sdk.models import PassthroughResponse
from passthrough_sdk.params import PassThroughRequestDto
from passthrough_sdk.proxy import AsyncProxy, Proxy
from passthrough_sdk.raw import AsyncRawResponse, RawResponse
from passthrough_sdk.resources import asynchronous, sync
from passthrough_sdk.resources.passthrough import AsyncPassthroughCalls, PassthroughCalls
from passthrough_sdk.retries import RetryConfig


class Passthrough:
    """One Passthrough server with one API key. Safe to share between threads; close it, or use it with `with`."""

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        server_url: str | None = None,
        *,
        timeout_ms: int | None = None,
        retry_config: RetryConfig | None = None,
        retry_codes: Sequence[str] | None = None,
        client: httpx.Client | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        """Nothing is sent yet.

        `api_key`: `sk_…`, or a function that is asked for it at each try; else `PASSTHROUGH_API_KEY`.
        `server_url`: else `PASSTHROUGH_SERVER_URL`, else `http://127.0.0.1:8080`.
        `timeout_ms`: how long one try may take; 90 s where nothing is said. The system's look-up of a name is not
        bounded. Through a client of yours, or a proxy of the environment's, it bounds each read of a head by itself.
        `retry_config`, `retry_codes`: see `RetryConfig`. Where nothing is said, only what cannot do harm twice is
        tried again: reads, and what the server says was not carried out.
        `client`: your own httpx client, for proxies, certificates or hooks; you close it yourself.
        `allow_plain_http`: allows `http://` to another machine; key, tokens and bodies then travel in clear.
        Raises `InvalidRequestError`.
        """
        self._settings = settings(api_key, server_url, timeout_ms, retry_config, retry_codes, allow_plain_http)
        self._own = client is None
        self._client = client or _deadline.client(self._settings.encrypted())
        exchange = Exchange(self._settings, self._client)
        self.passthrough = PassthroughCalls(exchange)
        self.proxy = Proxy(self._settings, self._client)
        self.connections = sync.Connections(exchange)
        self.integrations = sync.Integrations(exchange)
        self.link_sessions = sync.LinkSessions(exchange)
        self.public_token = sync.PublicToken(exchange)
        self.events = sync.Events(exchange)
        self.webhook_endpoints = sync.WebhookEndpoints(exchange)
        self.webhook_deliveries = sync.WebhookDeliveries(exchange)
        self.providers = sync.Providers(exchange)
        self.api_keys = sync.ApiKeys(exchange)
        self.requests = sync.Requests(exchange)
        self.health = sync.Health(exchange)

    def request(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> PassthroughResponse:
        """The same as `passthrough.request`."""
        return self.passthrough.request(
            x_connection_token=x_connection_token, pass_through_request_dto=pass_through_request_dto, **options
        )

    def raw(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> AbstractContextManager[RawResponse]:
        """The same as `passthrough.raw`."""
        return self.passthrough.raw(
            x_connection_token=x_connection_token, pass_through_request_dto=pass_through_request_dto, **options
        )

    def close(self) -> None:
        """Closes the sockets, but for those of a client that you gave."""
        if self._own:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Passthrough({self._settings.server_url!r}, api_key='***')"


class AsyncPassthrough:
    """The same for async code (asyncio and trio). Close it with `aclose`, or use it with `async with`."""

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        server_url: str | None = None,
        *,
        timeout_ms: int | None = None,
        retry_config: RetryConfig | None = None,
        retry_codes: Sequence[str] | None = None,
        client: httpx.AsyncClient | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        """As in `Passthrough`, but that `timeout_ms` bounds a whole try through any client."""
        self._settings = settings(api_key, server_url, timeout_ms, retry_config, retry_codes, allow_plain_http)
        self._own = client is None
        self._client = client or httpx.AsyncClient(trust_env=self._settings.encrypted())
        exchange = AsyncExchange(self._settings, self._client)
        self.passthrough = AsyncPassthroughCalls(exchange)
        self.proxy = AsyncProxy(self._settings, self._client)
        self.connections = asynchronous.AsyncConnections(exchange)
        self.integrations = asynchronous.AsyncIntegrations(exchange)
        self.link_sessions = asynchronous.AsyncLinkSessions(exchange)
        self.public_token = asynchronous.AsyncPublicToken(exchange)
        self.events = asynchronous.AsyncEvents(exchange)
        self.webhook_endpoints = asynchronous.AsyncWebhookEndpoints(exchange)
        self.webhook_deliveries = asynchronous.AsyncWebhookDeliveries(exchange)
        self.providers = asynchronous.AsyncProviders(exchange)
        self.api_keys = asynchronous.AsyncApiKeys(exchange)
        self.requests = asynchronous.AsyncRequests(exchange)
        self.health = asynchronous.AsyncHealth(exchange)

    async def request(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> PassthroughResponse:
        """The same as `passthrough.request`."""
        return await self.passthrough.request(
            x_connection_token=x_connection_token, pass_through_request_dto=pass_through_request_dto, **options
        )

    def raw(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> AbstractAsyncContextManager[AsyncRawResponse]:
        """The same as `passthrough.raw`."""
        return self.passthrough.raw(
            x_connection_token=x_connection_token, pass_through_request_dto=pass_through_request_dto, **options
        )

    async def aclose(self) -> None:
        """Closes the sockets, but for those of a client that you gave."""
        if self._own:
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncPassthrough({self._settings.server_url!r}, api_key='***')"
