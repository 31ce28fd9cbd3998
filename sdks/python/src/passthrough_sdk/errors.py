"""What can go wrong, told apart by what the caller can do about it.

A provider's 4xx or 5xx is none of these: it is the result of a passthrough. No message holds a secret.
"""

from __future__ import annotations

import time
from typing import Any, cast

import httpx

from passthrough_sdk._json import UnreadableError, read_json
from passthrough_sdk.retries import Failure, retry_after_seconds


class PassthroughError(Exception):
    """All errors of this SDK."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle and copy: an error of a worker process reaches its parent. No secret is part of it."""
        return _again, (type(self), self.args, self.__dict__.copy())


def _again(kind: type[PassthroughError], args: tuple[Any, ...], state: dict[str, Any]) -> PassthroughError:
    # Past `__init__`, because what the kinds want there differs.
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidRequestError(PassthroughError):
    """The call cannot be sent as it is: a setting, a parameter, a header. Nothing was sent."""


class SDKValidationError(PassthroughError):
    """The answer does not have the shape that it should have. Nothing of it is quoted: it may hold a secret."""


class WebhookVerificationError(PassthroughError):
    """A webhook is not what the server sent, or is too old."""


class NoAnswerError(PassthroughError):
    """There was no whole answer. `sent` says whether the request may have been carried out: `no`, `unknown`."""

    def __init__(self, message: str, sent: str) -> None:
        super().__init__(message)
        self.sent = sent


class ServerConnectionError(NoAnswerError):
    """No connection to the server could be made, or it broke."""


class RequestTimeoutError(NoAnswerError):
    """The deadline of a try passed."""


class SDKError(PassthroughError):
    """The server answered with an error of its own, or with something that is no answer of Passthrough."""

    def __init__(self, message: str, status_code: int, body: str, raw_response: httpx.Response) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.content_type = raw_response.headers.get("content-type", "")
        self.body = body
        """The answer's text. Where it is an error of the server's, the attributes below have its fields."""
        self.raw_response = raw_response
        self._fields: dict[str, Any] = {}

    @classmethod
    def of(cls, response: httpx.Response) -> SDKError:
        """The error of an answer whose body was read."""
        try:
            fields = read_json(response.content)
        except UnreadableError as error:
            message = f"the answer cannot be read: {error} (status {response.status_code})"
            return cls(message, response.status_code, text_of(response), response)
        except ValueError:
            fields = None
        ours = isinstance(fields, dict) and "code" in fields and "message" in fields
        if not ours:
            message = "the answer does not come from Passthrough; hint: check the server's URL"
            return cls(f"{message} (status {response.status_code})", response.status_code, text_of(response), response)
        fields = cast(dict[str, Any], fields)
        message = f"{fields['message']} ({response.status_code} {fields['code']}, {fields.get('requestId')})"
        error = cls(message, response.status_code, text_of(response), response)
        error._fields = fields
        return error

    @property
    def code(self) -> str | None:
        """What happened, to branch on: see `models.ErrorCode`. None where the answer is not Passthrough's."""
        return self._fields.get("code")

    @property
    def detail(self) -> Any:
        """What there is to say besides; its shape goes by `code`."""
        return self._fields.get("detail")

    @property
    def reason(self) -> str | None:
        """Which of its reasons a code has: `dns`, `total_timeout`, …; for `too_many_requests` whose limit it is."""
        fields = self._detail()
        return fields.get("reason") or fields.get("scope")

    @property
    def hint(self) -> str | None:
        """What to do, where the server knows: the name that was probably meant, or where to link again."""
        detail = self.detail
        for mistake in cast(list[Any], detail) if isinstance(detail, list) else []:
            mistake = cast(dict[str, Any], mistake) if isinstance(mistake, dict) else {}
            if mistake.get("suggestion"):
                return f"{mistake.get('path')}: did you mean {mistake['suggestion']}?"
        fields = self._detail()
        if fields.get("linkUrl"):
            return f"the account must be linked again: {fields['linkUrl']}"
        return fields.get("hint")

    @property
    def request_id(self) -> str | None:
        """`req_…`: the record's id, and what the server's log says."""
        return self._fields.get("requestId") or self.raw_response.headers.get("passthrough-request-id")

    @property
    def origin(self) -> str | None:
        """Who is at fault: `caller`, `connection`, `provider`, `passthrough`."""
        return self._fields.get("origin")

    @property
    def sent(self) -> str:
        """Whether anything reached the provider: `no`, `unknown`, `yes`."""
        return self._fields.get("sent", "unknown")

    @property
    def retryable(self) -> bool:
        """Whether the very same request may succeed later, and repeating it is safe."""
        return self._fields.get("retryable") is True

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait."""
        return retry_after_seconds(self.raw_response.headers.get("retry-after"), time.time())

    def _detail(self) -> dict[str, Any]:
        detail = self.detail
        return cast(dict[str, Any], detail) if isinstance(detail, dict) else {}


def failure_of(error: PassthroughError) -> Failure | None:
    """What an error means for another try; `None` where another try cannot help."""
    if isinstance(error, NoAnswerError):
        return Failure(sent=error.sent)
    if isinstance(error, SDKError):
        return Failure(
            sent=error.sent,
            status=error.status_code,
            retryable=error.retryable,
            origin=error.origin or "",
            reason=error.reason or "",
            retry_after=error.retry_after,
        )
    return None


def text_of(response: httpx.Response) -> str:
    """The body as text. A charset can name a codec of Python's that is none for text; httpx falls over it."""
    try:
        return response.text
    except Exception:
        return response.content.decode(errors="replace")


def bare(request: httpx.Request) -> httpx.Request:
    """A request without what was sent but for method and URL: key and token are in its headers."""
    return httpx.Request(request.method, request.url)


def of_httpx(error: httpx.HTTPError | httpx.InvalidURL, server: str) -> PassthroughError:
    """An error of httpx as one of ours. Its text is not taken over where it could quote what was sent.

    It becomes the cause of ours, so its request goes on without headers: httpx prints the connection token in clear.
    """
    kind = type(error).__name__
    if isinstance(error, httpx.HTTPError):
        try:
            error.request = bare(error.request)
        except RuntimeError:
            pass  # It has none.
    if isinstance(error, httpx.TimeoutException):
        sent = "no" if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout) else "unknown"
        return RequestTimeoutError(f"no answer of {server} in time ({kind})", sent)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return ServerConnectionError(f"cannot connect to {server}: {error}", "no")
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        return InvalidRequestError(f"the request cannot be sent ({kind})")
    return ServerConnectionError(f"the exchange with {server} broke off ({kind})", "unknown")
