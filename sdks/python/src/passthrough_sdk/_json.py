"""JSON that others wrote, read without being led astray by it."""

from __future__ import annotations

import json
from typing import Any


class UnreadableError(Exception):
    """It may well be JSON, but Python does not read it. The message says why, and quotes nothing."""


def read_json(body: bytes) -> Any:
    """The value of a body. Raises `ValueError` where it is no JSON, and `UnreadableError`."""
    try:
        return json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:
        # The bound of `sys.set_int_max_str_digits`.
        raise UnreadableError("it holds an integer with more digits than Python reads") from None
    except RecursionError:
        raise UnreadableError("it is nested deeper than Python reads") from None
