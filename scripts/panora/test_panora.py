"""panora-sdk 0.7.0 from PyPI, unchanged, against the real server.

Every call that it shares with the dialect: success, shape on the wire, errors. The SDK drops the payload of a
passthrough, so the tests look at the wire for it.
"""

import asyncio
from base64 import b64encode
from datetime import datetime

import httpx
import pytest
import upstream as provider
from conftest import Door, make
from panora_sdk import Panora, models
from panora_sdk.utils import BackoffStrategy, RetryConfig


def test_hello_is_text_and_health_a_number(door: Door) -> None:
    assert door.sdk.hello()
    assert door.answers[-1].headers["content-type"].startswith("text/plain")
    assert isinstance(door.sdk.health(), float)


@pytest.mark.parametrize("status", [200, 201, 204, 302, 404, 429, 500, 503])
def test_any_status_of_the_provider_is_an_object_in_a_200(door: Door, status: int) -> None:
    payload = door.request("GET", f"/status/{status}")
    assert door.answers[-1].status_code == 200
    assert payload["status"] == status and isinstance(payload["statusText"], str)
    assert isinstance(payload["headers"], dict)
    assert payload["data"] == ({"error": "as asked"} if status != 204 else "")


def test_get_and_post_reach_the_provider_with_the_customer_s_credential(door: Door) -> None:
    assert door.request("GET", "/dev?a=1")["data"]["path"] == "/dev?a=1"
    door.request("POST", "/dev")
    seen = door.upstream.seen[-1]
    assert (seen.method, seen.body) == ("POST", b"")
    assert seen.headers["authorization"] == "Bearer secret-of-the-customer"
    assert not {"x-api-key", "x-connection-token"} & set(seen.headers)


def test_empty_data_is_no_body_on_get_and_an_object_on_post(door: Door) -> None:
    # The SDK drops what is in `data` and `headers`, whatever the caller gave.
    door.request("GET", "/", data={"a": 1}, headers={"X-A": "1"})
    assert door.upstream.seen[-1].body == b""
    door.request("POST", "/", data={"a": 1}, headers={"X-A": "1"})
    assert door.upstream.seen[-1].body == b"{}"
    assert door.upstream.seen[-1].headers["content-type"] == "application/json"


@pytest.mark.parametrize("form", [None, {}, [], [{}], {"a": 1}])
def test_formats_of_generated_sdks_mean_json(door: Door, form: object) -> None:
    assert door.request("POST", "/", data={}, request_format=form)["status"] == 200


@pytest.mark.parametrize("base", [None, {}])
def test_no_base_url_is_the_provider_s(door: Door, base: object) -> None:
    assert door.request("GET", "/", override_base_url=base)["status"] == 200


def test_bytes_and_text_are_data_too(door: Door) -> None:
    assert isinstance(door.request("GET", "/bytes")["data"], str)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/array", [1, 2]),
        ("/null", None),
        ("/text", "grüß"),
        ("/xml", "<a>1</a>"),
        ("/empty", ""),
        ("/bytes", b64encode(bytes(range(256)) * 4096).decode()),
        ("/redirect", ""),
    ],
)
def test_whatever_comes_back_is_in_an_object(door: Door, path: str, data: object) -> None:
    # The SDK takes nothing but an object: an array, a text or no body at all would make it throw.
    payload = door.request("GET", path)
    assert set(payload) == {"status", "statusText", "headers", "data"}
    assert payload["data"] == data


def test_a_redirect_is_the_provider_s_answer(door: Door) -> None:
    payload = door.request("GET", "/redirect")
    assert (payload["status"], payload["statusText"]) == (302, "Found")
    assert payload["headers"]["location"] == "https://elsewhere.example/x"
    assert door.answers[-1].status_code == 200


def test_the_async_twins_do_the_same(door: Door) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            sdk = Panora(api_key=door.server.key, server_url=door.server.url + "/panora", async_client=client)
            dto = {"method": models.PassThroughRequestDtoMethod.GET, "path": "/dev"}
            asked = sdk.passthrough.request_async(x_connection_token=door.token, pass_through_request_dto=dto)
            assert await asked is not None
            assert await sdk.hello_async() and await sdk.health_async() == 200.0
            made = await sdk.linked_users.create_async(request={"linked_user_origin_id": "twin", "alias": "Acme"})
            assert made is not None
            assert await sdk.linked_users.retrieve_async(id=str(made.id_linked_user)) == made
            assert await sdk.linked_users.remote_id_async(remote_id="twin") == made
            batch = {"linked_user_origin_ids": ["twin"], "alias": None}
            assert await sdk.linked_users.import_batch_async(request=batch) == [made]
            assert made in (await sdk.linked_users.list_async() or [])
            listed = await sdk.connections.list_async()
            assert listed is not None and len(listed) == len(door.sdk.connections.list() or [])

    asyncio.run(run())
    assert door.upstream.seen[-1].path == "/dev"


def test_a_prefix_in_the_server_s_url_is_kept(door: Door) -> None:
    for ending in ["/panora", "/panora/"]:
        with httpx.Client(trust_env=False) as client:
            sdk = Panora(api_key=door.server.key, server_url=door.server.url + ending, client=client)
            assert sdk.hello() and sdk.health() == 200.0
            dto = {"method": "GET", "path": "/prefixed"}
            sdk.passthrough.request(x_connection_token=door.token, pass_through_request_dto=dto)
            assert door.upstream.seen[-1].path == "/prefixed"
            assert sdk.connections.list() == door.sdk.connections.list()
            with pytest.raises(models.SDKError) as caught:
                sdk.projects.get_projects()
            body = caught.value.raw_response.json()
            assert (body["statusCode"], body["path"], body["code"]) == (404, "/panora/projects", "not_found")


