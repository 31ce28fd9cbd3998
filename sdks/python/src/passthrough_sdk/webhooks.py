"""Checks webhooks, as Standard Webhooks has it. Needs no server and no API key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from passthrough_sdk._model import decode
from passthrough_sdk.errors import WebhookVerificationError
from passthrough_sdk.models import Event

TOLERANCE_S = 300


def verify(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None, tolerance_s: int = TOLERANCE_S
) -> Event:
    """The event of a webhook that the server sent.

    `body` is what came, byte for byte; `headers` are the request's, in any spelling; `secret` is the endpoint's,
    `whsec_…`. `now` is unix seconds, for tests. Raises `WebhookVerificationError`. The same event may come more than
    once: know it again by its `id`.
    """
    plain = {name.lower(): value for name, value in headers.items()}
    try:
        identity, at, signatures = (plain[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing.args[0]} is missing") from None
    # Whoever has recorded an old message could send it again for ever.
    if not at.isascii() or not at.isdigit() or abs((time.time() if now is None else now) - int(at)) > tolerance_s:
        raise WebhookVerificationError("webhook-timestamp is too far from now")
    expected = hmac.new(_key(secret), f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    if not any(_is(one, expected) for one in signatures.split(" ")):
        raise WebhookVerificationError("no signature fits: another secret, or a body that was changed on its way")
    return decode(Event, _json(body), "event")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    # With an empty key anybody could sign.
    if not key:
        raise WebhookVerificationError("the secret is not of the form whsec_…")
    return key


def _is(signature: str, expected: bytes) -> bool:
    version, _, value = signature.partition(",")
    try:
        given = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    # In constant time: else the signature could be found byte by byte.
    return version == "v1" and hmac.compare_digest(given, expected)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise WebhookVerificationError("the body is no JSON") from None
