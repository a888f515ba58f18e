"""JSON Schemas as shapes: what both languages can say of a value.

A schema may come from a server of strangers: so its size and depth are bounded, and what a language could not say, or
what the schema says in a way not known here, is the shape `Anything`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tidings.protocol.kinds.schema_reference import referred_part

MAX_DEPTH = 64
"""Schemas inside one another."""

MAX_PARTS = 100_000
"""Parts of all schemas together."""

SCALARS = ("string", "integer", "number", "boolean", "null")


@dataclass(frozen=True)
class Anything:
    """Any JSON value."""


@dataclass(frozen=True)
class Scalar:
    """A value of a simple type of JSON Schema."""

    type: str


@dataclass(frozen=True)
class Constants:
    """One of some texts, numbers, truth values and null."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Items:
    """An array: first some items with a shape each, of which `least` must be there, then others of one shape."""

    first: tuple["Shape", ...]
    least: int
    rest: "Shape | None"


@dataclass(frozen=True)
class Table:
    """An object with any names."""

    value: "Shape"


@dataclass(frozen=True)
class Member:
    """A named field of an object."""

    name: str
    shape: "Shape"
    required: bool
    doc: str


@dataclass(frozen=True)
class Fields:
    """An object with known names; `more`: it may have others."""

    members: tuple[Member, ...]
    more: bool


@dataclass(frozen=True)
class Choice:
    """A value of one of several shapes."""

    shapes: tuple["Shape", ...]


@dataclass(frozen=True)
class Reference:
    """A shape with a name of its own."""

    pointer: str
    """The schema's reference; or, for an object inside another, a number, `/` and what the schema calls it."""


Shape = Anything | Scalar | Constants | Items | Table | Fields | Choice | Reference


class SchemaTooLargeError(ValueError):
    """A schema is deeper, or all together are larger, than types are written for."""


@dataclass
class SchemaReader:
    """Reads the schemas of one kind; `named` fills with what references name, in the order in which they are found."""

    schema: Any
    budget: list[int]
    """How many parts may still be read, of all schemas: one number, which all readers share."""
    named: dict[str, Shape] = field(default_factory=dict)
    _unread: list[tuple[str, Any]] = field(default_factory=list)

    def read_all(self) -> Shape:
        """Return the shape of the schema, and read all that references in it name.

        Raises:
            SchemaTooLargeError: it is too deep, or too large.

        """
        shape = self.read(self.schema)
        while self._unread:  # no recursion: a chain of references may be long
            pointer, part = self._unread.pop(0)
            self.named[pointer] = self.read(part)
        return shape

    def read(self, part: Any, depth: int = 0) -> Shape:  # noqa: PLR0911 - a line for each keyword
        """Return the shape of a part of the schema.

        Raises:
            SchemaTooLargeError: it is too deep, or too large.

        """
        self.budget[0] -= 1
        if depth > MAX_DEPTH or self.budget[0] < 0:
            raise SchemaTooLargeError(f"a schema has more than {MAX_DEPTH} levels, or all have {MAX_PARTS} parts")
        if not isinstance(part, Mapping):
            return Anything()
        if "$ref" in part:
            return self._reference(part["$ref"])
        if "const" in part:
            return _constants([part["const"]])
        if isinstance(part.get("enum"), list):
            return _constants(part["enum"])
        for word in ("anyOf", "oneOf"):
            if isinstance(part.get(word), list):
                return choice([self.read(one, depth + 1) for one in part[word]])
        every = part.get("allOf")
        if isinstance(every, list) and len(every) == 1 and "type" not in part:
            return self.read(every[0], depth + 1)
        types = part.get("type")
        return choice([self._typed(part, one, depth) for one in (types if isinstance(types, list) else [types])])

    def _reference(self, pointer: Any) -> Shape:
        if not isinstance(pointer, str):
            return Anything()
        if pointer not in self.named:
            try:
                part = referred_part(pointer, self.schema if isinstance(self.schema, Mapping) else {})
            except ValueError:
                return Anything()
            self.named[pointer] = Anything()  # it may refer to itself
            self._unread.append((pointer, part))
        return Reference(pointer)

    def _typed(self, part: Mapping[str, Any], type_: Any, depth: int) -> Shape:
        if type_ in SCALARS:
            return Scalar(type_)
        if type_ == "array":
            return self._array(part, depth)
        if type_ == "object":
            return self._object(part, depth)
        return Anything()

    def _array(self, part: Mapping[str, Any], depth: int) -> Shape:
        prefix = part.get("prefixItems")
        first = tuple(self.read(one, depth + 1) for one in prefix) if isinstance(prefix, list) else ()
        said = part.get("items", not first)  # a schema with a prefix and no word on the rest comes from a tuple
        most = part.get("maxItems")
        closed = said is False or (isinstance(most, int) and most <= len(first))
        least = part.get("minItems")
        return Items(
            first,
            min(least, len(first)) if isinstance(least, int) and least >= 0 else len(first),
            None if closed else self.read(said, depth + 1),
        )

    def _object(self, part: Mapping[str, Any], depth: int) -> Shape:
        properties, more = part.get("properties"), part.get("additionalProperties")
        if not isinstance(properties, Mapping) or not properties:
            if more is False and isinstance(properties, Mapping | None) and "patternProperties" not in part:
                return Fields((), more=False)
            return Table(self.read(more, depth + 1) if isinstance(more, Mapping) else Anything())
        required = part.get("required")
        names = {one for one in required if isinstance(one, str)} if isinstance(required, list) else set[str]()
        members = [
            Member(name, self.read(one, depth + 1), name in names, _doc(one)) for name, one in properties.items()
        ]
        found = Fields(tuple(members), more=more is True or isinstance(more, Mapping))
        if depth == 0:
            return found
        title = part.get("title")
        pointer = f"{len(self.named)}/{title if isinstance(title, str) else 'object'}"
        self.named[pointer] = found
        return Reference(pointer)


