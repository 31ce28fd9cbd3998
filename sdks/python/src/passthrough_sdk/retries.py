"""When a call that failed is made again. Pure: it is told what happened, and says how long to wait."""

from __future__ import annotations

import email.utils
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

RETRY_CODES = ("429", "500", "502", "503", "504")


@dataclass(frozen=True)
class BackoffStrategy:
    """Waits that grow: the n-th is `initial_interval * exponent ** n`, up to half of it more by chance."""

    initial_interval: int = 500
    """Milliseconds before the second try."""

    max_interval: int = 60_000
    """The longest wait between two tries, in milliseconds. `Retry-After` may ask for more."""

    exponent: float = 1.5
    """How much longer each wait is than the one before."""

    max_elapsed_time: int = 3_600_000
    """No wait may end later than so many milliseconds after the first try began."""


@dataclass(frozen=True)
class RetryConfig:
    """Whether and how calls are made again."""

    strategy: Literal["none", "backoff"] = "backoff"

    backoff: BackoffStrategy = field(default_factory=BackoffStrategy)

    retry_connection_errors: bool = True
    """Whether also where there was no answer: no connection, one that broke, or a timeout."""

    repeat_writes: bool = False
    """Whether also what may have been carried out already. A second order, a second mail may follow."""


DEFAULT = RetryConfig(backoff=BackoffStrategy(max_interval=8_000, max_elapsed_time=10_000))
"""For who says nothing: only what cannot do harm twice, for ten seconds at most."""

HOPELESS = ("decode", "too_large", "total_timeout")
"""Reasons that a second try would meet again."""


@dataclass(frozen=True)
class Failure:
    """What came of a try."""

    sent: str
    """Whether the request may have had its effect: `no`, `unknown`, `yes`."""

    status: int | None = None
    """The server's status; `None` where there was no answer."""

    retryable: bool = False
    """The server's word that the same request may succeed later and is safe to repeat."""

    origin: str = ""
    """Whose fault the server says it is."""

    reason: str = ""
    """What the server says is behind its code."""

    retry_after: float | None = None
    """Seconds that the server asked for."""


@dataclass
class Tries:
    """The tries of one call."""

    config: RetryConfig
    codes: Sequence[str] | None
    read: bool
    """Whether the call only reads, so that a second time changes nothing."""

    count: int = 0

    def wait_after(self, failure: Failure, elapsed: float) -> float | None:
        """Seconds to wait before the next try; `None` where there is to be none.

        `elapsed` is the number of seconds since the first try began.
        """
        if self.config.strategy != "backoff" or not self._worthwhile(failure) or not self._harmless(failure):
            return None
        backoff = self.config.backoff
        wait = min(backoff.initial_interval * backoff.exponent**self.count, backoff.max_interval) / 1000
        wait = min(wait * random.uniform(1.0, 1.5), backoff.max_interval / 1000)
        # Earlier than the server asks for would be a refusal once more, and cost both sides. Earlier than the pause
        # grows, because the server says 0, would be a loop that never rests.
        if failure.retry_after is not None:
            wait = max(wait, failure.retry_after)
        self.count += 1
        return wait if elapsed + wait <= backoff.max_elapsed_time / 1000 else None

    def _worthwhile(self, failure: Failure) -> bool:
        if failure.status is None:
            return self.config.retry_connection_errors
        if not matches(failure.status, self.codes if self.codes is not None else RETRY_CODES):
            return False
        # What the caller or the connection must mend does not mend itself, nor does an answer that was not understood,
        # and the deadline of the call that has passed was the caller's. Codes that the caller named are obeyed.
        hopeless = failure.origin in ("caller", "connection") or failure.reason in HOPELESS
        return self.codes is not None or failure.retryable or not hopeless

    def _harmless(self, failure: Failure) -> bool:
        # An answer's `sent` is about the provider alone: the server may have changed something of its own.
        untouched = failure.sent == "no" if failure.status is None else failure.retryable
        return self.read or self.config.repeat_writes or untouched


def matches(status: int, codes: Sequence[str]) -> bool:
    """Whether a status is among codes such as `503` and `5XX`."""
    return any(code == str(status) or code.upper() == f"{status // 100}XX" for code in codes)


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """`Retry-After` (RFC 9110, 10.2.3) in seconds, fractions too; a date is taken from `now` (unix seconds).

    Anything else counts as none: a sign, an exponent, two values, a date that is not written as HTTP has it.
    """
    if value is None:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        seconds = float(value)
        return seconds if math.isfinite(seconds) else None
    try:
        date = email.utils.parsedate_to_datetime(value)
        # The reader is lenient; what it read must be what stands there.
        if email.utils.format_datetime(date, usegmt=True) != value:
            return None
        return max(date.timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None
