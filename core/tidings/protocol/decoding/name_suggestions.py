"""What a name that is not known was probably meant to be: of fields, options, parameters and settings. Pure."""

import difflib
import types
import typing
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Union

import msgspec

from .json_pointer import json_pointer, msgspec_path_parts

MAX_NAME = 100
"""Characters of a name that is compared and repeated; a longer one is no slip of the hand."""

_MAX_PATH = 1_000
"""Characters of a place that is looked at: our requests are shallow, and the rest may be part of a name."""

_SHOWN = 12
"""How many known names are listed where none is close."""

_OTHER_WORDS = {
    "idempotencykey": "key",
    "dedupkey": "key",
    "payload": "input",
    "args": "input",
    "kwargs": "input",
    "params": "input",
    "data": "input",
    "name": "kind",
    "task": "kind",
    "countdown": "delay",
    "runat": "at",
    "eta": "at",
    "expires": "deadline",
    "timeout": "deadline",
    "traceparent": "traceparent",
    "lasteventid": "after",
    "redisurl": "storeurl",
    "valkeyurl": "storeurl",
    "brokerurl": "storeurl",
    "concurrency": "slots",
}
"""What other queues and headers call our fields and settings, in the form of `_plain`."""


def closest_name(name: str, known: Collection[str]) -> str | None:
    """Return the known name that was probably meant; None: no known name is close."""
    if len(name) > MAX_NAME:
        return None
    plain = {_plain(one): one for one in sorted(known)}
    wanted = _plain(name)
    if wanted in plain:
        return plain[wanted]
    other = _OTHER_WORDS.get(wanted)
    if other in plain:
        return plain[other]
    found = difflib.get_close_matches(wanted, plain, n=1)
    return plain[found[0]] if found else None


def name_hint(name: str, known: Collection[str]) -> str:
    """Return what to write in place of a name that is not known, in words."""
    near = closest_name(name, known)
    if near is not None:
        return f"did you mean `{near}`?"
    if not known:
        return "none is taken here"
    some = sorted(known)[:_SHOWN]
    return f"there are: {', '.join(some)}{', …' if len(known) > len(some) else ''}"


def shortened_name(name: str) -> str:
    """Return a name in a length for people."""
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def explain_unknown_field(message: str, type_: Any) -> tuple[str, str] | None:
    """Explain what msgspec says of a field that `type_` does not have.

    Args:
        message: the text of a `msgspec.ValidationError`; the name in it may hold anything, and be long.
        type_: what was decoded: a Struct, or what holds some.

    Returns:
        What is wrong, and the JSON Pointer to it, or to what holds it where the name is too long; None: the message
        is about something else.

    """
    head = "Object contains unknown field `"
    if not message.startswith(head):
        return None
    name, found, path = message[len(head) : -1].rpartition("` - at `$")
    if not found:
        name, path = path, ""
    steps = msgspec_path_parts(path) if len(path) <= _MAX_PATH else []
    known = _fields_at(type_, steps)
    place: list[str | int] = [*steps, name] if len(name) <= MAX_NAME else [*steps]
    what = f"there is no field `{shortened_name(name)}`"
    return what if known is None else f"{what}; {name_hint(name, known)}", json_pointer(place)


def _plain(name: str) -> str:
    """Return a name without what people write in different ways: `correlationId`, `Correlation-ID`."""
    return name.replace("-", "").replace("_", "").replace(" ", "").casefold()


def _fields_at(type_: Any, steps: list[str]) -> list[str] | None:
    """Return the names of the fields of the Struct to which a path leads; None: it leads to no Struct."""
    for step in steps:
        inner = _struct_of(type_)
        if inner is None:
            return None
        types_by_name = {field.encode_name: field.type for field in msgspec.structs.fields(inner)}
        type_ = types_by_name.get(step, type_)  # an index, or the key of a mapping, stays with what holds it
    found = _struct_of(type_)
    return None if found is None else [field.encode_name for field in msgspec.structs.fields(found)]


def _struct_of(type_: Any) -> "type[msgspec.Struct] | None":
    """Return the Struct that a type is or holds."""
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return type_
    origin = typing.get_origin(type_)
    if origin is Annotated or origin in (Union, types.UnionType, list, tuple, dict, Mapping):
        for part in typing.get_args(type_):
            inner = _struct_of(part)
            if inner is not None:
                return inner
    return None
