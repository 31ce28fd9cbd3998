"""Calls in async code. Its twin for plain code is `_exchange.py`: a change here is a change there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import httpx

from passthrough_sdk._call import Call, answer, prepare
from passthrough_sdk._exchange import whole
from passthrough_sdk._model import Page
from passthrough_sdk._operation import Operation
from passthrough_sdk._settings import Settings
from passthrough_sdk.errors import PassthroughError, SDKError, bare, of_httpx

T = TypeVar("T")


GRACE = 0.05
"""Seconds: httpx's own timeout of a connect knows that nothing was sent, and comes first."""


@contextmanager
def until(deadline: float, late: Callable[[], PassthroughError]) -> Generator[None]:
    """What is sent and read inside has to be over at `deadline`, else it is `late`: httpx bounds reads singly."""
    with anyio.move_on_after(deadline - time.monotonic() + GRACE) as scope:
        yield
    if scope.cancelled_caught:
        raise late()


class AsyncExchange:
    """Sends calls to one server."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.client = client

    async def call(
        self, operation: Operation[T], params: Mapping[str, Any], path: Sequence[str] = (), token: str | None = None
    ) -> T:
        """Makes a call, again where that is allowed, and reads its answer."""
        call = prepare(self.settings, operation, params, path, token)
        while True:
            try:
                return answer(operation, await self.read(call))
            except PassthroughError as error:
                await anyio.sleep(call.wait_after(error))

    async def iterate(self, operation: Operation[Page[T]], params: Mapping[str, Any]) -> AsyncIterator[T]:
        """All entries of a list, page by page."""
        while True:
            page = await self.call(operation, params)
            for entry in page.results:
                yield entry
            if page.next is None:
                return
            params = {**params, "cursor": page.next}

    async def read(self, call: Call) -> httpx.Response:
        """One try: the answer with its whole body."""
        deadline = call.deadline()
        with until(deadline, call.late):
            return await self.finish(await self.open(call), call, deadline)

    async def finish(self, response: httpx.Response, call: Call, deadline: float) -> httpx.Response:
        """An open answer with its whole body."""
        body = bytearray()
        try:
            async for piece in response.aiter_bytes():
                body += piece
                call.in_time(deadline)
        except httpx.HTTPError as error:
            raise of_httpx(error, self.settings.server_url) from error
        finally:
            await response.aclose()
        return whole(response, bytes(body))

    async def open(self, call: Call) -> httpx.Response:
        """One try: the head of the answer. Redirects are not followed, because the API key would go along."""
        try:
            response = await self.client.send(call.request(), stream=True, auth=None, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise of_httpx(error, self.settings.server_url) from error
        # A raw answer is in the caller's hands.
        response.request = bare(response.request)
        call.log(response)
        return response

    async def stream(self, call: Call) -> httpx.Response:
        """The head of a successful answer whose body is read by the caller; tried again where that is allowed."""
        while True:
            try:
                deadline = call.deadline()
                with until(deadline, call.late):
                    response = await self.open(call)
                    if response.is_success:
                        return response
                    raise SDKError.of(await self.finish(response, call, deadline))
            except PassthroughError as error:
                await anyio.sleep(call.wait_after(error))
