"""Answers of the raw passthrough, read piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx

from passthrough_sdk._call import AS_TEXT, SOURCE
from passthrough_sdk._json import UnreadableError, read_json
from passthrough_sdk._model import decode
from passthrough_sdk.errors import SDKValidationError, of_httpx
from passthrough_sdk.models import PassthroughResponse


class RawHead:
    """The head of a raw answer."""

    def __init__(self, response: httpx.Response, server_url: str) -> None:
        self.http = response
        """The answer as httpx has it."""
        self._server_url = server_url

    @property
    def source(self) -> str:
        """`provider`: the body is the provider's own bytes; `envelope`: it answered no 2xx, and the body says what."""
        return self.http.headers.get(SOURCE, "")

    @property
    def status_code(self) -> int:
        """The provider's status where `source` is `provider`; that of the envelope is inside."""
        return self.http.status_code

    @property
    def headers(self) -> httpx.Headers:
        """Those headers of the provider that `/v1/passthrough/raw` passes on, and the server's."""
        return self.http.headers

    @property
    def request_id(self) -> str:
        """`req_…`: the record's id."""
        return self.http.headers.get("passthrough-request-id", "")

    def _envelope(self, body: bytes) -> PassthroughResponse:
        try:
            value = read_json(body)
        except UnreadableError as error:
            raise SDKValidationError(f"the envelope cannot be read: {error}{AS_TEXT}") from None
        except ValueError:
            raise SDKValidationError("the envelope is no JSON") from None
        return decode(PassthroughResponse, value)


class RawResponse(RawHead):
    """A raw answer, in plain code."""

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, piece by piece, content codings undone."""
        try:
            yield from self.http.iter_bytes()
        except httpx.HTTPError as error:
            raise of_httpx(error, self._server_url) from error

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.iter_bytes())

    def envelope(self) -> PassthroughResponse:
        """The envelope, where `source` is `envelope`."""
        return self._envelope(self.read())


class AsyncRawResponse(RawHead):
    """A raw answer, in async code."""

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, piece by piece, content codings undone."""
        try:
            async for piece in self.http.aiter_bytes():
                yield piece
        except httpx.HTTPError as error:
            raise of_httpx(error, self._server_url) from error

    async def aread(self) -> bytes:
        """The whole body."""
        return b"".join([piece async for piece in self.aiter_bytes()])

    async def envelope(self) -> PassthroughResponse:
        """The envelope, where `source` is `envelope`."""
        return self._envelope(await self.aread())
