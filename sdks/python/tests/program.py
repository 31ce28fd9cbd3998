"""Starts the real server, private and on a free port. Standard library only: other test suites use it, too.

The program is found by `PASSTHROUGH_BINARY`; where that is not set it is the debug build of this repository.
"""

import os
import re
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PASSTHROUGH_BINARY", ROOT / "target/debug/passthrough"))
LOOPBACK = "127.0.0.0/8,::1/128"
AFTER_LINKING = "http://127.0.0.1:9/linked"
"""Where a user is sent who has linked an account."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    key: str
    """An API key of the environment `default`."""


@contextmanager
def running(folder: Path, providers: dict[str, str]) -> Generator[Server]:
    """A server with its data in `folder`, loopback opened, and these provider files in place of the catalog's own."""
    (folder / "providers").mkdir()
    for code, text in providers.items():
        (folder / f"providers/{code}.toml").write_text(text, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PASSTHROUGH_")}
    environment = inherited | {
        "PASSTHROUGH_UPSTREAM__ALLOW": LOOPBACK,
        "PASSTHROUGH_UPSTREAM__ALLOW_HTTP": LOOPBACK,
        "PASSTHROUGH_LINK__REDIRECT_URLS": AFTER_LINKING,
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
        if found := re.search(r"listening on (\S+)\n", log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"the server does not come up:\n{log.read_text(encoding='utf-8')}")


def at(url: str, code: str) -> str:
    """The catalog's own file of a provider, at another address: how it places the credential stays what it is."""
    text = (ROOT / f"providers/{code}.toml").read_text(encoding="utf-8")
    return re.sub(r"(?m)^base_url = .*$", f'base_url = "{url}"', text)