def choice(shapes: list[Shape]) -> Shape:
    """Return the shape of a value that has one of some shapes."""
    found: dict[Shape, None] = {}
    for shape in shapes:
        found.update(dict.fromkeys(shape.shapes if isinstance(shape, Choice) else (shape,)))
    if not found or Anything() in found:
        return Anything()
    return next(iter(found)) if len(found) == 1 else Choice(tuple(found))


def open_circles(named: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return named shapes of which none is itself, or a choice of itself: no language could say those."""
    sorter = TopologicalSorter({pointer: _direct(shape) for pointer, shape in named.items()})
    with suppress(CycleError):  # it then gives those that lead into no circle
        sorter.prepare()
    sound: set[str] = set()
    while ready := sorter.get_ready():
        sound.update(ready)
        sorter.done(*ready)
    return {pointer: shape if pointer in sound else Anything() for pointer, shape in named.items()}


def _direct(shape: Shape) -> set[str]:
    """Return what a shape refers to without an array or an object between."""
    match shape:
        case Reference(pointer):
            return {pointer}
        case Choice(shapes):
            return set().union(*map(_direct, shapes))
    return set()


def without_alias(shape: Shape, named: dict[str, Shape]) -> Shape:
    """Return what a shape refers to, and take that from the named ones, if nothing else refers to it."""
    if not isinstance(shape, Reference) or any(shape.pointer in _references(one) for one in named.values()):
        return shape
    return named.pop(shape.pointer)


def _references(shape: Shape) -> set[str]:
    match shape:
        case Reference(pointer):
            return {pointer}
        case Items(first, _, rest):
            inner: tuple[Shape | None, ...] = (*first, rest)
        case Table(value):
            inner = (value,)
        case Choice(shapes):
            inner = shapes
        case Fields(members):
            inner = tuple(member.shape for member in members)
        case _:
            return set()
    return set().union(*(_references(one) for one in inner if one is not None))


def _constants(values: list[Any]) -> Shape:
    if not values or any(isinstance(one, dict | list | float) for one in values):
        return Anything()
    return Constants(tuple(values))


def _doc(part: Any) -> str:
    said = part.get("description") if isinstance(part, Mapping) else None
    return said if isinstance(said, str) else ""
