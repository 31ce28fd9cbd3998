"""The README's programs run as they stand there, but for address, key and token."""

import re
from pathlib import Path

import pytest
from program import Server

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAMS: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_readme_s_programs_run(program: str, server: Server, token: str, openai_token: str) -> None:
    mine = openai_token if "openai" in program else token
    for shown, real in (("https://passthrough.example", server.url), ("sk_…", server.key), ("con_tkn_…", mine)):
        program = program.replace(shown, real)
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
