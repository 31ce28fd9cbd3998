"""Passthrough requests against the real server."""

import pytest
from conftest import KEY
from program import Server
from upstream import Upstream

from passthrough_sdk import (
    InvalidRequestError,
    Passthrough,
    PassThroughRequestDto,
    PassThroughRequestDtoMethod,
    SDKError,
)


def test_the_program_of_the_page_runs(server: Server, token: str) -> None:
    passthrough = Passthrough(api_key=server.key, server_url=server.url)
    result = passthrough.passthrough.request(
        x_connection_token=token,
        pass_through_request_dto={"method": PassThroughRequestDtoMethod.GET, "path": "/dev"},
    )
    assert result.status_code == 200
    assert result.response["path"] == "/dev"
    passthrough.close()


def test_the_result_has_all_of_the_envelope(passthrough: Passthrough, upstream: Upstream, token: str) -> None:
    dto = PassThroughRequestDto(method="GET", path="/orders?a=1", query={"b": [2, True], "c": "ä"})
    result = passthrough.request(x_connection_token=token, pass_through_request_dto=dto)
    assert (result.method, result.path) == ("GET", "/orders?a=1&b=2&b=true&c=%C3%A4")
    assert result.header("CONTENT-TYPE") == "application/json"
    assert result.response_encoding == "json" and result.attempts == 1 and result.request_id.startswith("req_")
    assert upstream.seen[-1].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [204, 302, 404, 429, 500])
def test_any_status_of_the_provider_is_a_result(passthrough: Passthrough, token: str, status: int) -> None:
    dto = PassThroughRequestDto(method="POST", path=f"/status/{status}")
    assert passthrough.request(x_connection_token=token, pass_through_request_dto=dto).status_code == status


def test_bodies_go_out_as_text_json_bytes_form_and_parts(
    passthrough: Passthrough, upstream: Upstream, token: str
) -> None:
    def sent(dto: PassThroughRequestDto) -> tuple[str, bytes]:
        passthrough.request(x_connection_token=token, pass_through_request_dto=dto)
        return upstream.seen[-1].headers.get("content-type", ""), upstream.seen[-1].body

    assert sent({"method": "POST", "path": "/", "body": "as it is ä"}) == ("", "as it is ä".encode())
    assert sent({"method": "PUT", "path": "/", "body": {"n": 10**30}}) == ("application/json", b'{"n":%d}' % 10**30)
    assert sent({"method": "POST", "path": "/", "body": b"\x00\xff"}) == ("", b"\x00\xff")
    assert sent({"method": "POST", "path": "/", "form": {"a": ["1", "x y"]}})[1] == b"a=1&a=x+y"
    kind, body = sent(
        {
            "method": "POST",
            "path": "/",
            "multipart": [{"name": "f", "base64": b"\x00\xff", "filename": "a.bin", "content_type": "image/png"}],
        }
    )
    assert kind.startswith("multipart/form-data; boundary=") and b"\x00\xff" in body and b"image/png" in body


def test_the_response_comes_as_asked(passthrough: Passthrough, token: str) -> None:
    dto = PassThroughRequestDto(method="GET", path="/x", response_as="text")
    result = passthrough.request(x_connection_token=token, pass_through_request_dto=dto)
    assert isinstance(result.response, str) and result.response_encoding == "text"


def test_a_refusal_has_the_fields_of_the_error_body(passthrough: Passthrough, token: str) -> None:
    with pytest.raises(SDKError) as caught:
        dto: dict[str, str] = {"method": "GET", "path": "/", "boddy": "x"}
        passthrough.request(x_connection_token=token, pass_through_request_dto=dto)  # type: ignore[arg-type]
    error = caught.value
    assert (error.status_code, error.code, error.origin, error.sent) == (400, "bad_request", "caller", "no")
    assert error.content_type == "application/json" and '"bad_request"' in error.body and not error.retryable
    assert error.request_id is not None and error.request_id.startswith("req_") and error.request_id in str(error)
    assert error.detail[0]["path"] == "boddy" and error.hint == "boddy: did you mean body?"
    assert error.raw_response.status_code == 400


def test_failures_of_ours_are_told_apart_by_code_and_reason(server: Server, passthrough: Passthrough) -> None:
    dto = PassThroughRequestDto(method="POST", path="/")
    with Passthrough("sk_wrong", server.url) as stranger, pytest.raises(SDKError) as caught:
        stranger.request(x_connection_token="con_tkn_x", pass_through_request_dto=dto)
    assert caught.value.code == "unauthorized"
    with pytest.raises(SDKError) as caught:
        passthrough.request(x_connection_token="con_tkn_x", pass_through_request_dto=dto)
    assert caught.value.code == "not_found"
    nowhere = passthrough.connections.create(
        provider="custom", credentials={"token": "t"}, variables={"base_url": "http://127.0.0.1:9"}
    )
    with pytest.raises(SDKError) as caught:
        passthrough.request(
            x_connection_token=nowhere.token, pass_through_request_dto=dto, retry_codes=["500"], timeout_ms=30_000
        )
    assert (caught.value.status_code, caught.value.reason, caught.value.sent) == (502, "connect", "no")


def test_a_provider_s_answer_is_downloaded_as_it_comes(passthrough: Passthrough, token: str) -> None:
    with passthrough.raw(
        x_connection_token=token, pass_through_request_dto={"method": "GET", "path": "/bytes"}
    ) as answer:
        assert (answer.source, answer.status_code) == ("provider", 200)
        assert b"".join(answer.iter_bytes()) == bytes(range(256)) * 4096
    with passthrough.raw(
        x_connection_token=token, pass_through_request_dto={"method": "GET", "path": "/status/404"}
    ) as answer:
        assert answer.source == "envelope" and answer.envelope().status_code == 404
    with (
        pytest.raises(SDKError),
        passthrough.raw(x_connection_token="con_tkn_x", pass_through_request_dto={"method": "GET", "path": "/"}),
    ):
        pass


@pytest.mark.parametrize("token", ["", "con_tkn_a\r\nX-Injected: 1", "con_tkn_ä", "a b"])
def test_a_token_that_cannot_be_one_is_refused_unquoted(passthrough: Passthrough, token: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        passthrough.request(x_connection_token=token, pass_through_request_dto={"method": "GET", "path": "/"})
    assert "con_tkn" not in str(caught.value)


def test_what_json_cannot_say_is_refused_before_it_is_sent(passthrough: Passthrough, token: str) -> None:
    for body in (float("nan"), object()):
        with pytest.raises(InvalidRequestError):
            passthrough.request(
                x_connection_token=token, pass_through_request_dto={"method": "POST", "path": "/", "body": body}
            )


def test_further_headers_reach_the_server_but_cannot_replace_its_own(
    passthrough: Passthrough, upstream: Upstream, token: str
) -> None:
    result = passthrough.request(
        x_connection_token=token,
        pass_through_request_dto={"method": "GET", "path": "/"},
        http_headers={"Passthrough-Retries": "0", "Authorization": "Bearer other", "connection-token": "other"},
    )
    assert result.status_code == 200
    with pytest.raises(SDKError) as caught:
        passthrough.request(
            x_connection_token=token,
            pass_through_request_dto={"method": "GET", "path": "/"},
            http_headers={"Passthrough-Retrys": "0"},
        )
    assert caught.value.code == "bad_request"
