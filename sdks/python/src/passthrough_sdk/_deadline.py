"""A deadline for a whole try in plain code. httpx bounds each read by itself, so that a head that trickles never ends.

Async code has `anyio.move_on_after`; here each operation on a socket is given what is left, through httpcore's own
interface for network backends.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, cast
from urllib.request import getproxies

import httpcore
import httpx

_DEADLINE: ContextVar[float | None] = ContextVar("passthrough_sdk_deadline", default=None)


@contextmanager
def until(deadline: float, late: Callable[[], Exception]) -> Generator[None]:
    """What is sent and read inside has to be over at `deadline` (of `time.monotonic`), else it is `late`."""
    if time.monotonic() > deadline:
        raise late()
    before = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(before)


def client(trust_env: bool) -> httpx.Client:
    """A client that keeps such deadlines.

    Where the environment names proxies it is httpx's own, which knows how to use them and bounds each read singly.
    """
    if trust_env and any(scheme in ("http", "https", "all") for scheme in getproxies()):
        return httpx.Client(trust_env=True)
    return httpx.Client(trust_env=trust_env, transport=_Transport(httpx.create_ssl_context(trust_env=trust_env)))


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    deadline = _DEADLINE.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("the deadline of the try passed")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Piece by piece, because the bound of a write is for each of the parts that the system takes of it.
        for at in range(0, len(buffer), 65_536):
            self._inner.write(buffer[at : at + 65_536], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options))


class _Transport(httpx.BaseTransport):
    """What `httpx.HTTPTransport` is without a proxy, over our sockets."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        # Bounds as httpx has them.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        with _errors_of_httpx():
            answer = self._pool.handle_request(asked)
        extensions: dict[str, Any] = cast(Any, answer).extensions
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=extensions)

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._pool.__exit__(exc_type, exc_value, traceback)


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        with _errors_of_httpx():
            self._answer.close()


@contextmanager
def _errors_of_httpx() -> Generator[None]:
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        # The names are the same.
        raise getattr(httpx, type(error).__name__)(str(error)) from error
