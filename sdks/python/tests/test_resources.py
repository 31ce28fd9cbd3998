"""The other resources, against the real server."""

import html
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import program
import pytest
from program import Server
from upstream import OPENAI_KEY, Upstream

from passthrough_sdk import AsyncPassthrough, Passthrough, SDKError, WebhookVerificationError, webhooks
from passthrough_sdk.errors import InvalidRequestError
from passthrough_sdk.models import Record


def test_a_connection_lives_and_ends(passthrough: Passthrough, upstream: Upstream) -> None:
    made = passthrough.connections.create(
        provider="custom", auth="bearer", credentials={"token": "t"}, variables={"base_url": upstream.url},
        external_id="customer-42", tags=["b", "a"], name="First",
    )  # fmt: skip
    assert made.status == "connected" and made.tags == ["a", "b"] and made.token.startswith("con_tkn_")
    assert passthrough.connections.get(made.id).external_id == "customer-42"
    assert passthrough.connections.get_current(made.token).id == made.id

    changed = passthrough.connections.update(made.id, name=None, tags=["c"])
    assert changed.name is None and changed.tags == ["c"] and changed.external_id == "customer-42"
    assert passthrough.connections.update_current(made.token, name="Again").name == "Again"

    rotated = passthrough.connections.rotate_token(made.id)
    assert rotated.id == made.id and rotated.token != made.token
    with pytest.raises(SDKError) as caught:
        passthrough.connections.get_current(made.token)
    assert caught.value.code == "not_found"

    revoked = passthrough.connections.delete_current(rotated.token, revoke=True)
    assert revoked is not None and revoked.revoked == "not_offered"
    with pytest.raises(SDKError) as caught:
        passthrough.connections.get(made.id)
    assert caught.value.status_code == 404


def test_lists_are_gone_through_page_by_page(passthrough: Passthrough, upstream: Upstream) -> None:
    made = [
        passthrough.connections.create(
            provider="custom", credentials={"token": "t"}, variables={"base_url": upstream.url}, tags=["paged"]
        ).id
        for _ in range(5)
    ]
    page = passthrough.connections.list(tag="paged", limit=2)
    assert len(page) == 2 and page.next is not None
    assert [one.id for one in passthrough.connections.iterate(tag="paged", limit=2)] == made[::-1]
    assert list(passthrough.connections.iterate(tag="nobody")) == []


@pytest.mark.anyio
async def test_lists_are_gone_through_in_async_code(async_passthrough: AsyncPassthrough, upstream: Upstream) -> None:
    made = [
        (
            await async_passthrough.connections.create(
                provider="custom", credentials={"token": "t"}, variables={"base_url": upstream.url}, tags=["apaged"]
            )
        ).id
        for _ in range(3)
    ]
    found = [one.id async for one in async_passthrough.connections.iterate(tag="apaged", limit=1)]
    assert found == made[::-1]
    for one in found:
        assert await async_passthrough.connections.delete(one) is None


def test_a_credential_is_verified(passthrough: Passthrough, openai_token: str) -> None:
    # The small provider answers every unknown path with 200.
    connection = passthrough.connections.get_current(openai_token)
    proof = passthrough.connections.verify(connection.id)
    assert (proof.result, proof.status_code) == ("alive", 200)
    with pytest.raises(SDKError) as caught:
        passthrough.connections.refresh(connection.id)
    assert caught.value.status_code == 422


def test_integrations_and_link_sessions(passthrough: Passthrough) -> None:
    made = passthrough.integrations.create(
        provider="gitlab", key="gitlab-py", client_id="id", client_secret="secret-of-the-client",
        scopes=["api"], variables={"host": "gitlab.com"},
    )  # fmt: skip
    assert made.has_client_secret and made.scopes == ["api"] and "/oauth/callback/" in made.redirect_uri
    assert passthrough.integrations.update("gitlab-py", name="GitLab").name == "GitLab"
    assert "gitlab-py" in [one.key for one in passthrough.integrations.iterate(provider="gitlab")]
    session = passthrough.link_sessions.create(integration="gitlab-py", external_id="customer-1")
    assert "/link/" in session.url
    found = passthrough.link_sessions.get(session.id)
    assert (found.status, found.integrations, found.external_id) == ("open", ["gitlab-py"], "customer-1")
    with pytest.raises(SDKError) as caught:
        passthrough.public_token.exchange(public_token="pub_tkn_nobody")
    assert caught.value.status_code == 404
    passthrough.integrations.delete("gitlab-py")


