"""References inside a JSON Schema: `$ref` with a JSON pointer into the same schema (RFC 6901). Pure.

Other schemas are never fetched: a schema comes from a worker, and following its addresses would let it send requests.
"""

from collections.abc import Mapping
from typing import Any

MAX_REFERENCES = 100
"""References in a schema that are followed one after the other."""


def component_name(reference: object) -> str:
    """Return the name in `$defs` that a reference of the form `#/$defs/NAME` means, the form that msgspec writes."""
    return str(reference).rpartition("/")[2]


def referred_part(reference: str, schema: Mapping[str, Any]) -> Any:
    """Return the part of a schema that a reference in it names.

    Raises:
        ValueError: it leads out of the schema, or nowhere.

    """
    if not reference.startswith("#"):
        raise ValueError(f"the schema refers to {reference[:100]!r}; only `#/…`, within itself, can be followed")
    found: Any = schema
    for name in reference[1:].split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            raise ValueError(f"the schema refers to {reference[:100]!r}, which it does not have")
        found = found[key]
    return found


def resolve_reference(part: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a schema, or the part that it refers to, until there is no reference; `{}` for what is none.

    Raises:
        ValueError: a reference leads nowhere, or the references lead in a circle.

    """
    for _ in range(MAX_REFERENCES):
        if not isinstance(part, Mapping):
            return {}
        if "$ref" not in part:
            return part
        part = referred_part(str(part["$ref"]), schema)
    raise ValueError("the schema's references lead in a circle")
