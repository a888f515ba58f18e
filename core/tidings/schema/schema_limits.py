"""Limits for the JSON Schema of a kind, so that one kind cannot take the memory or the time of every server."""

from collections.abc import Iterator, Mapping
from typing import Any

from tidings.protocol.kinds.schema_reference import component_name, referred_part

from .pattern import check_pattern

MAX_SCHEMA_BYTES = 262_144
"""Size of one schema as JSON, bytes."""

MAX_DEPTH = 100
"""How deep arrays and objects may lie inside each other in a schema."""

MAX_BRANCHES = 10_000
"""Schemas against which one value of an input may be checked, counted through references and alternatives."""

_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_SCHEMAS = ("items", "additionalProperties", "propertyNames", "contains", "unevaluatedItems", "unevaluatedProperties")


def check_bounds(schema: Any) -> None:
    """Check the depth and the branches of a schema.

    Raises:
        ValueError: the schema is too deep or has too many branches, or one of its references leads nowhere.

    """
    _check_depth(schema)
    if isinstance(schema, dict):
        _Branches(schema).check()


def check_patterns(schema: Any) -> None:
    """Check that a server reads each pattern in a schema as Python does.

    Raises:
        ValueError: it does not; the message names the field, and says what to write instead.

    """
    whole = component_name(schema.get("$ref", "")) if isinstance(schema, dict) else ""
    for place, pattern in _patterns(schema, ()):
        try:
            check_pattern(pattern)
        except ValueError as error:
            # People do not know the name of the component that is the whole input.
            raise ValueError(f"{_words(place[1:] if place[:1] == (whole,) else place)}: {error}") from None


def _check_depth(value: Any) -> None:
    layer, depth = [value], 0
    while layer:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"the schema nests more than {MAX_DEPTH} deep; take a simpler type")
        inner: list[Any] = []
        for one in layer:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        layer = [one for one in inner if isinstance(one, dict | list)]


def _patterns(schema: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the value of each keyword `pattern`, with the names that lead to it; not the texts that examples quote."""
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("pattern"), str):
        yield place, schema["pattern"]
    for keyword in _MAPS:
        found = schema.get(keyword)
        if isinstance(found, dict):
            if keyword == "patternProperties":
                yield from ((place, pattern) for pattern in found)
            for name, inner in found.items():
                yield from _patterns(inner, (*place, str(name)))
    for keyword in (*_SCHEMAS, *_SINGLE):
        yield from _patterns(schema.get(keyword), (*place, "[]") if keyword == "items" else place)
    for keyword in (*_LISTS, "prefixItems"):
        found = schema.get(keyword)
        for inner in found if isinstance(found, list) else ():
            yield from _patterns(inner, place)


def _words(place: tuple[str, ...]) -> str:
    return f"the field {'.'.join(place).replace('.[]', '[]')}" if place else "the input"


class _Branches:
    """Counts the schemas against which one value of an input may be checked; it counts each schema once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._counts: dict[int, int] = {}

    def check(self) -> None:
        """Check the count of every schema.

        Raises:
            ValueError: there are too many branches, or a reference leads nowhere.

        """
        stack: list[Any] = [self._schema]
        while stack:
            part = stack.pop()
            if self._count(part, 0) > MAX_BRANCHES:
                raise ValueError(
                    f"the schema has more than {MAX_BRANCHES} branches for one value; take a union of fewer types"
                )
            stack.extend(one for one in _inner(part) if id(one) not in self._counts)

    def _count(self, part: Any, depth: int) -> int:
        if not isinstance(part, dict):
            return 1
        known = self._counts.get(id(part))
        if known is not None:
            return known
        if depth > MAX_DEPTH:
            raise ValueError(f"the schema refers more than {MAX_DEPTH} deep; take a simpler type")
        self._counts[id(part)] = 1  # the engine, too, walks a circle of references once
        total = 1 + sum(self._count(one, depth + 1) for one in self._here(part))
        self._counts[id(part)] = min(total, MAX_BRANCHES + 1)
        return self._counts[id(part)]

    def _here(self, part: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the schemas against which the same value of the input is checked."""
        reference = part.get("$ref")
        if isinstance(reference, str):
            yield referred_part(reference, self._schema)
        for keyword in _LISTS:
            if isinstance(part.get(keyword), list):
                yield from part[keyword]
        for keyword in _SINGLE:
            if keyword in part:
                yield part[keyword]
        dependent = part.get("dependentSchemas")
        if isinstance(dependent, dict):
            yield from dependent.values()


def _inner(part: Any) -> Iterator[Any]:
    """Yield the schemas directly inside a schema."""
    if not isinstance(part, dict):
        return
    for keyword in _MAPS:
        if isinstance(part.get(keyword), dict):
            yield from (one for one in part[keyword].values() if isinstance(one, dict))
    for keyword in (*_SCHEMAS, *_SINGLE):
        if isinstance(part.get(keyword), dict):
            yield part[keyword]
    for keyword in (*_LISTS, "prefixItems"):
        if isinstance(part.get(keyword), list):
            yield from (one for one in part[keyword] if isinstance(one, dict))