def test_what_a_user_comes_back_with_is_exchanged_once(passthrough: Passthrough) -> None:
    session = passthrough.link_sessions.create(
        integration="openai", external_id="customer-7", redirect_url=program.AFTER_LINKING
    )
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(session.url)
        form = re.findall(r'action="([^"]+)".*?name="form" value="([^"]+)"', page.text)[0]
        browser.follow_redirects = False
        sent = {"form": form[1], "f.api_key": OPENAI_KEY}
        back = browser.post(page.url.join(html.unescape(form[0])), data=sent, headers={"Origin": passthrough_url(page)})
        while program.AFTER_LINKING not in back.headers["location"]:
            back = browser.get(page.url.join(back.headers["location"]))
    public_token = httpx.URL(back.headers["location"]).params["token"]
    connection = passthrough.public_token.exchange(public_token=public_token)
    assert connection.token is not None and connection.external_id == "customer-7"
    assert passthrough.connections.get_current(connection.token).id == connection.id
    assert passthrough.link_sessions.get(session.id).status == "done"
    with pytest.raises(SDKError) as caught:
        passthrough.public_token.exchange(public_token=public_token)
    assert caught.value.status_code == 404


def passthrough_url(page: httpx.Response) -> str:
    """The server's origin, as a browser sends it along with a form."""
    return f"{page.url.scheme}://{page.url.netloc.decode()}"


def test_the_catalog_tells_what_a_form_needs(passthrough: Passthrough) -> None:
    listed = passthrough.providers.list()
    assert "zendesk" in [one.code for one in listed]
    zendesk = passthrough.providers.get("zendesk")
    assert zendesk.variables["subdomain"].required and not zendesk.variables["subdomain"].secret
    assert zendesk.auth["token"].fields["api_token"].secret and zendesk.auth["token"].grant == "static"


def test_api_keys_open_and_end(server: Server, passthrough: Passthrough) -> None:
    made = passthrough.api_keys.create(name="billing", expires_at="2099-01-31T12:00:00.000Z")
    with Passthrough(made.key, server.url) as other:
        assert "billing" in [one.name for one in other.api_keys.iterate()]
    passthrough.api_keys.revoke(made.id)
    with Passthrough(made.key, server.url) as other, pytest.raises(SDKError) as caught:
        other.api_keys.list()
    assert caught.value.code == "unauthorized"


def test_records_are_found(passthrough: Passthrough, token: str) -> None:
    result = passthrough.request(x_connection_token=token, pass_through_request_dto={"method": "GET", "path": "/rec"})
    # It appears within a second.
    found: list[Record] = []
    while not found:
        time.sleep(0.05)
        found = [one for one in passthrough.requests.list(limit=20, from_="2020-01-01T00:00:00Z") if one.path == "/rec"]
    assert (found[0].id, found[0].door, found[0].status_code) == (result.request_id, "envelope", 200)
    assert passthrough.requests.get(result.request_id).path == "/rec"


def test_the_server_lives(passthrough: Passthrough) -> None:
    assert passthrough.health.live().status == "ok" and passthrough.health.ready().status == "ok"


def test_an_id_stays_one_segment(passthrough: Passthrough) -> None:
    for bad in ("", "..", "."):
        with pytest.raises(InvalidRequestError):
            passthrough.connections.get(bad)
    with pytest.raises(SDKError) as caught:
        passthrough.connections.get("x/../../../v1/api-keys")
    assert caught.value.code in ("not_found", "bad_request")


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]], threading.Event]]:
    """An endpoint for webhooks."""
    got: list[tuple[bytes, dict[str, str]]] = []
    arrived = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((body, dict(self.headers.items())))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got, arrived
    server.shutdown()
    server.server_close()


def test_webhooks_of_the_real_server_are_verified(
    passthrough: Passthrough, receiver: tuple[str, list[tuple[bytes, dict[str, str]]], threading.Event]
) -> None:
    url, got, arrived = receiver
    endpoint = passthrough.webhook_endpoints.create(url=url)
    delivery = passthrough.webhook_endpoints.test(endpoint.id)
    assert arrived.wait(20)
    body, headers = got[0]
    event = webhooks.verify(body, headers, endpoint.secret)
    assert (event.type, event.id) == ("webhook.test", json.loads(body)["id"])
    assert passthrough.webhook_deliveries.get(delivery.id).event_id == event.id
    assert passthrough.events.get(event.id).type == "webhook.test"

    with pytest.raises(WebhookVerificationError):
        webhooks.verify(body + b" ", headers, endpoint.secret)
    rotated = passthrough.webhook_endpoints.rotate_secret(endpoint.id)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(body, headers, rotated.secret)
    # For a day both secrets sign.
    arrived.clear()
    passthrough.events.replay(event.id)
    assert arrived.wait(20)
    body, headers = got[-1]
    assert webhooks.verify(body, headers, rotated.secret) == webhooks.verify(body, headers, endpoint.secret)
    passthrough.webhook_endpoints.update(endpoint.id, enabled=False)
    assert not passthrough.webhook_endpoints.get(endpoint.id).enabled
    passthrough.webhook_endpoints.delete(endpoint.id)
