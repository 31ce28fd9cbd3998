"""Which server, with which key: read from arguments and environment, checked once, never shown."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from passthrough_sdk.errors import InvalidRequestError
from passthrough_sdk.retries import DEFAULT, RetryConfig

# Longer than the server's own default deadline (60 s), so that it is the server that says what took so long.
TIMEOUT_MS = 90_000
# What the server is given beyond the deadline that a call names for itself.
HEADROOM_MS = 10_000
SERVER_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Settings:
    """One server, one API key, and what holds for calls that say nothing else."""

    server_url: str
    api_key: str | Callable[[], str] = field(repr=False)
    timeout_ms: int | None
    retries: RetryConfig
    retry_codes: Sequence[str] | None

    def encrypted(self) -> bool:
        """Whether it is HTTPS. Over plain HTTP a proxy of the environment's would read the key."""
        return self.server_url.startswith("https:")

    def key(self) -> str:
        """The API key, asked for anew where it is given by a function."""
        return secret(self.api_key() if callable(self.api_key) else self.api_key, "the API key")


def settings(
    api_key: str | Callable[[], str] | None,
    server_url: str | None,
    timeout_ms: int | None,
    retries: RetryConfig | None,
    retry_codes: Sequence[str] | None,
    allow_plain_http: bool,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings; what is not given comes from `PASSTHROUGH_API_KEY` and `PASSTHROUGH_SERVER_URL`."""
    key = api_key if api_key is not None else environment.get("PASSTHROUGH_API_KEY", "")
    if not key:
        raise InvalidRequestError("no API key; hint: give api_key, or set PASSTHROUGH_API_KEY")
    url = checked_url(server_url or environment.get("PASSTHROUGH_SERVER_URL") or SERVER_URL, allow_plain_http)
    return Settings(url, key, timeout_ms, retries or DEFAULT, retry_codes)


def checked_url(url: str, allow_plain_http: bool) -> str:
    """The server's URL without a slash at its end."""
    # What follows `urlsplit` leaves out in silence, and the HTTP library stumbles over at the first call.
    if not url.isprintable() or " " in url or "\\" in url:
        raise InvalidRequestError("the server's URL can have no space, control character or backslash")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # Raises where it is none.
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidRequestError("the server's URL must be http:// or https:// and a host")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise InvalidRequestError("the server's URL can have no user, query or fragment")
    # Whoever listens on the way would have the key to every connection of the environment.
    if parts.scheme == "http" and not (allow_plain_http or is_loopback(host)):
        raise InvalidRequestError("the server's URL is plain http to another machine: use https, or allow_plain_http")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def secret(value: str, what: str) -> str:
    """A key or token that can be a header's value. Refused here without being quoted: the HTTP library quotes it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidRequestError(f"{what} is empty, or holds a character that it cannot hold")
    return value
