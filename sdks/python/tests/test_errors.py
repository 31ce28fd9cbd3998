"""Errors as objects: how they travel, and what hangs on them."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import httpx
import pytest

from passthrough_sdk import (
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
