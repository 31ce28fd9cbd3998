"""One call, without IO: the request, what its answer means, and what the log says of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from passthrough_sdk._json import UnreadableError, read_json
from passthrough_sdk._model import decode
from passthrough_sdk._operation import Operation, fill, query, split, to_json
from passthrough_sdk._settings import HEADROOM_MS, TIMEOUT_MS, Settings, secret
from passthrough_sdk._version import VERSION
from passthrough_sdk._words import RequestOptions
from passthrough_sdk.errors import (
    InvalidRequestError,
    PassthroughError,
    RequestTimeoutError,
    SDKError,
    SDKValidationError,
    failure_of,
)
from passthrough_sdk.retries import Tries

T = TypeVar("T")
LOG = logging.getLogger("passthrough_sdk")
SOURCE = "passthrough-source"
AS_TEXT = "; hint: a passthrough gives the provider's body unread with response_as text"


@dataclass
class Call:
    """A call that is ready to be made, as often as `tries` allows."""

    settings: Settings
    method: str
    url: str
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: float
    """Seconds for one try."""

    tries: Tries
    began: float

    def request(self) -> httpx.Request:
        """The request of the next try. It goes past the client's cookies and headers: nothing else is sent."""
        timeout = httpx.Timeout(self.timeout).as_dict()
        try:
            return httpx.Request(
                self.method, self.url, headers=self.headers, content=self.body, extensions={"timeout": timeout}
            )
        except httpx.InvalidURL as error:
            raise InvalidRequestError(f"the request cannot be sent: {error}") from None

    def deadline(self) -> float:
        """When the try that begins now has to be over."""
        return time.monotonic() + self.timeout

    def in_time(self, deadline: float) -> None:
        """Between two pieces of a body: one piece at a time, a slow answer would never end."""
        if time.monotonic() > deadline:
            raise self.late()

    def late(self) -> RequestTimeoutError:
        """The error of a try that is not over in time."""
        return RequestTimeoutError(f"no whole answer of {self.settings.server_url} in time", "unknown")

    def wait_after(self, error: PassthroughError) -> float:
        """Seconds to wait before the next try; raises `error` where there is to be none."""
        failure = failure_of(error)
        wait = self.tries.wait_after(failure, time.monotonic() - self.began) if failure else None
        # No URL and no header: the one can hold a user's id, the other holds the key.
        LOG.debug("%s %s failed: %s; %s", self.method, self.path(), type(error).__name__, plan(wait))
        if wait is None:
            raise error
        return wait

    def path(self) -> str:
        """The path for the log, without its query."""
        return httpx.URL(self.url).path

    def log(self, response: httpx.Response) -> None:
        """What the log says of an answer: no header, no body, because both can hold secrets."""
        request_id = response.headers.get("passthrough-request-id", "-")
        LOG.debug("%s %s: %s, %s", self.method, self.path(), response.status_code, request_id)


def plan(wait: float | None) -> str:
    """What happens next, for the log."""
    return "given up" if wait is None else f"tried again in {wait:.1f} s"


def prepare(
    settings: Settings,
    operation: Operation[Any],
    params: Mapping[str, Any],
    path: Sequence[str] = (),
    token: str | None = None,
) -> Call:
    """The call of an operation with these parameters. Raises `InvalidRequestError`."""
    options, rest = split(params)
    url = settings.server_url + fill(operation.path, path)
    body = to_json(rest) if operation.body else None
    if not operation.body:
        url += query(rest)
    elif rest.get("timeoutMs") is not None and "timeout_ms" not in options and settings.timeout_ms is None:
        options["timeout_ms"] = waiting(rest["timeoutMs"])
    return Call(
        settings=settings,
        method=operation.method,
        url=url,
        headers=headers(settings, options, token, body is not None),
        body=body,
        timeout=(options.get("timeout_ms") or settings.timeout_ms or TIMEOUT_MS) / 1000,
        tries=Tries(
            options.get("retries") or settings.retries,
            options.get("retry_codes", settings.retry_codes),
            operation.reads(),
        ),
        began=time.monotonic(),
    )


def waiting(timeout_ms: int) -> int:
    """How long to wait for a call whose deadline at the server is this: longer, so that it is the server that tells."""
    return max(TIMEOUT_MS, timeout_ms + HEADROOM_MS)


def headers(settings: Settings, options: RequestOptions, token: str | None, body: bool) -> list[tuple[str, str]]:
    """What is sent: first the caller's own, without those that are ours to say."""
    ours = {"accept": "application/json", "user-agent": f"passthrough-sdk-python/{VERSION}"}
    if body:
        ours["content-type"] = "application/json"
    own = {name.lower(): value for name, value in (options.get("http_headers") or {}).items()}
    for name in ("authorization", "connection-token", "x-connection-token", "host", "content-length"):
        own.pop(name, None)
    signed = [("authorization", f"Bearer {settings.key()}")]
    if token is not None:
        signed.append(("connection-token", secret(token, "the connection token")))
    return [*(ours | own).items(), *signed]


def answer(operation: Operation[T], response: httpx.Response) -> T:
    """The answer as a model. Raises `SDKError` or `SDKValidationError`."""
    if not response.is_success:
        raise SDKError.of(response)
    if operation.answer is type(None) or response.status_code == 204:
        return decode(type(None), None)
    try:
        value = read_json(response.content)
    except UnreadableError as error:
        raise SDKValidationError(f"the answer cannot be read: {error}{AS_TEXT}") from None
    except ValueError:
        # A page of another program, or of a proxy on the way.
        raise SDKError.of(response) from None
    return decode(operation.answer, value)
