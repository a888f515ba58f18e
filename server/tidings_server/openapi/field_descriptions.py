"""The descriptions of fields, read from the docstrings below them, the only place where their meaning is written.

Python keeps no docstring of an attribute, so this module parses the sources. In an installation without sources the
fields have no descriptions.

Source: https://peps.python.org/pep-0257/ (attribute docstrings)
"""

import ast
import inspect
import sys
from functools import cache
from types import ModuleType
from typing import Any

import msgspec

from tidings.protocol.field_types import OWNER_PATTERN

_IN_ECMA = {OWNER_PATTERN: r"^[^\u0000-\u001f\u007f-\u009f]{1,255}$"}
"""Patterns whose characters ECMA-262 writes otherwise. A JSON text has no lone surrogates, so none need be excluded."""


def descriptions(type_: type) -> dict[str, str]:
    """Return the descriptions of a type's fields by name, inherited fields included."""
    found: dict[str, str] = {}
    for one in reversed(type_.__mro__):
        module = sys.modules.get(one.__module__)
        if module is not None and issubclass(one, msgspec.Struct) and one is not msgspec.Struct:
            found.update(_of_module(module).get(one.__qualname__, {}))
    return found


def describe(schemas: dict[str, Any], types: dict[str, type]) -> None:
    """Complete the schemas of some types: add the description of each field, and the default of one that may be absent.

    Generators of clients take a property with a `default` for one that is always there. That is not true of a field
    that a client may leave out, nor of one that the server leaves out: there the description gives the default.

    Args:
        schemas: by name, changed in place.
        types: whose schemas they are, by name.

    """
    for name, schema in schemas.items():
        type_ = types.get(name)
        if type_ is None or not issubclass(type_, msgspec.Struct):
            continue
        meanings = descriptions(type_)
        names = dict(zip(type_.__struct_encode_fields__, type_.__struct_fields__, strict=True))
        left_out = type_.__struct_config__.forbid_unknown_fields or type_.__struct_config__.omit_defaults
        for field, property_ in schema["properties"].items():
            text = meanings.get(names.get(field, field), "")
            if field == type_.__struct_config__.tag_field:
                text = "What this frame is."
            if left_out and "default" in property_:
                default = property_.pop("default")
                text += "" if default is None else f" Default: `{msgspec.json.encode(default).decode()}`."
            if text:
                property_["description"] = text.strip()


def components(types: tuple[type, ...], ref_template: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the schemas of types, as `msgspec.json.schema_components` does, with the meaning of their fields."""
    refs, schemas = msgspec.json.schema_components(types, ref_template=ref_template)
    describe(schemas, structs_in(types))
    _for_json_schema(schemas)
    return list(refs), schemas


def structs_in(types: tuple[type, ...]) -> dict[str, type]:
    """Return the struct types that some types are or hold, by name."""
    found: dict[str, type] = {}
    waiting: list[Any] = [msgspec.inspect.type_info(type_) for type_ in types]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls.__name__ in found:
                continue
            found[info.cls.__name__] = info.cls
            waiting += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting += info.types
        elif isinstance(info, msgspec.inspect.Metadata):
            waiting.append(info.type)
        elif isinstance(info, msgspec.inspect.DictType):
            waiting.append(info.value_type)
        elif isinstance(info, msgspec.inspect.CollectionType):
            waiting.append(info.item_type)
        elif isinstance(info, msgspec.inspect.TupleType):
            waiting += info.item_types
    return found


def pattern_of(pattern: str) -> str:
    """Return a pattern in the form of JSON Schema: there `$` means the very end, and many engines lack look-ahead.

    Source: https://json-schema.org/draft/2020-12/json-schema-core#section-6.4 (ECMA-262)
    """
    return _IN_ECMA.get(pattern) or pattern.removesuffix(r"(?!\n)")


def _for_json_schema(node: Any) -> None:
    """Rewrite a schema in the terms that all engines and generators understand alike."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            node["pattern"] = pattern_of(node["pattern"])
        if node.get("type") == "object" and "properties" not in node:
            # Without this, generators of TypeScript make it an object that has no member.
            node.setdefault("additionalProperties", True)
        for child in node.values():
            _for_json_schema(child)
    elif isinstance(node, list):
        for child in node:
            _for_json_schema(child)


@cache
def _of_module(module: ModuleType) -> dict[str, dict[str, str]]:
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return {}
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return {node.name: _of_class(node) for node in classes}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for statement, follows in zip(node.body, node.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match follows:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[statement.target.id] = " ".join(text.split())
    return found
