"""Whether every value that one JSON Schema allows is allowed by another, as the schema engine says."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Containment(StrEnum):
    """The answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The engine cannot tell, or is not installed, as in an environment with nothing but workers."""


def containment(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> Containment:
    """Return whether all that `given` allows is allowed by `wanted`.

    Objects of `given` are taken to have no other fields than those it names: no client or worker writes a field that
    no schema names.

    Source: https://docs.rs/jsonschema (canonical schemas, `covers`)
    """
    if given == wanted:
        return Containment.YES
    try:
        import jsonschema_rs  # noqa: PLC0415 - a worker need not have it
    except ImportError:
        return Containment.UNKNOWN
    try:
        wide = jsonschema_rs.canonicalize(dict(wanted), validate_formats=True, offline=True)
        narrow = jsonschema_rs.canonicalize(closed(given), validate_formats=True, offline=True)
        found = wide.covers(narrow)
    except (ValueError, jsonschema_rs.ReferencingError, jsonschema_rs.canonical.CanonicalizationError):
        return Containment.UNKNOWN
    return Containment(str(found.value).lower())


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no fields but those that they name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {
        name: value if name in ("const", "enum", "default", "examples", "required") else closed(value)
        for name, value in schema.items()
    }
    if isinstance(found.get("properties"), dict) and "patternProperties" not in found:
        found.setdefault("additionalProperties", False)
    return found
