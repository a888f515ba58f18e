"""The kinds as TypeScript: a map of kinds, and a client whose `submit` knows it."""

import json
from collections.abc import Iterable

from .kind_types import KindTypes, ListedKind, types_of
from .names import TypeNames, comment
from .shapes import Anything, Choice, Constants, Fields, Items, Member, Reference, Scalar, Shape, Table

_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_TAKEN = ("Job", "Kinds", "SubmitOptions", "Tidings", "TypedJob", "TypedTidings")

HEAD = """// Written by `tidings types --ts`. Write it again rather than edit it.
import type { Job, SubmitOptions, Tidings } from %s;
"""

FOOT = """
/** A job whose result has a type, and what its generator yields. */
export interface TypedJob<Result, Chunk = unknown> extends Omit<Job, "result" | "stream" | "chunks"> {
  readonly result: Promise<Result>;
  stream(name?: "main", options?: { from?: number }): ReadableStream<Chunk> & AsyncIterable<Chunk>;
  stream(name: string, options?: { from?: number }): ReadableStream<unknown> & AsyncIterable<unknown>;
  chunks(name?: "main"): Chunk[];
  chunks(name: string): unknown[];
}

/** A client whose `submit` knows the kinds. */
export interface TypedTidings extends Omit<Tidings, "submit"> {
  submit<Kind extends keyof Kinds>(
    kind: Kind,
    input: Kinds[Kind]["input"],
    options?: SubmitOptions,
  ): TypedJob<Kinds[Kind]["result"], Kinds[Kind] extends { chunk: infer Chunk } ? Chunk : unknown>;
}

/** Returns the client itself, typed. */
export function typed(tidings: Tidings): TypedTidings {
  return tidings as unknown as TypedTidings;
}
"""


def typescript(kinds: Iterable[ListedKind], package: str) -> str:
    """Return the module.

    Args:
        kinds: the kinds.
        package: where the module imports the client from.

    Raises:
        SchemaTooLargeError: a schema is too deep, or all together are too large.

    """
    found = types_of(kinds, TypeNames(_TAKEN))
    parts = [HEAD % json.dumps(package)]
    for one in found:
        for side, named in one.sides:
            parts.append(f"\nexport type {named.name} = {_TypescriptWriter(one, side).text(named.shape, 0)};\n")
            parts.extend(_referred(one, side))
    parts.append("\n/** Kind: what it takes and what it gives. */\nexport interface Kinds {\n")
    for one in found:
        doc = f"  /** {comment(one.doc)} */\n" if one.doc else ""
        fields = "; ".join(f"{side}: {named.name}" for side, named in one.sides)
        parts.append(f"{doc}  {json.dumps(one.kind)}: {{ {fields} }};\n")
    parts.append("}\n")
    return "".join(parts) + FOOT


def _referred(one: KindTypes, side: str) -> list[str]:
    mine = {name for (where, _), name in one.references.items() if where == side}
    writer = _TypescriptWriter(one, side)
    return [
        f"\nexport type {named.name} = {writer.text(named.shape, 0)};\n" for named in one.named if named.name in mine
    ]


class _TypescriptWriter:
    """Writes shapes of one side of a kind."""

    def __init__(self, one: KindTypes, side: str) -> None:
        self._references = one.references
        self._side = side

    def text(self, shape: Shape, depth: int) -> str:  # noqa: PLR0911 - a line for each shape
        """Return a shape as a type."""
        match shape:
            case Anything():
                return "unknown"
            case Scalar(type=type_):
                return _SCALARS[type_]
            case Constants(values=values):
                return " | ".join(json.dumps(value) for value in values)
            case Choice(shapes=shapes):
                return " | ".join(self.text(one, depth) for one in shapes)
            case Reference(pointer=pointer):
                return self._references[self._side, pointer]
            case Table(value=value):
                return f"{{ [name: string]: {self.text(value, depth)} }}"
            case Items():
                return self._items(shape, depth)
            case Fields():
                return self._fields(shape, depth)

    def _items(self, shape: Items, depth: int) -> str:
        rest = None if shape.rest is None else f"({self.text(shape.rest, depth)})[]"
        if not shape.first:
            return rest or "[]"
        parts = [
            f"({self.text(one, depth)}){'?' if place >= shape.least else ''}" for place, one in enumerate(shape.first)
        ]
        return f"[{', '.join([*parts, *([f'...{rest}'] if rest else [])])}]"

    def _fields(self, shape: Fields, depth: int) -> str:
        inner = "  " * (depth + 1)
        lines = [self._member(member, inner, depth) for member in shape.members]
        if shape.more:
            lines.append(f"{inner}[name: string]: unknown;\n")
        return f"{{\n{''.join(lines)}{'  ' * depth}}}" if lines else "{ [name: string]: never }"

    def _member(self, member: Member, inner: str, depth: int) -> str:
        doc = f"{inner}/** {comment(member.doc)} */\n" if member.doc else ""
        mark = "" if member.required else "?"
        return f"{doc}{inner}{json.dumps(member.name)}{mark}: {self.text(member.shape, depth + 1)};\n"
