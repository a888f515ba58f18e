"""The kinds of a server or a module, as a generator reads them: names, shapes, and what references mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from .names import TypeNames
from .shapes import MAX_PARTS, SchemaReader, Shape, open_circles, without_alias


class ListedKind(msgspec.Struct, frozen=True):
    """A kind as `GET /v1/kinds` lists it; what else stands there is not read."""

    kind: str
    input: msgspec.Raw
    result: msgspec.Raw = msgspec.Raw(b"null")
    description: str = ""
    chunk: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class KindListing(msgspec.Struct, frozen=True):
    """The answer of `GET /v1/kinds`."""

    kinds: list[ListedKind]


@dataclass(frozen=True)
class NamedType:
    """A type that gets a name in the file."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class KindTypes:
    """One kind, with its types; `references` says which named type a reference in them means."""

    kind: str
    doc: str
    input: NamedType
    result: NamedType
    chunk: NamedType | None
    """What a generator yields; None: it is none, or does not say."""
    named: tuple[NamedType, ...]
    references: Mapping[tuple[str, str], str]
    """`input`, `result` or `chunk`, and the reference → the name of its type."""

    @property
    def sides(self) -> list[tuple[str, NamedType]]:
        """Each side with its type."""
        found = [("input", self.input), ("result", self.result)]
        return found if self.chunk is None else [*found, ("chunk", self.chunk)]


def types_of(kinds: Iterable[ListedKind], names: TypeNames) -> list[KindTypes]:
    """Return the types of kinds, by their names.

    Args:
        kinds: the kinds.
        names: what gives the types their names.

    Raises:
        SchemaTooLargeError: a schema is too deep, or all together are too large.
        msgspec.DecodeError: a schema is no JSON.
        RecursionError: its JSON is nested without end.

    """
    budget = [MAX_PARTS]
    return [_types_of(one, names, budget) for one in sorted(kinds, key=lambda one: one.kind)]


def _types_of(listed: ListedKind, names: TypeNames, budget: list[int]) -> KindTypes:
    named: list[NamedType] = []
    references: dict[tuple[str, str], str] = {}
    sides: dict[str, NamedType] = {}
    for side, raw in (("input", listed.input), ("result", listed.result), ("chunk", listed.chunk)):
        if isinstance(raw, msgspec.UnsetType):
            continue
        reader = SchemaReader(msgspec.json.decode(raw), budget)
        shape = reader.read_all()
        others = open_circles(reader.named)
        sides[side] = NamedType(names.type_name(listed.kind, side), without_alias(shape, others))
        for pointer, found in others.items():
            name = names.type_name(listed.kind, side, pointer.rpartition("/")[2])
            references[side, pointer] = name
            named.append(NamedType(name, found))
    return KindTypes(
        listed.kind, listed.description, sides["input"], sides["result"], sides.get("chunk"), tuple(named), references
    )
