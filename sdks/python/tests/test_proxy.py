"""The transports for httpx through a connection."""

from collections.abc import AsyncIterator, Iterator

import httpx
import httpx2
import pytest
from conftest import KEY
from program import Server
from upstream import Upstream

from passthrough_sdk import AsyncPassthrough, InvalidRequestError, Passthrough
from passthrough_sdk.httpx2 import async_transport, transport

BYTES = bytes(range(256)) * 4096


def test_a_client_is_bound_to_its_connection(passthrough: Passthrough, upstream: Upstream, token: str) -> None:
    with passthrough.proxy.client(token) as client:
        answer = client.get("/a%2Fb;c?x=1&x=2&y=%20", headers={"X-One": "1"})
        assert answer.status_code == 200 and answer.headers["passthrough-source"] == "provider"
        assert client.get("/bytes").content == BYTES
        assert client.head("/bytes").headers["content-length"] == str(len(BYTES))
        assert client.get("/status/404").status_code == 404
    seen = next(one for one in upstream.seen if "x-one" in one.headers)
    assert seen.path == "/a%2Fb;c?x=1&x=2&y=%20" and seen.headers["authorization"] == f"Bearer {KEY}"
    assert "connection-token" not in seen.headers


def test_another_client_s_own_credential_stays_at_home(
    passthrough: Passthrough, upstream: Upstream, token: str
) -> None:
    with httpx.Client(
        transport=passthrough.proxy.transport(token), headers={"Authorization": "Bearer dummy", "Cookie": "a=b"}
    ) as client:
        client.post("https://api.example/v2/things", json={"a": 1})
    seen = upstream.seen[-1]
    assert (seen.method, seen.path, seen.body) == ("POST", "/v2/things", b'{"a":1}')
    assert seen.headers["authorization"] == f"Bearer {KEY}" and "cookie" not in seen.headers


def test_what_stands_before_the_path_is_cut_off(passthrough: Passthrough, upstream: Upstream, token: str) -> None:
    bound = passthrough.proxy.transport(token, base_url="https://api.example/v9/")
    with httpx.Client(transport=bound) as client:
        client.get("https://api.example/v9/orders?a=1")
        assert upstream.seen[-1].path == "/orders?a=1"
        client.get("https://api.example/v9")
        assert upstream.seen[-1].path == "/"
        for other in ("https://api.example/v99/x", "https://api.example/", "http://api.example/v9/x", "https://x/v9/"):
            with pytest.raises(InvalidRequestError):
                client.get(other)


def test_a_redirect_to_another_host_does_not_come_back_to_the_connection(
    passthrough: Passthrough, upstream: Upstream, token: str
) -> None:
    with httpx.Client(transport=passthrough.proxy.transport(token), follow_redirects=True) as client:
        with pytest.raises(InvalidRequestError, match=r"elsewhere\.example"):
            client.get("https://api.example/redirect")
    assert upstream.seen[-1].path == "/redirect"


def test_an_extension_cannot_lead_around_the_proxy(passthrough: Passthrough, upstream: Upstream, token: str) -> None:
    with passthrough.proxy.client(token) as client:
        client.get("/orders", extensions={"target": b"/v1/api-keys"})
    assert upstream.seen[-1].path == "/orders"


def test_bodies_stream_both_ways(passthrough: Passthrough, upstream: Upstream, token: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    with passthrough.proxy.client(token) as client:
        client.post("/up", content=pieces())
        assert len(upstream.seen[-1].body) == 64 * 65536
        with client.stream("GET", "/slow-stream") as answer:
            lines = answer.iter_lines()
            assert next(lines) == "data: one"
            # The provider sends the rest only now: the first piece was not held back.
            upstream.release.set()
            assert [line for line in lines if line] == ["data: two"]


def test_the_server_s_own_failures_come_back_as_answers(passthrough: Passthrough) -> None:
    with passthrough.proxy.client("con_tkn_unknown") as client:
        answer = client.get("/")
    assert answer.headers["passthrough-source"] == "passthrough" and answer.json()["code"] == "not_found"


@pytest.mark.anyio
async def test_async_clients_stream_both_ways(
    async_passthrough: AsyncPassthrough, upstream: Upstream, token: str
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b"y" * 65536

    async with async_passthrough.proxy.client(token) as client:
        await client.post("/up", content=pieces())
        assert upstream.seen[-1].body == b"y" * (8 * 65536)
        async with client.stream("GET", "/slow-stream") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "data: one"
            upstream.release.set()
            assert [line async for line in lines if line] == ["data: two"]
    async with async_passthrough.raw(
        x_connection_token=token, pass_through_request_dto={"method": "GET", "path": "/bytes"}
    ) as raw:
        assert await raw.aread() == BYTES


def test_httpx2_has_the_same(passthrough: Passthrough, upstream: Upstream, token: str, server: Server) -> None:
    with httpx2.Client(transport=transport(passthrough, token)) as client:
        assert client.get("https://api.example/bytes").content == BYTES
        client.post("https://api.example/up", content=iter([b"a", b"b"]))
        assert upstream.seen[-1].body == b"ab"
    with Passthrough(server.key, "http://127.0.0.1:9") as nobody:
        with httpx2.Client(transport=transport(nobody, token)) as client, pytest.raises(httpx2.ConnectError):
            client.get("https://api.example/")


@pytest.mark.anyio
async def test_httpx2_has_the_same_in_async_code(async_passthrough: AsyncPassthrough, token: str) -> None:
    async with httpx2.AsyncClient(transport=async_transport(async_passthrough, token)) as client:
        assert (await client.get("https://api.example/bytes")).content == BYTES
