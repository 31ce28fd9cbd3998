"""When calls are made again: the decision by itself, and on the wire against a server that fails as told."""

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest

from passthrough_sdk import (
    AsyncPassthrough,
    BackoffStrategy,
    NoAnswerError,
    Passthrough,
    PassThroughRequestDto,
    RequestTimeoutError,
    RetryConfig,
    SDKError,
    ServerConnectionError,
)
from passthrough_sdk.retries import DEFAULT, Failure, Tries, matches, retry_after_seconds

# Status, JSON body, headers.
Answer = tuple[int, dict[str, Any], dict[str, str]]
READ = PassThroughRequestDto(method="GET", path="/")
WRITE = PassThroughRequestDto(method="POST", path="/")
FAST = RetryConfig(backoff=BackoffStrategy(initial_interval=1, max_interval=5, exponent=1.5, max_elapsed_time=2_000))
ENVELOPE: dict[str, Any] = {
    "method": "GET", "path": "/", "statusCode": 200, "headers": {}, "response": 1, "responseEncoding": "json",
    "requestId": "req_1", "durationMs": 1, "upstreamDurationMs": 1, "attempts": 1,
}  # fmt: skip


def failure(code: str, sent: str = "no", retryable: bool = False, origin: str = "passthrough") -> dict[str, Any]:
    return {"code": code, "message": code, "requestId": "req_1", "origin": origin, "sent": sent, "retryable": retryable}


NO: dict[str, str] = {}
OVERLOADED: Answer = (503, failure("overloaded", retryable=True), {})
BROKEN: Answer = (502, failure("bad_gateway", sent="unknown", origin="provider"), {})
FINE: Answer = (200, ENVELOPE, {})
# Closes the connection without an answer.
GONE: Answer = (0, {}, {})


