"""Emits models (what comes back) and parameters (what is given) from openapi.json."""

from typing import Any, cast

from operations import OPERATIONS, body_of, parameters_name, query_of
from schema import described, docstring, page_item, python_type, snake

HEAD = "# Generated from openapi.json by scripts/generate.py. Not edited by hand.\n"

# Never shown by repr: whoever has one of these can act on an account.
SECRETS = {
    "ConnectionWithToken.token",
    "LinkedConnection.token",
    "CreatedApiKey.key",
    "WebhookEndpointWithSecret.secret",
    "CreatedLinkSession.url",
}
BASES = {"PassthroughResponse": "WithHeaders"}
# Written by hand: who gives a header gives one value or several, and numbers in a query.
GIVEN_BY_HAND = {"OneOrMany"}


def refs(schema: Any) -> set[str]:
    """The names that a schema refers to."""
    if isinstance(schema, list):
        return set[str]().union(*(refs(one) for one in cast(list[Any], schema)))
    if not isinstance(schema, dict):
        return set()
    fields = cast(dict[str, Any], schema)
    own = {str(fields["$ref"]).rsplit("/", 1)[1]} if "$ref" in fields else set[str]()
    return own.union(*(refs(one) for one in fields.values()))


def reach(start: set[str], schemas: dict[str, Any]) -> list[str]:
    """Everything that is needed for `start`, in the order of the file."""
    found: set[str] = set()
    open_names = set(start)
    while open_names:
        name = open_names.pop()
        found.add(name)
        open_names |= refs(schemas[name]) - found
    return [name for name in schemas if name in found]


def answers(api: dict[str, Any]) -> set[str]:
    """The names of all answers of the operations that the SDK has."""
    found: set[str] = set()
    for operation in OPERATIONS:
        for status, response in api["paths"][operation.path][operation.verb.lower()]["responses"].items():
            if status.startswith("2"):
                found |= refs(response.get("content", {}))
    return found


def models(api: dict[str, Any]) -> str:
    """The text of models.py."""
    schemas = api["components"]["schemas"]
    wanted = answers(api) | {"ErrorCode", "PassthroughResponse"}
    items = {page_item(name, schemas) for name in wanted} - {None}
    names = [name for name in reach(wanted | {str(item) for item in items}, schemas) if not page_item(name, schemas)]
    aliases = [name for name in names if not is_object(schemas[name])]
    text = HEAD + '"""What the API answers. Times are RFC 3339 with milliseconds, UTC, as strings."""\n\n'
    text += "from __future__ import annotations\n\n"
    text += "from dataclasses import dataclass, field\nfrom typing import Any, Literal\n\n"
    text += "from passthrough_sdk._model import SECRET, Model, Page, WithHeaders\n"
    text += "from passthrough_sdk._words import PassThroughRequestDtoMethod\n\n"
    exported = sorted([*names, "Model", "Page", "PassThroughRequestDtoMethod"])
    text += "__all__ = [\n" + "".join(f'    "{name}",\n' for name in exported) + "]\n"
    for name in aliases:
        text += f"\n{name} = {python_type(schemas[name], given=False)}\n"
        text += docstring(described(schemas[name]), 0)
    # A class stands behind the one that it extends.
    for name in sorted((one for one in names if one not in aliases), key=lambda one: "allOf" in schemas[one]):
        text += model(name, schemas[name])
    return text


def is_object(schema: dict[str, Any]) -> bool:
    return "allOf" in schema or schema.get("type") == "object"


def model(name: str, schema: dict[str, Any]) -> str:
    """One dataclass."""
    base, own = BASES.get(name, "Model"), schema
    if "allOf" in schema:
        base, own = python_type(schema["allOf"][0], False), schema["allOf"][1]
    text = "\n\n@dataclass(frozen=True, kw_only=True, repr=False)\n"
    text += f"class {name}({base}):\n" + docstring(described(schema), 4)
    for key, value in own.get("properties", {}).items():
        required = key in own.get("required", [])
        kind = python_type(value, given=False)
        if not required and "None" not in kind.split(" | "):
            kind += " | None"
        default = "" if required else " = None"
        if f"{name}.{key}" in SECRETS:
            default = " = field(metadata=SECRET)" if required else " = field(default=None, metadata=SECRET)"
        text += f"\n    {snake(key)}: {kind}{default}\n" + docstring(described(value), 4)
    return text


def parameters(api: dict[str, Any]) -> str:
    """The text of params.py."""
    schemas = api["components"]["schemas"]
    text = HEAD + '"""What calls take, as keyword arguments. Each also takes the options of `RequestOptions`."""\n\n'
    text += "from __future__ import annotations\n\nfrom collections.abc import Mapping, Sequence\n"
    text += "from typing import Any, Literal, Required, TypedDict\n\n"
    text += "from passthrough_sdk._words import OneOrMany, PassThroughRequestDtoMethod, RequestOptions\n\n"
    bodies = {body_of(api, operation) for operation in OPERATIONS} - {None, "PassthroughRequest"}
    lists = {parameters_name(one): query_of(api, one) for one in OPERATIONS if query_of(api, one)}
    given = {"PassthroughRequest", *(str(body) for body in bodies)}
    shared = [
        name
        for name in reach(given | refs(list(lists.values())), schemas)
        if name not in GIVEN_BY_HAND | given | {"Method"}
    ]
    exported = sorted([*shared, "PassThroughRequestDto", *(str(body) for body in bodies), *lists])
    text += "__all__ = [\n" + "".join(f'    "{name}",\n' for name in exported) + "]\n"
    for name in shared:
        schema = schemas[name]
        if is_object(schema):
            text += typed_dict(name, "TypedDict", schema)
        else:
            text += f"\n{name} = {python_type(schema, given=True)}\n" + docstring(described(schema), 0)
    text += typed_dict("PassThroughRequestDto", "TypedDict", schemas["PassthroughRequest"])
    for name in sorted(str(body) for body in bodies):
        text += typed_dict(name, "RequestOptions", schemas[name])
    for name, query in sorted(lists.items()):
        properties = {one["name"]: {**one["schema"], "description": one.get("description", "")} for one in query}
        text += typed_dict(
            name, "RequestOptions", {"properties": properties, "description": "What stands in the query."}
        )
    return text


def typed_dict(name: str, base: str, schema: dict[str, Any]) -> str:
    """One class of keyword arguments."""
    text = f"\n\nclass {name}({base}, total=False):\n" + docstring(described(schema), 4)
    for key, value in schema["properties"].items():
        kind = python_type(value, given=True).replace("Method", "PassThroughRequestDtoMethod | str")
        # What is required though it has an empty default (maps, lists, switches) is a fault of the description.
        if key in schema.get("required", []) and value.get("type") not in ("object", "array", "boolean"):
            kind = f"Required[{kind}]"
        elif key in ("body", "base64"):
            kind += " | bytes"
        text += f"\n    {snake(key)}: {kind}\n" + docstring(described(value), 4)
    return text
