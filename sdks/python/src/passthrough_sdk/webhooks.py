"""Checks webhooks, as Standard Webhooks has it. Needs no server and no API key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import time
from collections.abc import Mapping
from typing import Any, cast

from passthrough_sdk._json import UnreadableError, read_json
from passthrough_sdk._model import decode
from passthrough_sdk.errors import InvalidRequestError, WebhookVerificationError
from passthrough_sdk.models import Event

TOLERANCE_S = 300


def verify(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None, tolerance_s: int = TOLERANCE_S
) -> Event:
    """The event of a webhook that the server sent.

    `body` is what came, byte for byte; `headers` are the request's, in any spelling; `secret` is the endpoint's,
    `whsec_…`. `now` is unix seconds, for tests. Raises `WebhookVerificationError`, and `InvalidRequestError`
    where `body` is not bytes or `tolerance_s` is no bound. The same event may come more than once: know it again by
    its `id`.
    """
    if not isinstance(cast(Any, body), bytes | bytearray):
        raise InvalidRequestError("body must be the bytes that came: text that was decoded may differ from them")
    # Compared with NaN, nothing would be too old.
    if not 0 <= tolerance_s < math.inf:
        raise InvalidRequestError("tolerance_s must be a number of seconds, 0 or more")
    plain = {name.lower(): value for name, value in headers.items()}
    try:
        identity, at, signatures = (plain[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing.args[0]} is missing") from None
    if not all(isinstance(cast(Any, value), str) for value in (identity, at, signatures)):
        raise WebhookVerificationError("a header of the webhook is no text")
    # Whoever has recorded an old message could send it again for ever.
    if not _is_near(at, time.time() if now is None else now, tolerance_s):
        raise WebhookVerificationError("webhook-timestamp is too far from now")
    # Servers hand over bytes that are no UTF-8 as lone surrogates.
    signed = f"{identity}.{at}.".encode("utf-8", "surrogatepass") + body
    expected = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    if not any(_is(one, expected) for one in signatures.split(" ")):
        raise WebhookVerificationError("no signature fits: another secret, or a body that was changed on its way")
    return decode(Event, _json(body), "event")


def _is_near(at: str, now: float, tolerance_s: float) -> bool:
    # Twelve digits last for thirty thousand years; a number of thousands of them is none that Python reads.
    return at.isascii() and at.isdigit() and len(at) <= 12 and abs(now - int(at)) <= tolerance_s


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError, AttributeError, TypeError):
        # The last two: no text, such as `None` for a variable that is not set.
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
        return read_json(body)
    except UnreadableError as error:
        raise WebhookVerificationError(f"the body cannot be read: {error}") from None
    except ValueError:
        raise WebhookVerificationError("the body is no JSON") from None
