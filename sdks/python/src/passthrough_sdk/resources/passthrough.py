"""The passthrough itself: envelope and raw."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Unpack

from passthrough_sdk._call import Call, prepare
from passthrough_sdk._exchange import Exchange
from passthrough_sdk._exchange_async import AsyncExchange
from passthrough_sdk._operation import Operation, passthrough_request
from passthrough_sdk._settings import Settings
from passthrough_sdk._words import RequestOptions
from passthrough_sdk.models import PassthroughResponse
from passthrough_sdk.params import PassThroughRequestDto
from passthrough_sdk.raw import AsyncRawResponse, RawResponse


def operation(path: str, dto: Mapping[str, Any]) -> Operation[PassthroughResponse]:
    """A passthrough: it is a `POST` to the server, but repeats safely where what it carries does."""
    read = str(dto.get("method", "")).upper() in ("GET", "HEAD", "OPTIONS")
    return Operation("POST", path, PassthroughResponse, body=True, read=read)


def raw_call(settings: Settings, token: str, dto: PassThroughRequestDto, options: RequestOptions) -> Call:
    """The call of a raw passthrough."""
    return prepare(
        settings, operation("/v1/passthrough/raw", dto), {**passthrough_request(dto), **options}, token=token
    )


class PassthroughCalls:
    """Requests to a connection's provider."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def request(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> PassthroughResponse:
        """Makes a request with the connection's credential; the provider's answer comes back whatever its status.

        Raises `SDKError` where the server itself fails or refuses, `NoAnswerError` where it does not answer.
        """
        dto = pass_through_request_dto
        params = {**passthrough_request(dto), **options}
        return self._exchange.call(operation("/v1/passthrough", dto), params, token=x_connection_token)

    @contextmanager
    def raw(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> Generator[RawResponse]:
        """The same for downloads: a provider's 2xx as its own bytes, read piece by piece. Use it with `with`.

        `timeout_ms` is then the longest wait for the head, and between two pieces.
        """
        call = raw_call(self._exchange.settings, x_connection_token, pass_through_request_dto, options)
        response = self._exchange.stream(call)
        try:
            yield RawResponse(response, self._exchange.settings.server_url)
        finally:
            response.close()


class AsyncPassthroughCalls:
    """Requests to a connection's provider, for async code."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange = exchange

    async def request(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> PassthroughResponse:
        """As in `PassthroughCalls`."""
        dto = pass_through_request_dto
        params = {**passthrough_request(dto), **options}
        return await self._exchange.call(operation("/v1/passthrough", dto), params, token=x_connection_token)

    @asynccontextmanager
    async def raw(
        self,
        *,
        x_connection_token: str,
        pass_through_request_dto: PassThroughRequestDto,
        **options: Unpack[RequestOptions],
    ) -> AsyncGenerator[AsyncRawResponse]:
        """As in `PassthroughCalls`; use it with `async with`."""
        call = raw_call(self._exchange.settings, x_connection_token, pass_through_request_dto, options)
        response = await self._exchange.stream(call)
        try:
            yield AsyncRawResponse(response, self._exchange.settings.server_url)
        finally:
            await response.aclose()