class Scripted:
    """A server that gives these answers, one after the other, and counts the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = iter(answers)
        self.at: list[float] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                script.at.append(time.monotonic())
                status, value, headers = next(script.answers)
                if status == 0:
                    self.close_connection = True
                    return
                time.sleep(float(headers.get("Sleep", 0)))
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, header in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, header)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for piece in (body[at : at + 1] for at in range(len(body))) if "Trickle" in headers else [body]:
                    self.wfile.write(piece)
                    time.sleep(float(headers.get("Trickle", 0)))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def status_of(server: Scripted, dto: PassThroughRequestDto, **options: Any) -> tuple[int, int]:
    """The status that came of a call, and how many tries it took."""
    with Passthrough("sk_1", server.url, retry_config=options.pop("config", FAST)) as passthrough:
        try:
            status = passthrough.request(x_connection_token="t", pass_through_request_dto=dto, **options).status_code
        except SDKError as error:
            status = error.status_code
        except NoAnswerError:
            status = 0
    return status, len(server.at)


@pytest.mark.parametrize(
    ("answers", "dto", "options", "expected"),
    [
        pytest.param([OVERLOADED, FINE], WRITE, {}, (200, 2), id="a write that was not carried out"),
        pytest.param([BROKEN, FINE], WRITE, {}, (502, 1), id="a write that may have been sent"),
        pytest.param([BROKEN, FINE], READ, {}, (200, 2), id="a read"),
        pytest.param([GONE, FINE], WRITE, {}, (0, 1), id="a write without an answer"),
        pytest.param([GONE, FINE], READ, {}, (200, 2), id="a read without an answer"),
        pytest.param(
            [BROKEN, GONE, FINE], WRITE, {"retries": RetryConfig(backoff=FAST.backoff, repeat_writes=True)}, (200, 3),
            id="a write, where the caller says so",
        ),
        pytest.param(
            [GONE, FINE], READ, {"retries": RetryConfig(backoff=FAST.backoff, retry_connection_errors=False)}, (0, 1),
            id="no answer, where those are not to be tried again",
        ),
        pytest.param([OVERLOADED, FINE], READ, {"retries": RetryConfig("none")}, (503, 1), id="strategy none"),
        pytest.param([OVERLOADED, FINE], READ, {"config": RetryConfig("none")}, (503, 1), id="none for all calls"),
        pytest.param([OVERLOADED, FINE], READ, {"retry_codes": ["429"]}, (503, 1), id="another code"),
        pytest.param([BROKEN, OVERLOADED, FINE], READ, {"retry_codes": ["5XX"]}, (200, 3), id="a class of codes"),
        pytest.param(
            [(404, failure("not_found", origin="caller"), NO), FINE], READ, {"retry_codes": ["404"]}, (200, 2),
            id="a code that the caller names",
        ),
        pytest.param(
            [(502, failure("bad_gateway", origin="connection"), NO), FINE], READ, {}, (502, 1),
            id="what does not mend itself",
        ),
        pytest.param(
            [(504, {**failure("gateway_timeout", sent="yes"), "detail": {"reason": "total_timeout"}}, NO), FINE], READ,
            {}, (504, 1), id="the call's own deadline",
        ),
        pytest.param([(400, failure("bad_request"), NO), FINE], READ, {}, (400, 1), id="a refusal"),
        pytest.param(
            [(503, OVERLOADED[1], {"Retry-After": "5"}), FINE], READ, {}, (503, 1), id="longer than there is time",
        ),
    ],
)  # fmt: skip
def test_what_is_made_again(
    answers: list[Answer],
    dto: PassThroughRequestDto,
    options: dict[str, Any],
    expected: tuple[int, int],
) -> None:
    with Scripted(*answers) as server:
        assert status_of(server, dto, **options) == expected


def test_retry_after_is_waited_for() -> None:
    with Scripted((429, failure("too_many_requests", retryable=True), {"Retry-After": "0.3"}), FINE) as server:
        assert status_of(server, WRITE) == (200, 2)
        assert server.at[1] - server.at[0] >= 0.3


def test_a_server_that_is_not_there_is_tried_until_the_time_is_over() -> None:
    with Scripted() as server:
        url = server.url
    few = RetryConfig(backoff=BackoffStrategy(1, 10, 1.5, 60))
    with Passthrough("sk_1", url, retry_config=few) as passthrough, pytest.raises(ServerConnectionError) as caught:
        passthrough.request(x_connection_token="t", pass_through_request_dto=WRITE)
    assert caught.value.sent == "no" and url in str(caught.value)


def test_a_late_answer_is_an_error_of_its_own() -> None:
    with Scripted((200, ENVELOPE, {"Sleep": "1"})) as server, Passthrough("sk_1", server.url) as passthrough:
        with pytest.raises(RequestTimeoutError) as caught:
            passthrough.request(x_connection_token="t", pass_through_request_dto=WRITE, timeout_ms=50)
        assert caught.value.sent == "unknown" and len(server.at) == 1


def test_a_body_that_trickles_does_not_hold_the_call_for_ever() -> None:
    with Scripted((200, ENVELOPE, {"Trickle": "0.02"})) as server, Passthrough("sk_1", server.url) as passthrough:
        with pytest.raises(RequestTimeoutError, match="in time"):
            passthrough.request(x_connection_token="t", pass_through_request_dto=WRITE, timeout_ms=200)


@contextlib.contextmanager
def trickling_head() -> Generator[str]:
    """The URL of a server whose head comes line by line for three seconds, and has no end."""
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(30):
                if over.wait(0.1):
                    return
                connection.sendall(b"X-A: b\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()


def test_a_head_that_trickles_does_not_hold_the_call_for_ever() -> None:
    with trickling_head() as url, Passthrough("sk_1", url, timeout_ms=400) as passthrough:
        for raw in (False, True):
            began = time.monotonic()
            with pytest.raises(RequestTimeoutError) as caught:
                if raw:
                    passthrough.raw(x_connection_token="t", pass_through_request_dto=WRITE).__enter__()
                else:
                    passthrough.request(x_connection_token="t", pass_through_request_dto=WRITE)
            assert caught.value.sent == "unknown" and 0.35 < time.monotonic() - began < 1


@pytest.mark.anyio
async def test_a_head_that_trickles_does_not_hold_async_calls_for_ever() -> None:
    with trickling_head() as url:
        async with AsyncPassthrough("sk_1", url, timeout_ms=400) as passthrough:
            for raw in (False, True):
                began = time.monotonic()
                with anyio.fail_after(5), pytest.raises(RequestTimeoutError) as caught:
                    if raw:
                        await passthrough.raw(x_connection_token="t", pass_through_request_dto=WRITE).__aenter__()
                    else:
                        await passthrough.request(x_connection_token="t", pass_through_request_dto=WRITE)
                assert caught.value.sent == "unknown" and 0.35 < time.monotonic() - began < 1


def test_what_is_no_answer_of_passthrough_says_so() -> None:
    page: Answer = (200, {"not": "an envelope"}, {"Content-Type": "text/html"})
    with Scripted(page) as server, Passthrough("sk_1", server.url) as passthrough:
        with pytest.raises(Exception, match="expected shape"):
            passthrough.request(x_connection_token="t", pass_through_request_dto=READ)
    with Scripted((403, {}, {})) as server, Passthrough("sk_1", server.url) as passthrough:
        with pytest.raises(SDKError, match="check the server's URL") as caught:
            passthrough.request(x_connection_token="t", pass_through_request_dto=READ)
        assert caught.value.code is None and caught.value.sent == "unknown"


def test_a_redirect_of_the_server_is_not_followed() -> None:
    with Scripted((307, {}, {"Location": "http://127.0.0.1:1/"})) as server:
        assert status_of(server, READ) == (307, 1)


@pytest.mark.anyio
async def test_async_calls_are_made_again_by_the_same_rules() -> None:
    with Scripted(OVERLOADED, GONE, BROKEN, FINE) as server:
        async with AsyncPassthrough("sk_1", server.url, retry_config=FAST) as passthrough:
            result = await passthrough.request(x_connection_token="t", pass_through_request_dto=READ)
        assert result.status_code == 200 and len(server.at) == 4
    with Scripted(BROKEN, FINE) as server:
        async with AsyncPassthrough("sk_1", server.url, retry_config=FAST) as passthrough:
            with pytest.raises(SDKError):
                await passthrough.request(x_connection_token="t", pass_through_request_dto=WRITE)
        assert len(server.at) == 1


def test_waits_grow_to_their_bound_and_end_in_time() -> None:
    tries = Tries(RetryConfig(backoff=BackoffStrategy(100, 1_000, 2.0, 5_000)), None, read=True)
    waits = list(waits_of(tries, Failure(sent="unknown", status=503)))
    for wait, least in zip(waits, (0.1, 0.2, 0.4, 0.8), strict=False):
        assert least <= wait <= min(1.5 * least, 1.0)
    assert max(waits) <= 1.0 and sum(waits) <= 5.0


@pytest.mark.parametrize("asked", [0.0, 0.01])
def test_a_server_that_asks_for_no_wait_makes_no_hot_loop(asked: float) -> None:
    tries = Tries(RetryConfig(backoff=BackoffStrategy(100, 1_000, 2.0, 5_000)), None, read=True)
    waits = list(waits_of(tries, Failure(sent="no", status=503, retry_after=asked)))
    assert len(waits) < 12 and all(wait >= least for wait, least in zip(waits, (0.1, 0.2, 0.4, 0.8), strict=False))


def waits_of(tries: Tries, failed: Failure) -> Iterator[float]:
    elapsed = 0.0
    for _ in itertools.count():
        wait = tries.wait_after(failed, elapsed)
        if wait is None:
            return
        elapsed += wait
        yield wait


def test_who_says_nothing_gets_ten_seconds() -> None:
    assert 5 <= sum(waits_of(Tries(DEFAULT, None, read=True), Failure(sent="no", status=503))) <= 10


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0), ("0.25", 0.25), ("0", 0.0), ("99999999999", 99999999999.0), ("-1", None), ("nan", None),
        ("inf", None), ("-inf", None), ("9" * 400, None), ("1e3", None), ("1_0", None), ("+1", None), (".5", None),
        ("0, 0", None), ("١", None), ("soon", None), ("", None), (None, None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0), ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("Fri, 01 Jan 1970 00:01:40 GMT", None), ("Thu, 01 Jan 1970 00:01:40 -0000", None),
        ("1 Jan 1970 00:01:40", None), ("Thu, 99 Foo 1970", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT, Thu, 01 Jan 1970 00:01:40 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_all_its_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=10.0) == seconds


def test_codes_are_numbers_or_classes() -> None:
    assert matches(503, ["5XX"]) and matches(503, ["429", "503"]) and matches(404, ["4xx"])
    assert not matches(503, ["4XX", "500"]) and not matches(503, [])
