"""What all models share: how they are read from JSON and how they print."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from passthrough_sdk.errors import SDKValidationError

T = TypeVar("T")
SECRET: Mapping[str, Any] = types.MappingProxyType({"secret": True})


class Model:
    """An object of the API. Fields that this version does not know are left out."""

    def __repr__(self) -> str:
        """All fields that are there; secrets as `***`, so that no log and no traceback holds one."""
        shown: list[str] = []
        for field in dataclasses.fields(cast(Any, self)):
            value = getattr(self, field.name)
            if value is not None:
                shown.append(f"{field.name}={'***' if field.metadata.get('secret') else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Page(Model, Generic[T]):
    """One page of a list, newest first."""

    results: list[T]
    """The entries."""

    next: str | None = None
    """Where there is more: what to give as `cursor`."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


class WithHeaders:
    """For models with headers: finds one whatever its spelling."""

    def header(self, name: str) -> str | None:
        """The value of a header, names compared without regard to case; of several, the first."""
        headers: dict[str, str | list[str]] = getattr(self, "headers", {})
        for known, value in headers.items():
            if known.lower() == name.lower():
                return value if isinstance(value, str) else value[0]
        return None

    def __repr__(self) -> str:
        return Model.__repr__(cast(Any, self))


def wire_name(name: str) -> str:
    """`external_id` as `externalId`: the API's own spelling."""
    # `from_` is `from`, which Python keeps for itself.
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


@functools.cache
def _fields_of(kind: Any) -> tuple[tuple[str, str, Any, bool], ...]:
    """Name, name on the wire, type and whether it must be there, of each field of a model."""
    hints = typing.get_type_hints(kind)
    return tuple(
        (field.name, wire_name(field.name), hints[field.name], field.default is dataclasses.MISSING)
        for field in dataclasses.fields(kind)
    )


def decode(kind: Any, value: Any, where: str = "answer") -> Any:
    """`value`, as JSON has it, as a `kind`: a model, a page, a list, a map, or something plain.

    Raises `SDKValidationError`, which says where the shape is another one and never what stood there.
    """
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), value, where)
    if origin is typing.Literal:
        kind = str  # A newer server may know more words.
    elif origin is Page:
        items = list[typing.get_args(kind)[0]]
        page = _expect(dict, value, where)
        return Page(results=decode(items, page.get("results"), f"{where}.results"), next=page.get("next"))
    elif origin is list:
        item = typing.get_args(kind)[0]
        return [decode(item, one, f"{where}[{n}]") for n, one in enumerate(_expect(list, value, where))]
    elif origin is dict:
        item = typing.get_args(kind)[1]
        return {key: decode(item, one, f"{where}.{key}") for key, one in _expect(dict, value, where).items()}
    elif dataclasses.is_dataclass(kind):
        fields = _expect(dict, value, where)
        found = {
            name: decode(hint, fields.get(wire), f"{where}.{wire}")
            for name, wire, hint, required in _fields_of(kind)
            if required or fields.get(wire) is not None
        }
        return cast(Any, kind)(**found)
    return _expect(kind, value, where)


def _decode_union(options: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in options:
        return None
    rest = [one for one in options if one is not types.NoneType]
    for option in rest[:-1]:
        try:
            return decode(option, value, where)
        except SDKValidationError:
            continue
    return decode(rest[-1], value, where)


def _expect(kind: Any, value: Any, where: str) -> Any:
    # In Python a bool is an int.
    fits = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    if kind is float and isinstance(value, int):
        fits = not isinstance(value, bool)
    if not fits:
        raise SDKValidationError(f"{where} does not have the expected shape: it is no {kind.__name__}")
    return value
