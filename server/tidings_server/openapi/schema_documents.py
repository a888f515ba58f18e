"""The types of the contract one by one, as JSON Schemas that stand alone.

They are those of the OpenAPI and the AsyncAPI document, under the same names.

Source: https://json-schema.org/draft/2020-12/json-schema-core
"""

from collections.abc import Mapping
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_COMPONENT = "#/components/schemas/"
_DEFINITION = "#/$defs/"

Schema = dict[str, Any]


def schema_documents(*documents: Mapping[str, Any]) -> dict[str, Schema]:
    """Return a schema for each type of some documents, by name; what it refers to stands in its `$defs`."""
    schemas: Schema = {}
    for document in documents:
        schemas |= document["components"]["schemas"]
    return {name: _standalone(name, schemas) for name in sorted(schemas)}


def _standalone(name: str, schemas: Mapping[str, Schema]) -> Schema:
    needed: dict[str, None] = {}
    waiting = [name]
    while waiting:
        for found in _referred(schemas[waiting.pop()]):
            if found not in needed:
                needed[found] = None
                waiting.append(found)
    definitions = {"$defs": {one: _rewritten(schemas[one]) for one in sorted(needed)}} if needed else {}
    return {"$schema": DIALECT, "$id": f"urn:tidings:schema:{name}", **_rewritten(schemas[name]), **definitions}


def _referred(node: Any) -> list[str]:
    """Return the names of the schemas to which a schema refers itself."""
    if isinstance(node, dict):
        own = [node["$ref"].removeprefix(_COMPONENT)] if isinstance(node.get("$ref"), str) else []
        return own + [name for child in node.values() for name in _referred(child)]
    if isinstance(node, list):
        return [name for child in node for name in _referred(child)]
    return []


def _rewritten(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: child.replace(_COMPONENT, _DEFINITION, 1)
            if key == "$ref" and isinstance(child, str)
            else _rewritten(child)
            for key, child in node.items()
        }
    return [_rewritten(child) for child in node] if isinstance(node, list) else node
