"""A real server, a provider on loopback, and clients of them.

The program is found by `PASSTHROUGH_BINARY`; where that is not set it is the debug build of this repository.
"""

import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import upstream as provider
from upstream import ANTHROPIC_KEY, OPENAI_KEY, Upstream

from passthrough_sdk import AsyncPassthrough, Passthrough

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PASSTHROUGH_BINARY", ROOT / "target/debug/passthrough"))
LOOPBACK = "127.0.0.0/8,::1/128"
KEY = "real-customer-key"


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    key: str


@pytest.fixture(scope="session")
def upstream() -> Upstream:
    return provider.start()


@pytest.fixture(scope="session")
def server(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "providers").mkdir()
    # The catalog's own files, at another address: what is tested is how the real ones place the credential.
    for code in ("openai", "anthropic"):
        text = (ROOT / f"providers/{code}.toml").read_text(encoding="utf-8")
        text = re.sub(r'(?m)^base_url = .*$', f'base_url = "{upstream.url}"', text)
        (folder / f"providers/{code}.toml").write_text(text, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PASSTHROUGH_")}
    environment = inherited | {
        "PASSTHROUGH_UPSTREAM__ALLOW": LOOPBACK,
        "PASSTHROUGH_UPSTREAM__ALLOW_HTTP": LOOPBACK,
        "PASSTHROUGH_PROVIDERS_DIR": str(folder / "providers"),
        "PASSTHROUGH_DATA_DIR": str(folder / "data"),
        "PASSTHROUGH_LISTEN": "127.0.0.1:0",
    }
    with (folder / "key").open("wb") as key, (folder / "log").open("wb") as log:
        process = subprocess.Popen([BINARY, "serve"], env=environment, stdout=key, stderr=log)
    try:
        yield Server(listening(folder / "log", process), (folder / "key").read_text(encoding="utf-8").strip())
    finally:
        process.terminate()
        process.wait(30)


def listening(log: Path, process: "subprocess.Popen[bytes]") -> str:
    """The server's URL, once it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"listening on (\S+)", log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"the server does not come up:\n{log.read_text(encoding='utf-8')}")


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
