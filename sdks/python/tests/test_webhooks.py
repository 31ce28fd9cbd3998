"""Signatures of webhooks, by themselves."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from passthrough_sdk import InvalidRequestError, SDKValidationError, WebhookVerificationError
from passthrough_sdk.webhooks import verify

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
EVENT = {"id": "evt_1", "type": "connection.created", "timestamp": "2026-11-22T10:20:31.118Z", "data": {"a": 1}}
BODY = json.dumps(EVENT).encode()
NOW = 1_700_000_000


def signed(body: bytes = BODY, at: int | str = NOW) -> dict[str, str]:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"evt_1.{at}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(at), "Webhook-Signature": f"v1,AAAA {signature}"}


def test_a_sound_message_is_an_event() -> None:
    event = verify(BODY, signed(), SECRET, now=NOW + 299)
    assert (event.id, event.type, event.data) == ("evt_1", "connection.created", {"a": 1})


@pytest.mark.parametrize(
    ("change", "now"),
    [
        ({}, NOW + 301),
        ({}, NOW - 301),
        ({"Webhook-Timestamp": str(NOW + 1)}, NOW),
        ({"Webhook-Timestamp": "²"}, NOW),
        ({"Webhook-Timestamp": "nan"}, NOW),
        ({"Webhook-Timestamp": "9" * 5000}, NOW),
        ({"Webhook-Id": "evt_2"}, NOW),
        ({"Webhook-Id": "\udcff"}, NOW),
        ({"Webhook-Id": ["evt_1"]}, NOW),
        ({"Webhook-Signature": None}, NOW),
        ({"Webhook-Signature": "v1,\udcff"}, NOW),
        ({}, float("nan")),
        ({"Webhook-Signature": ""}, NOW),
        ({"Webhook-Signature": signed()["Webhook-Signature"].replace("v1,", "v2,")}, NOW),
        ({"Webhook-Signature": "v1,not base64"}, NOW),
    ],
)
def test_any_change_is_refused(change: dict[str, Any], now: float) -> None:
    with pytest.raises(WebhookVerificationError):
        verify(BODY, signed() | change, SECRET, now=now)


def test_what_cannot_be_checked_is_refused() -> None:
    secrets: list[Any] = ["", "whsec_", "whsec_%%%", "whsec_ä", "\udcff", None, SECRET.encode(), 7]
    for secret in secrets:
        with pytest.raises(WebhookVerificationError):
            verify(BODY, signed(), secret, now=NOW)
    with pytest.raises(WebhookVerificationError, match="webhook-id"):
        verify(BODY, {}, SECRET, now=NOW)
    with pytest.raises(WebhookVerificationError):
        verify(b"no json", signed(b"no json"), SECRET, now=NOW)
    with pytest.raises(SDKValidationError):
        verify(b"[]", signed(b"[]"), SECRET, now=NOW)
    for body in (b"[" * 200_000, b"9" * 5_000):
        with pytest.raises(WebhookVerificationError, match="cannot be read"):
            verify(body, signed(body), SECRET, now=NOW)


def test_arguments_that_would_switch_a_check_off_are_refused() -> None:
    tolerances: list[Any] = [float("nan"), float("inf"), -1]
    for tolerance in tolerances:
        with pytest.raises(InvalidRequestError, match="tolerance_s"):
            verify(BODY, signed(), SECRET, now=NOW + 10**6, tolerance_s=tolerance)
    text: Any = BODY.decode()
    with pytest.raises(InvalidRequestError, match="bytes"):
        verify(text, signed(), SECRET, now=NOW)
