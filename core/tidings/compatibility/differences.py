"""Where one JSON Schema rejects what another allows: the place, and in which way. Pure.

*Given* is the schema of those who write values, *wanted* that of those who read them. Of an input the writers are
clients and queued jobs, which follow the old schema, and the reader is the new handler; of a result it is the other way
round. What is found here explains; whether a change breaks anything is decided by `containment`.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from tidings.protocol.kinds.schema_reference import resolve_reference

MAX_DEPTH = 64
"""Schemas inside one another that are looked at."""

MAX_PLACES = 1_000
"""Differences of two schemas that are named."""

_TYPES: Final = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_TYPE_NAMES: Final = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
}  # fmt: skip
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SIZED: Final[dict[str, type]] = {
    "minLength": str, "maxLength": str, "minItems": list, "maxItems": list,
    "minProperties": dict, "maxProperties": dict,
}  # fmt: skip
_FORM: Final = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding")


class Difference(NamedTuple):
    """One way in which values are given that are not wanted."""

    way: str
    """`required`, `unknown`, `type`, `enum`, `bound` or `form`."""
    pointer: str
    """JSON Pointer to the place in a value; `*` stands for each item, or each field without a name."""
    detail: str
    """What is given, and what is wanted there."""


class _Part(NamedTuple):
    schema: Mapping[str, Any]
    root: Mapping[str, Any]

    def under(self, keyword: str, *path: str) -> "_Part":
        found = self.schema.get(keyword, {})
        for name in path:
            found = found[name]
        return self.of(found)

    def of(self, schema: Any) -> "_Part":
        return _Part(resolve_reference(schema, self.root) if isinstance(schema, Mapping) else {}, self.root)


class _SchemaWalk:
    """Two schemas that are being compared, part by part.

    Each pair of parts is compared once, however many ways lead to it: a type that holds itself twice would otherwise
    have 2^64 places. Within itself a pair is taken for equal: what it differs in has been named where it begins.
    """

    def __init__(self, given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        self._same_roots = given == wanted
        self._under_way: set[tuple[int, int]] = set()
        self._found: dict[tuple[int, int], tuple[list[Difference], _Part, _Part]] = {}
        """By the identities of the parts, which stay alive here."""

    def compare(self, given: _Part, wanted: _Part, pointer: str) -> Iterator[Difference]:
        """Yield the differences of two parts that stand at a place."""
        if not wanted.schema or (self._same_roots and given.schema == wanted.schema):
            return
        pair = (id(given.schema), id(wanted.schema))
        if pair in self._under_way or len(self._under_way) > MAX_DEPTH:
            return
        if pair not in self._found:
            self._under_way.add(pair)
            found = list(islice(dict.fromkeys(_compare(given, wanted, self)), MAX_PLACES))
            self._under_way.remove(pair)
            self._found[pair] = (found, given, wanted)
        for one in self._found[pair][0]:
            yield one._replace(pointer=pointer + one.pointer)


def differences(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    """Return where `given` allows what `wanted` rejects, each place once, and at most `MAX_PLACES`.

    Raises:
        ValueError: a reference in one of them leads nowhere, or alternatives lie too deep inside one another.

    """
    start = _Part({}, given).of(given), _Part({}, wanted).of(wanted)
    return list(_SchemaWalk(given, wanted).compare(*start, ""))


def _compare(given: _Part, wanted: _Part, walk: _SchemaWalk) -> Iterator[Difference]:
    for variant in _variants(given):
        yield from _compare_variant(variant, _variants(wanted), walk)


def _variants(part: _Part, depth: int = 0) -> list[_Part]:
    """Return the alternatives of a schema, each for the values of one type."""
    if depth > MAX_DEPTH:
        raise ValueError(f"alternatives of the schema lie more than {MAX_DEPTH} deep inside one another")
    for keyword in ("anyOf", "oneOf"):
        if keyword in part.schema:
            return [one for schema in part.schema[keyword] for one in _variants(part.of(schema), depth + 1)]
    types, values = sorted(_types_of(part)), _values_of(part)
    if len(types) == 1:
        return [part]
    if values is None:
        return [_Part({**part.schema, "type": type_}, part.root) for type_ in types]
    of_type = {type_: [value for value in values if _type_of(value) == type_] for type_ in types}
    return [_Part({"type": type_, "enum": of_type[type_]}, part.root) for type_ in types if of_type[type_]]


def _compare_variant(given: _Part, wanted: list[_Part], walk: _SchemaWalk) -> Iterator[Difference]:
    types = _types_of(given)
    close = [one for one in wanted if types & _covered(one)]
    lacking = sorted(types - frozenset[str]().union(*map(_covered, wanted)))
    if lacking:
        allowed = sorted(frozenset[str]().union(*map(_types_of, wanted)))
        yield Difference("type", "", f"{_words(sorted(types))} is given, and {_words(allowed)} wanted")
        return
    found = [list(_compare_plain(given, one, walk)) for one in close]
    if found and all(found):
        yield from min(found, key=len)


def _types_of(part: _Part) -> frozenset[str]:
    said = part.schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, list):
        return frozenset(said)
    values = _values_of(part)
    return _TYPES - {"integer"} if values is None else frozenset(map(_type_of, values))


def _covered(part: _Part) -> frozenset[str]:
    """Return the types whose values a schema may allow: every integer is a number."""
    types = _types_of(part)
    return types | {"integer"} if "number" in types else types


def _type_of(value: Any) -> str:
    return _TYPE_NAMES.get(type(value), "object")


def _values_of(part: _Part) -> list[Any] | None:
    if "const" in part.schema:
        return [part.schema["const"]]
    found = part.schema.get("enum")
    return found if isinstance(found, list) else None


def _compare_plain(given: _Part, wanted: _Part, walk: _SchemaWalk) -> Iterator[Difference]:
    yield from _compare_values(given, wanted)
    yield from _compare_bounds(given, wanted)
    types = _types_of(given) & _types_of(wanted)
    if "object" in types:
        yield from _compare_objects(given, wanted, walk)
    if "array" in types and "items" in wanted.schema:
        yield from walk.compare(given.under("items"), wanted.under("items"), "/*")


def _compare_values(given: _Part, wanted: _Part) -> Iterator[Difference]:
    values, allowed = _values_of(given), _values_of(wanted)
    if allowed is None:
        return
    if values is None:
        yield Difference("enum", "", f"any value is given, and one of {_shown(allowed)} wanted")
    elif lacking := [value for value in values if value not in allowed]:
        yield Difference("enum", "", f"{_shown(lacking)} may be given, and one of {_shown(allowed)} is wanted")


def _compare_bounds(given: _Part, wanted: _Part) -> Iterator[Difference]:
    values = _values_of(given)
    if values is not None:
        yield from _values_out_of_bounds(values, wanted)
        return
    for names, is_wider in ((_LEAST, operator.lt), (_MOST, operator.gt)):
        for name in names:
            most, before = wanted.schema.get(name), given.schema.get(name)
            if most is not None and (before is None or is_wider(before, most)):
                was = "no bound" if before is None else f"{before}"
                yield Difference("bound", "", f"{name} is {was} of what is given, and {most} of what is wanted")
    for name in _FORM:
        form = wanted.schema.get(name)
        if form not in (None, False) and form != given.schema.get(name):
            yield Difference("form", "", f"{name} is {given.schema.get(name)!r} of what is given, {form!r} wanted")


def _values_out_of_bounds(values: list[Any], wanted: _Part) -> Iterator[Difference]:
    """Yield the bounds and forms of `wanted` that single values do not keep; of a form that is not looked into, any."""
    for names, is_wider in ((_LEAST, operator.lt), (_MOST, operator.gt)):
        for name in names:
            most = wanted.schema.get(name)
            beyond = [] if most is None else [value for value in values if _is_beyond(value, name, most, is_wider)]
            if beyond:
                yield Difference("bound", "", f"{_shown(beyond)} may be given, and {name} {most} is wanted")
    for name in _FORM:
        form = wanted.schema.get(name)
        if form not in (None, False):
            yield Difference("form", "", f"{_shown(values)} may be given, and {name} {form!r} is wanted")


def _is_beyond(value: Any, name: str, most: Any, is_wider: Callable[[Any, Any], bool]) -> bool:
    """Return whether a value does not keep a bound; a bound is for the values of some types."""
    if isinstance(value, bool) or value is None:
        return False
    of_number = name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    if of_number != isinstance(value, int | float):
        return False
    if not of_number and not isinstance(value, _SIZED[name]):
        return False
    size = value if of_number else len(value)
    return is_wider(size, most) or (name.startswith("exclusive") and size == most)


def _compare_objects(given: _Part, wanted: _Part, walk: _SchemaWalk) -> Iterator[Difference]:
    fields, known = given.schema.get("properties", {}), wanted.schema.get("properties", {})
    always = given.schema.get("required", ())
    for name in wanted.schema.get("required", ()):
        if name not in always:
            may = "may be missing" if name in fields else "is not given"
            yield Difference("required", f"/{_escaped(name)}", f"the field {name!r} {may}, and is required")
    others = wanted.schema.get("additionalProperties", True)
    for name in fields:
        place = f"/{_escaped(name)}"
        if name in known:
            yield from walk.compare(given.under("properties", name), wanted.under("properties", name), place)
        elif others is False and "patternProperties" not in wanted.schema:
            yield Difference("unknown", place, f"the field {name!r} is given, and not allowed")
        elif isinstance(others, Mapping):
            yield from walk.compare(given.under("properties", name), wanted.of(others), place)
    rest = given.schema.get("additionalProperties")
    if isinstance(rest, Mapping) and isinstance(others, Mapping):
        yield from walk.compare(given.of(rest), wanted.of(others), "/*")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _words(types: list[str]) -> str:
    return " or ".join(types) or "nothing"


def _shown(values: list[Any]) -> str:
    text = ", ".join(map(repr, values[:5]))
    return f"{text}, …" if len(values) > 5 else text
