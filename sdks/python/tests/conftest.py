"""A real server, a provider on loopback, and clients of them."""

import os
from collections.abc import AsyncIterator, Iterator

import program
import pytest
import upstream as provider
from program import Server
from upstream import ANTHROPIC_KEY, OPENAI_KEY, Upstream

from passthrough_sdk import AsyncPassthrough, Passthrough

KEY = "real-customer-key"


@pytest.fixture(scope="session")
def upstream() -> Upstream:
    return provider.start()


@pytest.fixture(scope="session")
def server(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    files = {code: program.at(upstream.url, code) for code in ("openai", "anthropic", "github")}
    with program.running(tmp_path_factory.mktemp("server"), files) as server:
        yield server


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies and settings of whoever runs the tests are left out."""
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name in ("PASSTHROUGH_API_KEY", "PASSTHROUGH_SERVER_URL"):
            monkeypatch.delenv(name)


@pytest.fixture
def passthrough(server: Server) -> Iterator[Passthrough]:
    with Passthrough(server.key, server.url) as client:
        yield client


@pytest.fixture
async def async_passthrough(server: Server) -> AsyncIterator[AsyncPassthrough]:
    async with AsyncPassthrough(server.key, server.url) as client:
        yield client


def connect(server: Server, provider: str, credentials: dict[str, str], variables: dict[str, str]) -> str:
    """A connection's token."""
    with Passthrough(server.key, server.url) as client:
        return client.connections.create(provider=provider, credentials=credentials, variables=variables).token


@pytest.fixture(scope="session")
def token(server: Server, upstream: Upstream) -> str:
    """A connection to the provider's echo."""
    return connect(server, "custom", {"token": KEY}, {"base_url": upstream.url})


@pytest.fixture(scope="session")
def openai_token(server: Server) -> str:
    return connect(server, "openai", {"api_key": OPENAI_KEY}, {})


@pytest.fixture(scope="session")
def anthropic_token(server: Server) -> str:
    return connect(server, "anthropic", {"api_key": ANTHROPIC_KEY}, {})
