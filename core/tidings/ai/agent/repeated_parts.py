"""What a run of a handler says again that an earlier run has said. No I/O.

A handler with steps runs again from its first line. What it writes itself is the same each time. What a step wrote is
in the step's result, with pieces of one text joined: so pieces are compared by the text that they make.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from tidings.ai.message_parts import pieces_of
from tidings.ai.part_types import Part

_PIECE: Final[Mapping[str, str]] = {
    "text-delta": "delta",
    "reasoning-delta": "delta",
    "tool-input-delta": "inputTextDelta",
}
"""The parts that come in pieces, and the field that has the piece."""


class RepeatedParts:
    """The chunks of the earlier run, and how many of them this run has said too."""

    def __init__(self, chunks: list[Part]) -> None:
        """Begin; `chunks`: the parts as the store has them."""
        self._chunks = chunks
        self.count: int = 0
        """Chunks that count."""

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def match(self, parts: Iterable[Part]) -> bool:
        """Return whether these parts come next, and move behind them if they do."""
        at = self.count
        for part in parts:
            field = _PIECE.get(part["type"])
            if field is None:
                if self._chunks[at : at + 1] != [as_json(part)]:
                    return False
                at += 1
                continue
            left = part[field]
            while left:
                if at == len(self._chunks) or not _is_piece(self._chunks[at], part, field, left):
                    return False
                left = left.removeprefix(self._chunks[at][field])
                at += 1
        self.count = at
        return True


def joined(parts: Iterable[Part]) -> list[Part]:
    """Return parts with the pieces of one text, or of one input, joined; each piece is copied once."""
    found: list[Part] = []
    for whole, pieces in groupby(parts, _without_piece):
        field = _PIECE.get(whole["type"])
        if field is None:
            found += pieces
        else:
            found.append({**whole, field: "".join(piece[field] for piece in pieces)})
    return found


def in_pieces(parts: Iterable[Part]) -> list[Part]:
    """Return joined parts in pieces that a chunk can hold."""
    found: list[Part] = []
    for part in parts:
        field = _PIECE.get(part["type"])
        found += [part] if field is None else [{**part, field: piece} for piece in pieces_of(part[field])]
    return found


def as_json(value: Any) -> Any:
    """Return a value as it comes back from the store: a tuple is a list, for example."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _is_piece(chunk: Part, whole: Part, field: str, left: str) -> bool:
    piece = chunk.get(field)
    if not isinstance(piece, str) or not piece or not left.startswith(piece):
        return False
    return {**chunk, field: ""} == {**whole, field: ""}


def _without_piece(part: Part) -> Part:
    field = _PIECE.get(part["type"])
    return part if field is None else {**part, field: ""}
