"""Calls in plain code. Its twin for async code is `_exchange_async.py`: a change here is a change there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from passthrough_sdk._call import Call, answer, prepare
from passthrough_sdk._deadline import until
from passthrough_sdk._model import Page
from passthrough_sdk._operation import Operation
from passthrough_sdk._settings import Settings
from passthrough_sdk.errors import PassthroughError, SDKError, bare, of_httpx

T = TypeVar("T")


class Exchange:
    """Sends calls to one server."""

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        self.settings = settings
        self.client = client

    def call(
        self, operation: Operation[T], params: Mapping[str, Any], path: Sequence[str] = (), token: str | None = None
    ) -> T:
        """Makes a call, again where that is allowed, and reads its answer."""
        call = prepare(self.settings, operation, params, path, token)
        while True:
            try:
                return answer(operation, self.read(call))
            except PassthroughError as error:
                time.sleep(call.wait_after(error))

    def iterate(self, operation: Operation[Page[T]], params: Mapping[str, Any]) -> Iterator[T]:
        """All entries of a list, page by page."""
        while True:
            page = self.call(operation, params)
            yield from page.results
            if page.next is None:
                return
            params = {**params, "cursor": page.next}

    def read(self, call: Call) -> httpx.Response:
        """One try: the answer with its whole body."""
        deadline = call.deadline()
        with until(deadline, call.late):
            return self.finish(self.open(call), call, deadline)

    def finish(self, response: httpx.Response, call: Call, deadline: float) -> httpx.Response:
        """An open answer with its whole body."""
        body = bytearray()
        try:
            for piece in response.iter_bytes():
                body += piece
                call.in_time(deadline)
        except httpx.HTTPError as error:
            raise of_httpx(error, self.settings.server_url) from error
        finally:
            response.close()
        return whole(response, bytes(body))

    def open(self, call: Call) -> httpx.Response:
        """One try: the head of the answer. Redirects are not followed, because the API key would go along."""
        try:
            response = self.client.send(call.request(), stream=True, auth=None, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise of_httpx(error, self.settings.server_url) from error
        # A raw answer is in the caller's hands.
        response.request = bare(response.request)
        call.log(response)
        return response

    def stream(self, call: Call) -> httpx.Response:
        """The head of a successful answer whose body is read by the caller; tried again where that is allowed."""
        while True:
            try:
                deadline = call.deadline()
                with until(deadline, call.late):
                    response = self.open(call)
                    if response.is_success:
                        return response
                    raise SDKError.of(self.finish(response, call, deadline))
            except PassthroughError as error:
                time.sleep(call.wait_after(error))


def whole(response: httpx.Response, body: bytes) -> httpx.Response:
    """A response with its decoded body at hand, without the key and the token that its request had."""
    plain = [(name, value) for name, value in response.headers.multi_items() if name.lower() != "content-encoding"]
    return httpx.Response(response.status_code, headers=plain, content=body, request=bare(response.request))
