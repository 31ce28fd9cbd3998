"""Where server and key come from."""

import pytest
from program import Server

from passthrough_sdk import InvalidRequestError, Passthrough


def test_the_environment_says_what_the_program_does_not(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSTHROUGH_API_KEY", server.key)
    monkeypatch.setenv("PASSTHROUGH_SERVER_URL", server.url + "/")
    with Passthrough() as passthrough:
        assert passthrough.providers.get("github").name == "GitHub"


def test_a_key_may_be_asked_for_at_each_try(server: Server) -> None:
    keys = iter([server.key, server.key])
    with Passthrough(lambda: next(keys), server.url) as passthrough:
        passthrough.providers.list()
        passthrough.providers.list()
    assert next(keys, None) is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "passthrough.example",
        "http://passthrough.example",
        "https://u:p@host",
        "https://host/?a",
        "https://:1",
        "http://127.0.0.1\n",
        "https://host\n",
        "https://ho\tst",
        " https://host",
        "https://host/a b",
        "https://host\\@other",
        "https://host/?",
        "https://host/#",
        "https://host?",
    ],
)
def test_a_url_that_would_give_the_key_away_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        Passthrough("sk_1", url)


def test_a_proxy_of_the_environment_does_not_see_plain_http(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Passthrough(server.key, server.url) as passthrough:
        assert passthrough.health.live().status == "ok"


def test_plain_http_to_another_machine_needs_a_word() -> None:
    Passthrough("sk_1", "http://passthrough.internal:8080", allow_plain_http=True).close()
    with pytest.raises(InvalidRequestError, match="PASSTHROUGH_API_KEY"):
        Passthrough()
