"""Transports for httpx through a connection: any SDK that is built on httpx reaches its API by them.

The other SDK believes to talk to its API. Method, path, query, headers and body go to `/v1/proxy` of the server, which
puts the connection's credential in; status, headers and body come back as they are, both ways piece by piece. Where
the server itself fails, its answer comes back like any other, with `Passthrough-Source: passthrough`.
"""

from __future__ import annotations

import httpx

from passthrough_sdk._settings import Settings, secret
from passthrough_sdk.errors import InvalidRequestError

Headers = list[tuple[bytes, bytes]]

# The other SDK's own idea of its credential never leaves: the server would drop it, but it need not travel. Its cookies
# are for another host.
OURS = (b"host", b"authorization", b"connection-token", b"x-connection-token", b"proxy-authorization", b"cookie")


class Route:
    """Where requests of the other SDK go, and what is put into them. Pure but for the first origin, which it keeps."""

    def __init__(self, settings: Settings, token: str, base_url: str | None) -> None:
        self._settings = settings
        self._token = secret(token, "the connection token")
        self._server = httpx.URL(settings.server_url)
        base = httpx.URL(base_url) if base_url else None
        self._origin = origin(base) if base else None
        self._base_path = base.raw_path.rstrip(b"/") if base else b""

    def __repr__(self) -> str:
        return f"Route({self._settings.server_url!r}, connection_token='***')"

    def url(self, asked: httpx.URL) -> httpx.URL:
        """The address at the server. Raises `InvalidRequestError` for another origin than the first one.

        Without that, a redirect to another host (and httpx clients of SDKs follow them) would be answered by the
        connection's provider, with its credential.
        """
        self._origin = self._origin or origin(asked)
        path = asked.raw_path
        inside = path[len(self._base_path) :]
        if origin(asked) != self._origin or not path.startswith(self._base_path) or inside[:1] not in (b"", b"/", b"?"):
            raise InvalidRequestError(f"{asked.host} is not what this transport is for: {self._origin}")
        inside = inside if inside.startswith(b"/") else b"/" + inside
        return self._server.copy_with(raw_path=self._server.raw_path.rstrip(b"/") + b"/v1/proxy" + inside)

    def headers(self, given: Headers) -> Headers:
        """The headers for the server: the given ones, in their spelling and order, and ours."""
        kept = [(name, value) for name, value in given if name.lower() not in OURS]
        key = f"Bearer {self._settings.key()}".encode()
        return [
            (b"Host", self._server.netloc),
            *kept,
            (b"Authorization", key),
            (b"Connection-Token", self._token.encode()),
        ]


def forwarded(request: httpx.Request, url: httpx.URL, headers: Headers) -> httpx.Request:
    """The request to the server. Of the extensions only deadlines go along: `target` would lead around the proxy."""
    deadlines = {name: value for name, value in request.extensions.items() if name == "timeout"}
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=deadlines)


def origin(url: httpx.URL) -> str:
    """Scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode()}"


class ProxyTransport(httpx.BaseTransport):
    """For `httpx.Client(transport=…)`. Shares the sockets of the client that it came from, and ends with them."""

    def __init__(self, route: Route, client: httpx.Client) -> None:
        self._route = route
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, headers = self._route.url(request.url), self._route.headers(request.headers.raw)
        sent = forwarded(request, url, headers)
        try:
            answer = self._client.send(sent, stream=True, auth=None, follow_redirects=False)
        except httpx.RequestError as error:
            # Not what was sent: key and token are in it, and the other SDK may print it.
            error.request = request
            raise
        return httpx.Response(
            answer.status_code, headers=answer.headers.raw, stream=answer.stream, extensions=answer.extensions
        )


class AsyncProxyTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient(transport=…)`."""

    def __init__(self, route: Route, client: httpx.AsyncClient) -> None:
        self._route = route
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url, headers = self._route.url(request.url), self._route.headers(request.headers.raw)
        sent = forwarded(request, url, headers)
        try:
            answer = await self._client.send(sent, stream=True, auth=None, follow_redirects=False)
        except httpx.RequestError as error:
            # Not what was sent: key and token are in it, and the other SDK may print it.
            error.request = request
            raise
        return httpx.Response(
            answer.status_code, headers=answer.headers.raw, stream=answer.stream, extensions=answer.extensions
        )


class Proxy:
    """The transparent way through a connection."""

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        self._settings = settings
        self._client = client

    def transport(self, x_connection_token: str, *, base_url: str | None = None) -> ProxyTransport:
        """A transport bound to a connection: `httpx.Client(transport=passthrough.proxy.transport(token))`.

        Paths go behind the provider's base URL as they are. `base_url` is for where they do not fit: what the other
        SDK has as its own base URL; only requests below it are taken, and it is cut off. Without it a transport takes
        requests to the origin of its first one.
        """
        return ProxyTransport(Route(self._settings, x_connection_token, base_url), self._client)

    def client(self, x_connection_token: str) -> httpx.Client:
        """An httpx client bound to a connection: `client.get("/orders")`."""
        base_url = self._settings.server_url + "/v1/proxy"
        return httpx.Client(base_url=base_url, transport=self.transport(x_connection_token, base_url=base_url))


class AsyncProxy:
    """The transparent way through a connection, for async code."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    def transport(self, x_connection_token: str, *, base_url: str | None = None) -> AsyncProxyTransport:
        """As in `Proxy`: `httpx.AsyncClient(transport=passthrough.proxy.transport(token))`."""
        return AsyncProxyTransport(Route(self._settings, x_connection_token, base_url), self._client)

    def client(self, x_connection_token: str) -> httpx.AsyncClient:
        """As in `Proxy`: `await client.get("/orders")`."""
        base_url = self._settings.server_url + "/v1/proxy"
        return httpx.AsyncClient(base_url=base_url, transport=self.transport(x_connection_token, base_url=base_url))
