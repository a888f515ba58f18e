"""The schemas of kinds as tools have them. Pure.

The protocol wants an object at the root of a tool's schemas (up to version 2025-11-25 also of what it returns), and
`"type": "object"` where msgspec writes a reference.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from tidings.protocol.kinds.schema_reference import component_name, resolve_reference

RESULT = "result"
"""The field that holds a result which is no object, as other servers name it too."""


class ResultForm(Enum):
    """How the result of a kind is the structured content of its tool."""

    UNTOLD = "untold"
    """The kind does not say what it returns: an object is the content itself, anything else is text alone."""
    OBJECT = "object"
    """It is the content itself."""
    FIELD = "field"
    """It is the field `result` of the content."""


def input_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a tool's arguments for that of a kind's input, which is an object.

    Raises:
        ValueError: a reference in it leads nowhere.

    """
    return _rooted(schema)


def output_schema(schema: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, ResultForm]:
    """Return the schema of what a tool returns, and how a result fits it; None: the kind does not say what it returns.

    Raises:
        ValueError: a reference in it leads nowhere.

    """
    if not schema:  # `{}` is anything
        return None, ResultForm.UNTOLD
    if resolve_reference(schema, schema).get("type") == "object":
        return _rooted(schema), ResultForm.OBJECT
    inner = dict(schema)
    shared = inner.pop("$defs", None)
    wrapped: dict[str, Any] = {"type": "object", "properties": {RESULT: inner}, "required": [RESULT]}
    if shared:
        wrapped["$defs"] = shared  # so that references from the root still find them
    return wrapped, ResultForm.FIELD


def structured(value: Any, shape: ResultForm) -> dict[str, Any] | None:
    """Return a result as structured content; None: it has no form as such."""
    if shape is ResultForm.FIELD:
        return {RESULT: value}
    return value if isinstance(value, dict) else None


def _rooted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose root is no reference, and says that it is an object."""
    root = {**resolve_reference(schema, schema), "type": "object"}
    root.pop("$defs", None)
    shared = schema.get("$defs") or {}
    needed: dict[str, Any] = {}
    unread = [root]
    while unread:
        for name in _named(unread.pop()):
            if name in shared and name not in needed:
                needed[name] = shared[name]
                unread.append(shared[name])
    return {**root, "$defs": {name: shared[name] for name in shared if name in needed}} if needed else root


def _named(part: Any) -> Iterator[str]:
    """Yield the names in `$defs` to which a part of a schema refers."""
    if isinstance(part, Mapping):
        if isinstance(reference := part.get("$ref"), str):
            yield component_name(reference)
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)
