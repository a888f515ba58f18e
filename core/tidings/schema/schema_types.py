"""The JSON Schema of a type, with the form of the texts and names in it.

msgspec's own schema has no form for `datetime` and `time` without a zone, for base64, and for the names of a `dict`
whose keys are not texts. A server can refuse only values that the schema excludes; so this module adds these forms,
along the tree of types that `msgspec.inspect` gives.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec.inspect as mi

from tidings.protocol.kinds.schema_reference import component_name

from .formats import INTEGER_KEY, NUMBER_KEY

OFFSET = "(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$"
"""The end of a time with its offset from UTC."""

_TEXTS = (mi.DateTimeType, mi.TimeType, mi.DateType, mi.TimeDeltaType, mi.UUIDType, mi.DecimalType)
_BYTES = (mi.BytesType, mi.ByteArrayType, mi.MemoryViewType)
_OBJECTS = (mi.StructType, mi.TypedDictType, mi.DataclassType, mi.NamedTupleType)

Schema = dict[str, Any]


def complete(type_: Any, schema: Schema) -> None:
    """Add the missing forms to a schema that msgspec has made of a type; changes `schema`."""
    _Completion(schema.get("$defs", {})).of(mi.type_info(type_), schema)


class _Completion:
    """Walks the tree of a type and the tree of its schema together."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self._components = components
        self._seen: set[str] = set()

    def of(self, info: mi.Type, schema: Any) -> None:
        """Complete the schema of one type."""
        if not isinstance(schema, dict):
            return
        info = _bare(info)
        if "$ref" in schema:
            self._component(info, component_name(schema["$ref"]))
        elif isinstance(info, _TEXTS + _BYTES):
            for keyword, value in _form(info).items():
                schema.setdefault(keyword, value)
        else:
            self._inside(info, schema)

    def _component(self, info: mi.Type, name: str) -> None:
        if name not in self._seen and name in self._components:
            self._seen.add(name)
            self.of(info, self._components[name])

    def _inside(self, info: mi.Type, schema: Schema) -> None:
        if isinstance(info, _OBJECTS):
            self._fields(info.fields, schema)
        elif isinstance(info, mi.DictType):
            self._names(info, schema)
        elif isinstance(info, mi.CollectionType):
            self.of(info.item_type, schema.get("items"))
        elif isinstance(info, mi.TupleType):
            for inner, part in zip(info.item_types, schema.get("prefixItems", ()), strict=False):
                self.of(inner, part)
        elif isinstance(info, mi.UnionType):
            self._union(info, schema)

    def _fields(self, fields: Sequence[mi.Field], schema: Schema) -> None:
        if "properties" in schema:
            for field in fields:
                self.of(field.type, schema["properties"].get(field.encode_name))
        else:
            # An array begins with the tag, if the struct has one.
            parts = schema.get("prefixItems", [])
            for field, part in zip(fields, parts[len(parts) - len(fields) :], strict=False):
                self.of(field.type, part)

    def _names(self, info: mi.DictType, schema: Schema) -> None:
        names = _names_of(info.key_type)
        if names is not None:
            schema.setdefault("propertyNames", names)
        self.of(info.value_type, schema.get("additionalProperties"))

    def _union(self, info: mi.UnionType, schema: Schema) -> None:
        """Complete the members, in the order in which msgspec writes them: structs last, then null."""
        bare = [_bare(one) for one in info.types]
        structs = [one for one in bare if isinstance(one, mi.StructType) and not one.array_like]
        others = [one for one in bare if one not in structs and not isinstance(one, mi.NoneType)]
        parts = list(schema.get("anyOf", ()))
        if len(structs) > 1 and "discriminator" not in schema:
            nested = parts.pop(len(others))
            parts[len(others) : len(others)] = nested["anyOf"]
        for one, part in zip([*others, *structs], parts, strict=False):
            self.of(one, part)


def _bare(info: mi.Type) -> mi.Type:
    while isinstance(info, mi.Metadata):
        info = info.type
    return info


def _form(info: mi.Type) -> Schema:
    """Return the form of the texts that stand for values of a type."""
    if isinstance(info, mi.DateTimeType):
        return _zoned(info.tz, "date-time")
    if isinstance(info, mi.TimeType):
        return _zoned(info.tz, "time")
    return {"format": next((name for type_, name in _FORMATS.items() if isinstance(info, type_)), "base64")}


_FORMATS: dict[type, str] = {
    mi.DateType: "date",
    mi.TimeDeltaType: "duration",
    mi.UUIDType: "uuid",
    mi.DecimalType: "decimal",
}


def _zoned(aware: bool | None, name: str) -> Schema:
    """Return the form of a moment: with its offset from UTC (`aware`), without it, or with or without it (None)."""
    if aware is None:
        return {"format": name}
    return {"format": name, "pattern": OFFSET} if aware else {"format": _LOCAL[name]}


_LOCAL = {"date-time": "date-time-local", "time": "partial-time"}


_NO_NAMES = (mi.DecimalType, mi.BoolType, mi.NoneType)
"""Types of keys that msgspec cannot read from the name of a field."""


def _names_of(key: mi.Type) -> Schema | Literal[False] | None:
    """Return the form of the names that stand for keys of a type; None: any name does; False: no name does."""
    key = _bare(key)
    found: Schema | Literal[False] | None = None
    if isinstance(key, _NO_NAMES):
        found = False
    elif isinstance(key, _TEXTS + _BYTES):
        found = _form(key)
    elif isinstance(key, mi.IntType | mi.FloatType):
        found = {"pattern": INTEGER_KEY if isinstance(key, mi.IntType) else NUMBER_KEY}
    elif isinstance(key, mi.EnumType):
        found = {"enum": [str(one.value) for one in key.cls]}
    elif isinstance(key, mi.LiteralType):
        found = {"enum": [str(one) for one in key.values]}
    elif isinstance(key, mi.UnionType):
        every = [_names_of(one) for one in key.types]
        found = None if None in every else {"anyOf": every}
    return found


_AWARE = {"aware": True, "naive": False}
"""Pydantic's words for moments with and without an offset from UTC."""


def complete_pydantic(model: Any, ref_template: str) -> Schema:
    """Return the JSON Schema of a Pydantic model, with the same forms added.

    Source: https://docs.pydantic.dev/latest/concepts/json_schema/#customizing-the-json-schema-generation-process
    """
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 - an installation may lack it

    class Completed(GenerateJsonSchema):
        """Adds the form of texts and names."""

        def datetime_schema(self, schema: Any) -> Schema:
            return {**super().datetime_schema(schema), **_zoned(_AWARE.get(schema.get("tz_constraint")), "date-time")}

        def time_schema(self, schema: Any) -> Schema:
            return {**super().time_schema(schema), **_zoned(_AWARE.get(schema.get("tz_constraint")), "time")}

        def decimal_schema(self, schema: Any) -> Schema:
            made = super().decimal_schema(schema)
            for part in made.get("anyOf", ()):
                if part.get("type") == "string":
                    part.setdefault("format", "decimal")
            return made

        def json_schema(self, schema: Any) -> Schema:
            return {**super().json_schema(schema), "format": "json"}

        def dict_schema(self, schema: Any) -> Schema:
            made = super().dict_schema(schema)
            key = schema.get("keys_schema", {}).get("type")
            form = {"int": INTEGER_KEY, "float": NUMBER_KEY}.get(key)
            if form is not None:
                made.setdefault("propertyNames", {"pattern": form})
            return made

    found: Schema = model.model_json_schema(ref_template=ref_template, schema_generator=Completed)
    return found
