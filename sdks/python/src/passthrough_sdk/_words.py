"""Types that callers write: methods, repeated values, options of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypedDict

from passthrough_sdk.retries import RetryConfig

OneOrMany = str | int | float | bool | Sequence[str | int | float | bool]
"""One value, or several: they repeat the name."""


class PassThroughRequestDtoMethod(StrEnum):
    """The methods of a passthrough request."""

    GET = "GET"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class RequestOptions(TypedDict, total=False):
    """What every call takes besides its own parameters."""

    retries: RetryConfig | None
    """In place of the client's."""

    retry_codes: Sequence[str]
    """Statuses of the server that are tried again, such as `["429", "5XX"]`, in place of the client's."""

    timeout_ms: int
    """How long one try may take, in milliseconds, in place of the client's."""

    http_headers: Mapping[str, str]
    """Further headers for the server, such as `Passthrough-Retries`. API key and token cannot be replaced."""