def refused(door: Door, sdk: Panora, token: str, path: str | None = "/") -> tuple[int, dict[str, object]]:
    """Status and body of an error."""
    with pytest.raises(models.SDKError) as caught:
        sdk.passthrough.request(x_connection_token=token, pass_through_request_dto={"method": "GET", "path": path})
    assert caught.value.message == "API error occurred" and caught.value.raw_response is not None
    body = caught.value.raw_response.json()
    assert body["statusCode"] == caught.value.status_code and body["path"] == "/passthrough"
    datetime.fromisoformat(body["timestamp"])
    assert body["message"] and body["code"] and body["requestId"].startswith("req_")
    return caught.value.status_code, body


def test_failures_have_panora_s_shape(door: Door) -> None:
    with httpx.Client(trust_env=False) as client:
        stranger = Panora(api_key="sk_wrong", server_url=door.server.url, client=client)
        assert refused(door, stranger, door.token)[0] == 401
    assert refused(door, door.sdk, "")[0] == 400
    assert refused(door, door.sdk, "con_tkn_unknown")[0] == 404
    assert refused(door, door.sdk, door.token, path=None)[0] == 400
    assert refused(door, door.sdk, door.token, path="https://elsewhere.example/")[0] == 400


def test_an_sdk_that_tries_again_gets_its_answer(door: Door) -> None:
    config = RetryConfig("backoff", BackoffStrategy(1, 10, 1.1, 100), True)
    dto = {"method": "GET", "path": "/status/503"}
    # The provider's 503 is an answer and no failure: it is not tried again.
    door.sdk.passthrough.request(x_connection_token=door.token, pass_through_request_dto=dto, retries=config)
    assert len(door.answers) == 1


def test_an_sdk_that_tries_again_repeats_a_write_that_we_could_not_send(door: Door) -> None:
    # It goes by the status alone, whatever the method; where nobody listens, nothing can have arrived.
    away = make(door.server, provider.Upstream("http://127.0.0.1:1"), "customer-away")
    config = RetryConfig("backoff", BackoffStrategy(1, 10, 1.1, 1500), True)
    with pytest.raises(models.SDKError) as caught:
        door.sdk.passthrough.request(
            x_connection_token=away, pass_through_request_dto={"method": "POST", "path": "/"}, retries=config
        )
    assert caught.value.status_code in (502, 503) and len(door.answers) > 1
    first = door.answers[0].json()
    assert (first["code"], first["sent"], first["retryable"]) == ("bad_gateway", "no", True)


def test_an_sdk_that_tries_again_does_not_repeat_what_is_wrong(door: Door) -> None:
    config = RetryConfig("backoff", BackoffStrategy(1, 10, 1.1, 1500), True)
    with pytest.raises(models.SDKError) as caught:
        door.sdk.passthrough.request(
            x_connection_token=door.token, pass_through_request_dto={"method": "POST", "path": "x"}, retries=config
        )
    assert (caught.value.status_code, len(door.answers)) == (400, 1)


def test_a_request_that_is_tried_again_later_is_not_kept(door: Door) -> None:
    with pytest.raises(models.SDKError) as caught:
        door.sdk.passthrough.retryid.get_retried_request_response(retry_id="d3adbeef")
    assert caught.value.status_code == 404


def test_connections_are_typed_and_without_secrets(door: Door) -> None:
    listed = door.sdk.connections.list()
    assert listed
    row = listed[0]
    assert row.provider_slug == "custom" and row.token_type in models.TokenType
    assert row.access_token == row.refresh_token == "redacted"
    assert isinstance(row.created_at, datetime) and isinstance(row.expiration_timestamp, datetime)
    assert "secret-of-the-customer" not in door.answers[-1].text and door.token not in door.answers[-1].text


def test_linked_users_are_end_users(door: Door) -> None:
    users = door.sdk.linked_users
    found = users.remote_id(remote_id="customer-42")
    assert found is not None and found.linked_user_origin_id == "customer-42"
    assert users.retrieve(id=str(found.id_linked_user)) == found
    assert found in (users.list() or [])
    row = (door.sdk.connections.list() or [])[0]
    assert row.id_linked_user == found.id_linked_user


def test_linked_users_are_made_one_by_one_and_together(door: Door) -> None:
    users = door.sdk.linked_users
    made = users.create(request={"linked_user_origin_id": "customer-43", "alias": "Acme"})
    assert made is not None and (made.linked_user_origin_id, made.alias) == ("customer-43", "Acme")
    assert users.create(request={"linked_user_origin_id": "customer-44", "alias": None}) is not None
    several = users.import_batch(request={"linked_user_origin_ids": ["customer-45", "customer-46"], "alias": "Acme"})
    assert [one.linked_user_origin_id for one in several or []] == ["customer-45", "customer-46"]
    assert users.create(request={"linked_user_origin_id": "customer-43", "alias": None}) == made


def test_a_linked_user_that_is_not_there_is_an_error(door: Door) -> None:
    users = door.sdk.linked_users
    for ask in [
        lambda: users.retrieve(id="nobody"),
        lambda: users.retrieve(id="a/b"),
        lambda: users.remote_id(remote_id="nobody"),
    ]:
        with pytest.raises(models.SDKError) as caught:
            ask()
        assert caught.value.status_code == 404
    with pytest.raises(models.SDKError) as caught:
        users.import_batch(request={"linked_user_origin_ids": None, "alias": None})
    assert caught.value.status_code == 400


def test_what_the_dialect_does_not_have_is_an_error_of_the_sdk(door: Door) -> None:
    with pytest.raises(models.SDKError) as caught:
        door.sdk.projects.get_projects()
    assert caught.value.status_code in (404, 501)
