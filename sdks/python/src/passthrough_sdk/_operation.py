"""One operation of the API as data, and its parameters as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote, urlencode

from passthrough_sdk._model import wire_name
from passthrough_sdk._words import RequestOptions
from passthrough_sdk.errors import InvalidRequestError

T = TypeVar("T")
OPTIONS = RequestOptions.__optional_keys__


@dataclass(frozen=True)
class Operation(Generic[T]):
    """What is sent, and what comes back."""

    method: str
    path: str
    """With names in braces, which the caller's values fill in."""

    answer: type[T]
    body: bool = False
    """Whether the parameters go into the body; else into the query."""

    read: bool | None = None
    """Whether it only reads; where nothing is said, the method tells."""

    def reads(self) -> bool:
        """Whether to make it twice is the same as to make it once."""
        return self.method in ("GET", "HEAD", "OPTIONS") if self.read is None else self.read


def split(params: Mapping[str, Any]) -> tuple[RequestOptions, dict[str, Any]]:
    """The options of a call, and the rest under the API's names."""
    options = {name: value for name, value in params.items() if name in OPTIONS}
    rest = {wire_name(name): value for name, value in params.items() if name not in OPTIONS}
    return cast(RequestOptions, options), rest


def fill(path: str, values: Sequence[str]) -> str:
    """The path with its names filled in.

    Each value stays one segment: with `/` or `..` an id could name another operation than the caller meant.
    """
    for value in values:
        if value in ("", ".", ".."):
            raise InvalidRequestError(f"{path}: an id cannot be empty or made of dots")
        start, end = path.index("{"), path.index("}") + 1
        path = path[:start] + quote(value, safe="") + path[end:]
    return path


def query(params: Mapping[str, Any]) -> str:
    """A query with its `?`; what is `None` is left out."""
    pairs = [(name, _text(value)) for name, value in params.items() if value is not None]
    return "?" + urlencode(pairs, quote_via=quote) if pairs else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_json(value: Any) -> bytes:
    """JSON as bytes. Values that JSON does not have are an `InvalidRequestError`."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        # The text of this error names types and, for circles and NaN, nothing of the caller's.
        raise InvalidRequestError(f"the parameters cannot be written as JSON: {error}") from None


def passthrough_request(dto: Mapping[str, Any]) -> dict[str, Any]:
    """A passthrough request under the API's names, with bytes in base64."""
    request = {wire_name(name): value for name, value in dto.items()}
    if isinstance(request.get("body"), bytes | bytearray):
        request |= {"body": _base64(request["body"]), "bodyEncoding": "base64"}
    if request.get("multipart") is not None:
        request["multipart"] = [
            {
                wire_name(name): _base64(value) if isinstance(value, bytes | bytearray) else value
                for name, value in part.items()
            }
            for part in request["multipart"]
        ]
    return request


def _base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode()
