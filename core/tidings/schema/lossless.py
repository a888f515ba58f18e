"""Finds the parts of a value that JSON would lose without an error, with their places.

msgspec writes NaN and the infinities as null, because JSON has no form for them. It writes both of two keys of a `dict`
that become one name (`1` and `"1"`), of which readers keep one. And it copies the bytes of a `msgspec.Raw` unread.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import msgspec

from tidings.protocol.decoding.json_pointer import json_pointer

MAX_DEPTH = 200
"""How deep clients can read lists and objects inside each other."""

_PLAIN = frozenset({str, int, bool, type(None)})
_FINITE = _PLAIN | {float}
_NAMES = frozenset({str})
_LISTS = (list, tuple, set, frozenset)


class Fault:
    """A part of a value for which JSON has no form, and its place."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._place: list[str | int] = []

    def inside(self, part: str | int) -> "Fault":
        """Add the name or number of the part in which it lies; the innermost first."""
        self._place.append(part)
        return self

    def __str__(self) -> str:
        place = json_pointer(reversed(self._place))
        return self.what.format(place=f"at {place[:200]}" if place else "at its top")


def find_loss(value: Any, *, has_nulls: bool, depth: int = 0) -> Fault | None:
    """Return the first part that JSON loses of a value that msgspec has written; None: it loses none.

    Args:
        value: a value that msgspec can write.
        has_nulls: whether the JSON has a `null`: only then a number may have become one.
        depth: of how many lists and objects the value is a part.

    """
    kind = type(value)
    if kind in _PLAIN or (kind is float and not has_nulls):
        return None
    if depth > MAX_DEPTH:
        return Fault(f"what lies more than {MAX_DEPTH} lists and objects deep")
    harmless = _PLAIN if has_nulls else _FINITE
    if kind is dict and _NAMES.issuperset(map(type, value)) and harmless.issuperset(map(type, value.values())):
        return None  # as most results are
    if isinstance(value, dict):
        return _of_keys(value) or _of_values(value.values(), value.items(), has_nulls, depth)
    if isinstance(value, _LISTS):
        return _of_values(value, enumerate(value), has_nulls, depth)
    return _of_object(value, has_nulls, depth)


def _of_values(
    values: Iterable[Any],
    items: Iterable[tuple[Any, Any]],
    has_nulls: bool,
    depth: int,
) -> Fault | None:
    harmless = _PLAIN if has_nulls else _FINITE
    return None if harmless.issuperset(map(type, values)) else _of_items(items, has_nulls, depth)


def find_unwritable(value: Any, write: Callable[[Any], bytes], depth: int = 0) -> Fault | None:
    """Return the part of a value that `write` cannot write; None: it can write all parts."""
    if depth > MAX_DEPTH:
        return Fault(f"what lies more than {MAX_DEPTH} lists and objects deep")
    for part, inner in _parts(value):
        try:
            write(inner)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return (find_unwritable(inner, write, depth + 1) or Fault(_unwritable(inner))).inside(part)
    return None


def _unwritable(value: Any) -> str:
    if isinstance(value, str):
        return "half of a character (a lone surrogate) {place}"
    return f"a {type(value).__name__} {{place}}".replace("{}", "")


def _of_number(number: float) -> Fault | None:
    if math.isfinite(number):
        return None
    return Fault(f"{number} {{place}}: JSON has finite numbers only; say None, or a text")


def _of_keys(value: dict[Any, Any]) -> Fault | None:
    """Find two keys that become one name."""
    if _NAMES.issuperset(map(type, value)):
        return None
    names: set[str] = set()
    for key in value:
        name = key if type(key) is str else _name_of(key)
        if name in names:
            return Fault(f"two keys that both become {_shown(name)} {{place}}; give one of them another name")
        names.add(name)
    return None


def _shown(name: str) -> str:
    return repr(name[:100]).replace("{", "{{").replace("}", "}}")


def _name_of(key: Any) -> str:
    (name,) = msgspec.json.decode(msgspec.json.encode({key: 0}), type=dict[str, int])
    return name


def _of_items(items: Iterable[tuple[Any, Any]], has_nulls: bool, depth: int) -> Fault | None:
    for part, inner in items:
        if type(inner) not in _PLAIN:
            fault = find_loss(inner, has_nulls=has_nulls, depth=depth + 1)
            if fault is not None:
                return fault.inside(part if type(part) in (str, int) else _name_of(part))
    return None


def _of_object(value: Any, has_nulls: bool, depth: int) -> Fault | None:
    if isinstance(value, msgspec.Raw):
        return _of_raw(value)
    if isinstance(value, Enum):
        return find_loss(value.value, has_nulls=has_nulls, depth=depth + 1)
    if isinstance(value, float):
        return _of_number(value)
    # A Pydantic model writes its own numbers, and may mean null: so a null says nothing of them.
    return _of_items(_parts(value), has_nulls and not _is_model(value), depth)


def _is_model(value: Any) -> bool:
    return hasattr(type(value), "model_fields")


def _of_raw(value: msgspec.Raw) -> Fault | None:
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return Fault(f"a msgspec.Raw that is no JSON ({error!s:.100}) {{place}}".replace("{}", ""))
    return None


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return the parts of a value, each with its name or number."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, _LISTS):
        return list(enumerate(value))
    if _is_model(value):
        return list(vars(value).items())
    return [(said, getattr(value, name, None)) for said, name in _fields(value)]


def _fields(value: Any) -> Iterable[tuple[str, str]]:
    """Return the names of an object's fields in JSON, and of their attributes."""
    if isinstance(value, msgspec.Struct):
        return zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, field.name) for field in dataclasses.fields(value)]
    return [(field.name, field.name) for field in getattr(type(value), "__attrs_attrs__", ())]
