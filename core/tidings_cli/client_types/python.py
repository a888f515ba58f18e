"""The kinds as Python: one declared kind each, which `client.submit` and `ctx.call` take in the place of a `@job`."""

import keyword
from collections.abc import Iterable

from .kind_types import KindTypes, ListedKind, NamedType, types_of
from .names import TypeNames, comment
from .shapes import Anything, Choice, Constants, Fields, Items, Member, Reference, Scalar, Shape, Table

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_TAKEN = ("Any", "Literal", "NotRequired", "TypeAlias", "TypedDict", "UNSET", "UnsetType", "None", "True", "False")
_USED = ("annotations", "bool", "declare_json_kind", "dict", "float", "int", "list", "str")

HEAD = '''"""Written by `tidings types --py`. Write it again rather than edit it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from msgspec import UNSET, UnsetType

from tidings import declare_json_kind

__all__ = [%s]
'''


def python(kinds: Iterable[ListedKind]) -> str:
    """Return the module.

    Raises:
        SchemaTooLargeError: a schema is too deep, or all together are too large.

    """
    names = TypeNames([*_TAKEN, *_USED, *keyword.kwlist, *keyword.softkwlist])
    found = types_of(kinds, names)
    functions = [(names.function_name(one.kind), one) for one in found]
    parts = [HEAD % ", ".join(f'"{name}"' for name in sorted(name for name, _ in functions))]
    for name, one in functions:
        for side, named in one.sides:
            writer = _PythonWriter(one, side)
            mine = {of for (where, _), of in one.references.items() if where == side}
            parts.extend(writer.definition(other) for other in one.named if other.name in mine)
            if side != "input" or not _spread(one):
                parts.append(writer.definition(named))
        parts.append(_function(name, one))
    return "".join(parts)


def _spread(one: KindTypes) -> tuple[Member, ...] | None:
    """Return the fields of the input, where each can be a parameter; None: the input is given as a whole."""
    shape = one.input.shape
    if isinstance(shape, Reference):
        name = one.references["input", shape.pointer]
        shape = next(other.shape for other in one.named if other.name == name)
    if not isinstance(shape, Fields) or shape.more or not all(_is_parameter(member.name) for member in shape.members):
        return None
    return shape.members


def _is_parameter(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def _function(name: str, one: KindTypes) -> str:
    writer, members = _PythonWriter(one, "input"), _spread(one)
    if members is None:
        parameters = f"input: {one.input.name}, /"
    else:
        inner = [
            f"    {member.name}: {writer.text(member.shape)}{'' if member.required else ' | UnsetType = UNSET'},\n"
            for member in members
        ]
        parameters = f"\n    *,\n{''.join(inner)}" if inner else ""
    doc = f"    {comment(one.doc)!a}\n" if one.doc else ""
    head = f"\n\n@declare_json_kind({one.kind!a})\ndef {name}({parameters}) -> {one.result.name}:\n"
    return f"{head}{doc}    raise NotImplementedError\n\n"


class _PythonWriter:
    """Writes shapes of one side of a kind. A type may stand before those that it names: so types stand in quotes."""

    def __init__(self, one: KindTypes, side: str) -> None:
        self._references = one.references
        self._side = side

    def definition(self, named: NamedType) -> str:
        """Return the definition of a named type."""
        shape = named.shape
        if not isinstance(shape, Fields) or shape.more or not shape.members:
            return f"\n{named.name}: TypeAlias = {self._quoted(self.text(shape))}\n"
        lines = [self._field(member) for member in shape.members]
        return f"\n{named.name} = TypedDict(\n    {named.name!a},\n    {{\n{''.join(lines)}    }},\n)\n"

    def _field(self, member: Member) -> str:
        text = self.text(member.shape)
        doc = f"        # {comment(member.doc)}\n" if member.doc else ""
        said = text if member.required else f"NotRequired[{text}]"
        return f"{doc}        {member.name!a}: {self._quoted(said)},\n"

    @staticmethod
    def _quoted(text: str) -> str:
        return ascii(text)

    def text(self, shape: Shape) -> str:  # noqa: PLR0911 - a line for each shape
        """Return a shape as a type."""
        match shape:
            case Anything():
                return "Any"
            case Scalar(type=type_):
                return _SCALARS[type_]
            case Constants(values=values):
                return f"Literal[{', '.join(map(ascii, values))}]"
            case Choice(shapes=shapes):
                return " | ".join(self.text(one) for one in shapes)
            case Reference(pointer=pointer):
                return self._references[self._side, pointer]
            case Table(value=value):
                return f"dict[str, {self.text(value)}]"
            case Items():
                parts = [*shape.first, *([] if shape.rest is None else [shape.rest])]
                return f"list[{' | '.join(dict.fromkeys(map(self.text, parts))) or 'Any'}]"
            case Fields():  # with other names beside the known ones, or none at all
                return "dict[str, Any]"
