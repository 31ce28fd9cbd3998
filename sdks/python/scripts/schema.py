"""Reads schemas of openapi.json as Python types."""

import keyword
import re
import textwrap
from typing import Any, cast

WIDTH = 116


def snake(name: str) -> str:
    """`externalId` as `external_id`; the way back must lead to the same name, because the encoder takes it."""
    answer = re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
    if re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), answer) != name:
        raise SystemExit(f"{name} does not survive the way to snake case and back")
    # `from` is a word of Python.
    return answer + "_" if keyword.iskeyword(answer) else answer


def python_type(schema: dict[str, Any], given: bool) -> str:
    """The type of a value: one that the caller gives (`given`: wide), or one that comes back (exact)."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return " | ".join(dict.fromkeys(python_type(one, given) for one in schema[union]))
    if "enum" in schema:
        words = ", ".join(json_string(value) for value in schema["enum"])
        return (
            f"Literal[{words}]"
            if len(words) < WIDTH - 30
            else "Literal[\n    " + words.replace(", ", ",\n    ") + ",\n]"
        )
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " | ".join(python_type({**schema, "type": one}, given) for one in cast(list[str], kind))
    if kind == "array":
        return f"{'Sequence' if given else 'list'}[{python_type(schema.get('items', {}), given)}]"
    if kind == "object":
        values = python_type(schema.get("additionalProperties") or {}, given)
        return f"{'Mapping' if given else 'dict'}[str, {values}]"
    plain = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None", "any": "Any"}
    return plain[kind]


def json_string(value: str) -> str:
    """A string literal in double quotes."""
    return '"' + value + '"'


def docstring(text: str, indent: int) -> str:
    """A docstring of this text, wrapped."""
    pad = " " * indent
    text = " ".join(text.replace("\\", "\\\\").split()) or "…"
    if len(text) + indent + 6 <= WIDTH:
        return f'{pad}"""{text}"""\n'
    lines = textwrap.wrap(text, WIDTH - indent - 3, break_long_words=False, break_on_hyphens=False)
    return pad + '"""' + f"\n{pad}".join(lines) + f'\n{pad}"""\n'


def described(schema: dict[str, Any]) -> str:
    """The description of a property, also where it stands beside a reference inside a union."""
    if schema.get("description"):
        return schema["description"]
    return next((one["description"] for one in schema.get("oneOf", []) if one.get("description")), "")


def page_item(name: str, schemas: dict[str, Any]) -> str | None:
    """The name of what a page of a list holds, where the schema is one."""
    schema = schemas[name]
    if set(schema.get("properties", {})) != {"results", "next"}:
        return None
    items = schema["properties"]["results"]["items"]
    if "$ref" in items:
        return python_type(items, False)
    keys = set(items["properties"])
    return next(other for other, one in schemas.items() if set(one.get("properties", {})) == keys)
