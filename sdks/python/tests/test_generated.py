"""What is generated from openapi.json is up to date, and nothing of the API is left out."""

import json
import subprocess
import sys
from pathlib import Path

from passthrough_sdk import PassThroughRequestDtoMethod

SDK = Path(__file__).resolve().parents[1]
API = json.loads((SDK / "../../openapi.json").read_text(encoding="utf-8"))


def test_the_generated_files_are_those_that_would_be_written_now() -> None:
    done = subprocess.run([sys.executable, SDK / "scripts/generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_operation_of_the_api_is_a_method() -> None:
    sys.path.insert(0, str(SDK / "scripts"))
    from operations import BY_HAND, DIALECTS, OPERATIONS

    table = {(one.verb.lower(), one.path) for one in OPERATIONS}
    described = {
        (verb, path)
        for path, verbs in API["paths"].items()
        for verb, operation in verbs.items()
        if path not in BY_HAND and not DIALECTS & set(operation["tags"])
    }
    assert table == described


def test_the_methods_are_those_of_the_api() -> None:
    assert {str(one) for one in PassThroughRequestDtoMethod} == set(API["components"]["schemas"]["Method"]["enum"])


def test_plain_and_async_code_send_in_the_same_way() -> None:
    def methods(name: str) -> list[str]:
        text = (SDK / f"src/passthrough_sdk/{name}.py").read_text(encoding="utf-8").split("\nclass ", 1)[1]
        return text.split("\n\n\ndef ")[0].split("\n\n")

    plain = methods("_exchange")
    twin = methods("_exchange_async")
    words = (
        ("async ", ""),
        ("await ", ""),
        ("Async", ""),
        ("aiter_", "iter_"),
        ("aclose", "close"),
        ("anyio.", "time."),
    )
    for one, other in zip(plain, twin, strict=True):
        for colour, without in words:
            other = other.replace(colour, without)
        # Only a plain generator can hand over to another.
        one = one.replace("yield from page.results", "for entry in page.results:\n                yield entry")
        assert one.rstrip() == other.rstrip()
