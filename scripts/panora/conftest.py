"""A real server, a provider on loopback, and panora-sdk with what went over the wire."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from panora_sdk import Panora

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sdks/python/tests"))
import program
import upstream as provider


@dataclass
class Door:
    """The SDK, and the last answer that it got: it drops the payload of a passthrough."""

    sdk: Panora
    upstream: provider.Upstream
    token: str
    server: program.Server
    answers: list[httpx.Response] = field(default_factory=list)

    def payload(self) -> Any:
        """The JSON of the last answer."""
        return self.answers[-1].json()

    def request(self, method: str, path: str | None, **rest: Any) -> Any:
        """`passthrough.request` on the connection; gives what went over the wire."""
        dto = {"method": method, "path": path, **rest}
        result = self.sdk.passthrough.request(x_connection_token=self.token, pass_through_request_dto=dto)
        assert type(result).__name__ in ("RequestResponseBody", "RequestPassthroughResponseBody")
        return self.payload()


def make(server: program.Server, upstream: provider.Upstream, external_id: str) -> str:
    """A connection of an end user; gives its token."""
    body = {
        "provider": "custom",
        "credentials": {"token": "secret-of-the-customer"},
        "variables": {"base_url": upstream.url},
        "externalId": external_id,
        "name": "Acme",
    }
    asked = urllib.request.Request(
        server.url + "/v1/connections",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {server.key}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked) as answer:
        return json.load(answer)["token"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[program.Server]:
    with program.running(tmp_path_factory.mktemp("server"), {}) as server:
        yield server


@pytest.fixture(scope="session")
def upstream() -> provider.Upstream:
    return provider.start()


@pytest.fixture
def door(server: program.Server, upstream: provider.Upstream) -> Iterator[Door]:
    door = Door(Panora(api_key=""), upstream, make(server, upstream, "customer-42"), server)

    def note(response: httpx.Response) -> None:
        response.read()
        door.answers.append(response)

    with httpx.Client(trust_env=False, event_hooks={"response": [note]}) as client:
        # The slash at the end is one that people write.
        door.sdk = Panora(api_key=server.key, server_url=server.url + "/", client=client)
        yield door
