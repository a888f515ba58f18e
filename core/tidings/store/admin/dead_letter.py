"""Dead letters as programs read them: what is kept of a job that failed, decoded."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from tidings.protocol.frames.envelope import Envelope, decode_envelope
from tidings.protocol.problems import Problem
from tidings.protocol.timestamps import MILESTONES
from tidings.protocol.tokens import Token


class UnsuccessfulAttempt(msgspec.Struct, frozen=True):
    """One attempt that did not succeed."""

    attempt: int
    at: int
    """When it ended, ms since the epoch."""
    worker: str
    event: str
    """`retrying`, `failed` or `lost`: its worker gave no sign of life."""
    problem: Problem | None = None
    """None for one that was lost."""


class FailureNote(msgspec.Struct, frozen=True):
    """What the worker kept for operators, never shown to clients."""

    error: str = ""
    traceback: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter. Times are ms since the epoch, by the store's clock."""

    token: str
    entry: str
    """Its id in the dead-letter stream; names the letter for `replay` and `drop`."""
    died: int
    kind: str
    version: int
    """The version of the kind for which the input was checked."""
    queue: str
    tier: str
    attempt: int
    """Attempts since it was submitted or last replayed."""
    replays: int
    """How often it had been replayed before."""
    owner: str
    correlation_id: str
    problem: Problem | None
    error: str
    traceback: str
    input: msgspec.Raw
    history: list[UnsuccessfulAttempt]
    milestones: dict[str, int]
    tags: str = ""
    """With a space between each two."""

    @property
    def code(self) -> str:
        """The problem's code."""
        return self.problem.code if self.problem is not None else ""

    @property
    def detail(self) -> str:
        """The problem in words."""
        return self.problem.detail if self.problem is not None else ""


T = TypeVar("T")

LONGEST_NUMBER = 15
"""Digits of a number or time in a record; a longer one is none of ours."""

_decode_problem = msgspec.json.Decoder(Problem).decode
_decode_note = msgspec.json.Decoder(FailureNote).decode
read_history: Callable[[bytes | str], list[UnsuccessfulAttempt]] = msgspec.json.Decoder(
    UnsuccessfulAttempt
).decode_lines
"""Reads a job's history as its record keeps it: a JSON object a line."""


def read_dead_letter(partition: str, entry: bytes, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """Return the letter that one entry of a partition's dead-letter stream holds.

    What cannot be read of it is left out: an operator must be able to look at, and drop, whatever lies there.
    """
    envelope = _envelope(fields)
    note = _read(_decode_note, fields, b"note", FailureNote())
    return DeadLetter(
        token=str(Token(partition, _text(fields, b"id"))),
        entry=entry.decode(),
        died=int(entry.partition(b"-")[0]),
        kind=envelope.kind,
        version=envelope.version,
        queue=partition,
        tier=_text(fields, b"tier"),
        attempt=_number(fields, b"attempt"),
        replays=_number(fields, b"replays"),
        owner=_text(fields, b"owner"),
        correlation_id=_text(fields, b"correlation_id"),
        problem=_read(_decode_problem, fields, b"problem", None),
        error=note.error,
        traceback=note.traceback,
        input=envelope.input,
        history=_read(read_history, fields, b"history", []),
        tags=_text(fields, b"tags"),
        milestones={name: _number(fields, name.encode()) for name in MILESTONES if _number(fields, name.encode())},
    )


def _envelope(fields: Mapping[bytes, bytes]) -> Envelope:
    return _read(decode_envelope, fields, b"env", Envelope(_text(fields, b"kind"), msgspec.Raw(b"null"), 0))


def _read(decode: Callable[[bytes], T], fields: Mapping[bytes, bytes], name: bytes, otherwise: T) -> T:
    try:
        return decode(fields[name]) if fields.get(name) else otherwise
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return otherwise


def _number(fields: Mapping[bytes, bytes], name: bytes) -> int:
    text = fields.get(name, b"0")
    return int(text) if text.isdigit() and len(text) <= LONGEST_NUMBER else 0


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str:
    return fields.get(name, b"").decode(errors="replace")
