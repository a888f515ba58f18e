"""Whole numbers with a fraction in JSON: JSON Schema takes `3.0` for an integer, Python for a float.

JSON Schema takes a number with a zero fraction for an integer (2020-12 core, section 4.2.3), because some clients write
all their numbers so. Where a schema allows an integer and no other number, this module makes such a number an integer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tidings.protocol.kinds.schema_reference import component_name

Schemas = list[Mapping[str, Any]]
"""The schemas that one value may fit."""

MAX_SCHEMAS = 200
"""Schemas that are tried for one value; with more of them the value stays as it is."""


def integral(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a schema, with its whole numbers as integers where the schema says integer.

    Args:
        value: JSON, decoded.
        schema: JSON Schema of the value.

    """
    return _Walk(schema).of(value, [schema])


class _Walk:
    """One walk along a value."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def of(self, value: Any, schemas: Schemas) -> Any:
        if isinstance(value, float):
            return int(value) if value.is_integer() and _wants_integer(value, self._flat(schemas)) else value
        if isinstance(value, dict):
            flat = [one for one in self._flat(schemas) if _may_be(one, value)]
            return {name: self.of(inner, _under(flat, name)) for name, inner in value.items()}
        if isinstance(value, list):
            flat = self._flat(schemas)
            return [self.of(inner, _at(flat, number)) for number, inner in enumerate(value)]
        return value

    def _flat(self, schemas: Schemas) -> Schemas:
        """Return the schemas and all that they refer to for the same place."""
        found: Schemas = []
        left: list[Any] = list(schemas)
        seen: set[int] = set()
        while left and len(found) < MAX_SCHEMAS:
            one = left.pop(0)
            if not isinstance(one, Mapping) or id(one) in seen:
                continue
            seen.add(id(one))
            found.append(one)
            if "$ref" in one:
                left.append(self._root.get("$defs", {}).get(component_name(one["$ref"])))
            for keyword in ("anyOf", "oneOf", "allOf"):
                left.extend(one.get(keyword, ()))
        return found


_COMPOUND = ("$ref", "anyOf", "oneOf", "allOf")


def _wants_integer(value: float, schemas: Schemas) -> bool:
    """Return whether an integer fits here, and no other number does."""
    wanted = False
    for one in schemas:
        if one.get("type") == "integer":
            wanted = True
        elif "enum" in one:
            wanted = wanted or any(isinstance(member, int) and member == value for member in one["enum"])
        elif "const" in one:
            wanted = wanted or (isinstance(one["const"], int) and one["const"] == value)
        elif one.get("type") == "number" or ("type" not in one and not any(name in one for name in _COMPOUND)):
            return False
    return wanted


def _may_be(schema: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Return whether an object may be the one that a schema means: its tag is not another's."""
    for name, part in schema.get("properties", {}).items():
        if isinstance(part, Mapping) and isinstance(value.get(name), str):
            allowed = part.get("enum", [part["const"]] if "const" in part else None)
            if allowed is not None and value[name] not in allowed:
                return False
    return True


def _under(schemas: Schemas, name: str) -> Schemas:
    found: Schemas = []
    for one in schemas:
        part = one.get("properties", {}).get(name, one.get("additionalProperties"))
        if isinstance(part, Mapping):
            found.append(part)
    return found


def _at(schemas: Schemas, number: int) -> Schemas:
    found: Schemas = []
    for one in schemas:
        first: Sequence[Any] = one.get("prefixItems", ())
        part = first[number] if number < len(first) else one.get("items")
        if isinstance(part, Mapping):
            found.append(part)
    return found
