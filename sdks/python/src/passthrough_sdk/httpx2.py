"""The same transports for SDKs that are built on httpx2, the next generation of httpx. Needs httpx2 installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager

import httpx
import httpx2

from passthrough_sdk._client import AsyncPassthrough, Passthrough
from passthrough_sdk.proxy import AsyncProxyTransport, ProxyTransport


def transport(
    passthrough: Passthrough, x_connection_token: str, *, base_url: str | None = None
) -> httpx2.BaseTransport:
    """For `httpx2.Client(transport=…)`; `base_url` as in `Proxy.transport`."""
    return _Transport(passthrough.proxy.transport(x_connection_token, base_url=base_url))


def async_transport(
    passthrough: AsyncPassthrough, x_connection_token: str, *, base_url: str | None = None
) -> httpx2.AsyncBaseTransport:
    """For `httpx2.AsyncClient(transport=…)`."""
    return _AsyncTransport(passthrough.proxy.transport(x_connection_token, base_url=base_url))


class _Transport(httpx2.BaseTransport):
    def __init__(self, inner: ProxyTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        with _errors_of_httpx2():
            answer = self._inner.handle_request(_asked(request, _Sent(request.stream)))
        assert isinstance(answer.stream, httpx.SyncByteStream)
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=_Received(answer.stream))


class _AsyncTransport(httpx2.AsyncBaseTransport):
    def __init__(self, inner: AsyncProxyTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        with _errors_of_httpx2():
            answer = await self._inner.handle_async_request(_asked(request, _AsyncSent(request.stream)))
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=_AsyncReceived(answer.stream))


def _asked(request: httpx2.Request, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Request:
    # Only the deadlines: other extensions mean something to httpx2 alone.
    deadlines = {"timeout": request.extensions["timeout"]} if "timeout" in request.extensions else {}
    return httpx.Request(
        request.method, str(request.url), headers=request.headers.raw, stream=stream, extensions=deadlines
    )


class _Sent(httpx.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def close(self) -> None:
        self._inner.close()


class _AsyncSent(httpx.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._inner)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Received(httpx2.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx2():
            yield from self._inner

    def close(self) -> None:
        self._inner.close()


class _AsyncReceived(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx2():
            async for piece in self._inner:
                yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextmanager
def _errors_of_httpx2() -> Generator[None]:
    """Errors under the names that the other SDK knows: by them it decides whether to try again."""
    try:
        yield
    except httpx.TransportError as error:
        kind = getattr(httpx2, type(error).__name__, httpx2.TransportError)
        raise kind(str(error)) from error
