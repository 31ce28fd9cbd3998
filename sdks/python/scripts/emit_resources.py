"""Emits the classes of the resources: one line of data per method, once for each of the two colours of Python."""

from typing import Any

from emit_models import HEAD
from operations import (
    ABOUT,
    OPERATIONS,
    Named,
    body_of,
    class_name,
    described_at,
    parameters_name,
    path_names,
    query_of,
)
from schema import docstring, page_item


def answer_of(api: dict[str, Any], operation: Named) -> str:
    """The type of a successful answer, as an expression that is valid at runtime, too."""
    found: list[str] = []
    for status, response in sorted(described_at(api, operation)["responses"].items()):
        for content in response.get("content", {}).values() if status.startswith("2") else ():
            name = content["schema"]["$ref"].rsplit("/", 1)[1]
            item = page_item(name, api["components"]["schemas"])
            found.append(f"Page[models.{item}]" if item else f"models.{name}")
        if status == "204":
            found.append("None")
    return " | ".join(found)


def resources(api: dict[str, Any], asynchronous: bool) -> str:
    """The text of resources/sync.py or resources/asynchronous.py."""
    exchange = "AsyncExchange" if asynchronous else "Exchange"
    text = HEAD + f'"""The resources, {"for async code" if asynchronous else "for plain code"}."""\n\n'
    text += "from __future__ import annotations\n\n"
    text += f"from collections.abc import {'AsyncIterator' if asynchronous else 'Iterator'}\n"
    text += "from typing import Unpack\n\nfrom passthrough_sdk import models, params\n"
    module = "_exchange_async" if asynchronous else "_exchange"
    text += f"from passthrough_sdk.{module} import {exchange}\n"
    text += "from passthrough_sdk._model import Page\nfrom passthrough_sdk._operation import Operation\n"
    text += "from passthrough_sdk._words import RequestOptions\n"
    for resource in dict.fromkeys(one.resource for one in OPERATIONS):
        text += f"\n\nclass {'Async' if asynchronous else ''}{class_name(resource)}:\n"
        text += docstring(ABOUT[resource], 4)
        text += f"\n    def __init__(self, exchange: {exchange}) -> None:\n        self._exchange = exchange\n"
        for operation in OPERATIONS:
            if operation.resource == resource:
                text += method(api, operation, asynchronous)
    return text


def method(api: dict[str, Any], operation: Named, asynchronous: bool) -> str:
    """One method; for a list a second one that goes through all its pages."""
    answer = answer_of(api, operation)
    query = query_of(api, operation)
    names = path_names(operation)
    body = body_of(api, operation)
    taken_by = body or (parameters_name(operation) if query else None)
    taken = f"**keywords: Unpack[{f'params.{taken_by}' if taken_by else 'RequestOptions'}]"
    signed = any("connectionToken" in one for one in described_at(api, operation).get("security", []))
    positional = ["self", *(f"{name}: str" for name in names), *(["x_connection_token: str"] if signed else [])]
    data = [f'"{operation.verb}"', f'"{operation.path}"', "type(None)" if answer == "None" else answer]
    data += ["body=True"] if body else []
    kind = ""
    if answer.endswith(" | None"):
        # A type is no union: what is there is read, and nothing is nothing.
        kind, data[2] = f"[{answer}]", answer.removesuffix(" | None")
    make = f"        operation = Operation{kind}({', '.join(data)})\n"
    passed = "(" + ", ".join(names) + ("," if len(names) == 1 else "") + ")"
    arguments = ["keywords", *([passed] if names or signed else []), *(["x_connection_token"] if signed else [])]
    colour, wait = ("async ", "await ") if asynchronous else ("", "")
    about = described_at(api, operation).get("summary", "")
    doc = docstring(f"`{operation.verb} {operation.path}`: {about}", 8)
    text = f"\n    {colour}def {operation.method}({', '.join(positional)}, {taken}) -> {answer}:\n{doc}"
    text += make
    text += f"        return {wait}self._exchange.call(operation, {', '.join(arguments)})\n"
    if any(one["name"] == "cursor" for one in query):
        item = answer.removeprefix("Page[").removesuffix("]")
        iterator = "AsyncIterator" if asynchronous else "Iterator"
        text += f"\n    def iterate(self, {taken}) -> {iterator}[{item}]:\n"
        text += '        """The same, through all pages: asks for the next one when the last is used up."""\n'
        text += make
        text += "        return self._exchange.iterate(operation, keywords)\n"
    return text
