"""The programs of the README and of the quick start run as they stand there, but for address, key and token."""

import re
from pathlib import Path

import pytest
from program import Server

SDK = Path(__file__).resolve().parents[1]
README = (SDK / "README.md").read_text(encoding="utf-8")
QUICKSTART = (SDK / "../../docs/QUICKSTART.md").read_text(encoding="utf-8")


def programs(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("program", programs(README))
def test_the_readme_s_programs_run(program: str, server: Server, token: str, openai_token: str) -> None:
    mine = openai_token if "openai" in program else token
    for shown, real in (("https://passthrough.example", server.url), ("sk_…", server.key), ("con_tkn_…", mine)):
        program = program.replace(shown, real)
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})


def test_the_quick_start_s_program_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = programs(QUICKSTART)
    monkeypatch.setenv("PASSTHROUGH_SERVER_URL", server.url)
    monkeypatch.setenv("PASSTHROUGH_API_KEY", server.key)
    monkeypatch.setenv("GITHUB_TOKEN", "real-github-token")
    exec(compile(program, "QUICKSTART.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "200 us\n"
