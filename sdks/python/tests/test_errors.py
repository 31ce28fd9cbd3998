"""Errors as objects: how they travel, and what hangs on them."""

import copy
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import httpx
import pytest

from passthrough_sdk import (
    AsyncPassthrough,
    InvalidRequestError,
    NoAnswerError,
    Passthrough,
    PassthroughError,
    RequestTimeoutError,
    RetryConfig,
    SDKError,
    SDKValidationError,
    ServerConnectionError,
    WebhookVerificationError,
)

KEY, TOKEN = "sk_SECRETKEY", "con_tkn_SECRETTOKEN"
REFUSAL = {
    "code": "not_found", "message": "m", "requestId": "req_1", "origin": "caller", "sent": "no",
    "detail": {"hint": "h"},
}  # fmt: skip


def refusing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, json=REFUSAL, headers={"Retry-After": "3"})


def refused() -> SDKError:
    client = httpx.Client(transport=httpx.MockTransport(refusing))
    with pytest.raises(SDKError) as caught:
        Passthrough(KEY, client=client).connections.get_current(TOKEN)
    return caught.value


def by_pickle(error: PassthroughError) -> PassthroughError:
    data = pickle.dumps(error)
    assert b"SECRET" not in data
    return pickle.loads(data)


@pytest.mark.parametrize("again", [by_pickle, copy.copy, copy.deepcopy])
def test_errors_can_be_copied_and_sent_to_another_process(
    again: Callable[[PassthroughError], PassthroughError],
) -> None:
    for kind in (PassthroughError, InvalidRequestError, SDKValidationError, WebhookVerificationError):
        copied = again(kind("m"))
        assert type(copied) is kind and str(copied) == copied.message == "m"
    for kind in (NoAnswerError, ServerConnectionError, RequestTimeoutError):
        copied = again(kind("m", "no"))
        assert isinstance(copied, kind) and (str(copied), copied.sent) == ("m", "no")
    error = refused()
    copied = again(error)
    assert isinstance(copied, SDKError) and str(copied) == str(error)
    assert (copied.code, copied.hint, copied.request_id, copied.sent) == ("not_found", "h", "req_1", "no")
    assert (copied.retry_after, copied.status_code, copied.body) == (3.0, 404, error.body)
    assert copied.raw_response.json() == REFUSAL


def failing(url: str) -> None:
    Passthrough(KEY, url, retry_config=RetryConfig("none")).health.live()


def test_an_error_in_a_worker_leaves_the_pool_whole() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(ServerConnectionError):
            pool.submit(failing, "http://127.0.0.1:1").result(30)
        assert pool.submit(abs, -1).result(30) == 1


def late(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late", request=request)


def breaking(request: httpx.Request) -> httpx.Response:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise httpx.ReadError("broken", request=request)

    return httpx.Response(200, content=pieces())


class LateAsync(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return late(request)


def no_secret_on(error: BaseException | None) -> None:
    assert isinstance(error, httpx.RequestError)
    assert not {"authorization", "connection-token"} & set(error.request.headers)


def test_no_secret_hangs_on_the_cause_of_an_error() -> None:
    once = RetryConfig("none")
    for handler in (late, breaking):
        client = httpx.Client(transport=httpx.MockTransport(handler))
        passthrough = Passthrough(KEY, client=client, retry_config=once)
        with pytest.raises(NoAnswerError) as caught:
            passthrough.connections.get_current(TOKEN)
        no_secret_on(caught.value.__cause__)
    with passthrough.raw(x_connection_token=TOKEN, pass_through_request_dto={"method": "GET", "path": "/"}) as answer:
        assert "SECRET" not in str(answer.http.request.headers.raw)
        with pytest.raises(NoAnswerError) as caught:
            answer.read()
        no_secret_on(caught.value.__cause__)
    passthrough = Passthrough(KEY, client=httpx.Client(transport=httpx.MockTransport(late)))
    with pytest.raises(httpx.ReadTimeout) as plain:
        passthrough.proxy.transport(TOKEN).handle_request(httpx.Request("GET", "https://api.example"))
    no_secret_on(plain.value)


@pytest.mark.anyio
async def test_no_secret_hangs_on_the_cause_of_an_error_in_async_code() -> None:
    passthrough = AsyncPassthrough(
        KEY, client=httpx.AsyncClient(transport=LateAsync()), retry_config=RetryConfig("none")
    )
    with pytest.raises(NoAnswerError) as caught:
        await passthrough.connections.get_current(TOKEN)
    no_secret_on(caught.value.__cause__)
    with pytest.raises(httpx.ReadTimeout) as plain:
        await passthrough.proxy.transport(TOKEN).handle_async_request(httpx.Request("GET", "https://api.example"))
    no_secret_on(plain.value)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"code": "a", "message": "m", "detail": ' + b"9" * 5_000 + b"}"])
def test_an_answer_that_python_does_not_read_is_an_error_of_ours(body: bytes) -> None:
    def answer(status: int) -> Passthrough:
        client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=body)))
        return Passthrough(KEY, client=client, retry_config=RetryConfig("none"))

    with pytest.raises(SDKError, match="than Python reads") as caught:
        answer(400).connections.list()
    assert caught.value.code is None and caught.value.sent == "unknown"
    with pytest.raises(SDKValidationError, match="response_as"):
        answer(200).connections.list()
    with answer(200).raw(x_connection_token=TOKEN, pass_through_request_dto={"method": "GET", "path": "/"}) as raw:
        with pytest.raises(SDKValidationError, match="than Python reads"):
            raw.envelope()


def test_an_answer_in_no_text_encoding_is_an_error_of_ours() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(500, content=b"<p>", headers={"Content-Type": "text/html; charset=hex"})

    client = httpx.Client(transport=httpx.MockTransport(page))
    with pytest.raises(SDKError, match="check the server's URL") as caught:
        Passthrough(KEY, client=client, retry_config=RetryConfig("none")).connections.list()
    assert caught.value.body == "<p>"
