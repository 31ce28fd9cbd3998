"""What must not be shown is not shown."""

import logging

import pytest
from conftest import KEY
from program import Server
from upstream import Upstream

from passthrough_sdk import AsyncPassthrough, Passthrough, SDKError
from passthrough_sdk._call import prepare
from passthrough_sdk._operation import Operation
from passthrough_sdk.params import PassThroughRequestDto


def test_nothing_prints_a_secret(server: Server, upstream: Upstream, token: str) -> None:
    with Passthrough(server.key, server.url) as passthrough:
        made = passthrough.connections.create(
            provider="custom", credentials={"token": KEY}, variables={"base_url": upstream.url}
        )
        key = passthrough.api_keys.create(name="shown")
        session = passthrough.link_sessions.create(providers=["custom"])
        objects = [passthrough, AsyncPassthrough(server.key), made, key, session, passthrough.proxy.transport(token)]
        with pytest.raises(SDKError) as caught:
            passthrough.connections.get_current("con_tkn_unknown")
        objects += [caught.value.raw_response, caught.value.raw_response.request.headers]
        objects += [prepare(vars(passthrough)["_settings"], Operation("GET", "/", str), {}, token=token)]
        objects += [vars(passthrough.proxy.transport(token))["_route"], vars(passthrough)["_settings"]]
        shown = " ".join(repr(one) + str(one) for one in objects)
        for secret in (server.key, token, made.token, key.key, session.url, "con_tkn_unknown"):
            assert secret not in shown
        assert "token=***" in repr(made)


def test_no_log_line_holds_a_secret(
    server: Server, upstream: Upstream, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The HTTP library's own lines, too.
    caplog.set_level(logging.DEBUG)
    dto = PassThroughRequestDto(method="POST", path="/orders?card=4111", headers={"X-A": "b"}, body="private words")
    with Passthrough(server.key, server.url) as passthrough:
        passthrough.request(x_connection_token=token, pass_through_request_dto=dto)
        passthrough.proxy.client(token).get("/orders")
        passthrough.connections.create(
            provider="custom", credentials={"token": "a-credential"}, variables={"base_url": upstream.url}
        )
        with pytest.raises(SDKError) as caught:
            passthrough.request(x_connection_token="con_tkn_unknown", pass_through_request_dto=dto)
        logging.getLogger("test").debug("%r %s", caught.value, caught.value)
    assert "/v1/passthrough: 200, req_" in caplog.text
    for secret in (server.key, token, KEY, "con_tkn_unknown", "a-credential", "private words", "4111"):
        assert secret not in caplog.text
