"""Dead letters as programs read them: what is kept of a job that failed, decoded."""

from collections.abc import Mapping

import msgspec

from tidings.contract.envelope import Envelope, decode_envelope
from tidings.contract.moment import MILESTONES
from tidings.contract.problem import Problem
from tidings.contract.token import Token


class Past(msgspec.Struct, frozen=True):
    """One attempt that did not succeed."""

    attempt: int
    at: int
    """When it ended, ms since the epoch."""
    worker: str
    event: str
    """`retrying`, `failed` or `lost`: its worker gave no sign of life."""
    problem: Problem | None = None
    """None for one that was lost."""


class Note(msgspec.Struct, frozen=True):
    """What the worker kept for operators, never shown to clients."""

    error: str = ""
    traceback: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
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
    history: list[Past]
    milestones: dict[str, int]

    @property
    def code(self) -> str:
        """The problem's code."""
        return self.problem.code if self.problem is not None else ""

    @property
    def detail(self) -> str:
        """The problem in words."""
        return self.problem.detail if self.problem is not None else ""


_decode_problem = msgspec.json.Decoder(Problem).decode
_decode_note = msgspec.json.Decoder(Note).decode
read_past = msgspec.json.Decoder(Past).decode_lines
"""Reads a job's history as its record keeps it: a JSON object a line."""


def read_letter(partition: str, entry: bytes, fields: Mapping[bytes, bytes]) -> Letter:
    """Return the letter that one entry of a partition's dead-letter stream holds."""
    envelope = _envelope(fields)
    note = _decode_note(fields[b"note"]) if fields.get(b"note") else Note()
    return Letter(
        token=str(Token(partition, fields[b"id"].decode())),
        entry=entry.decode(),
        died=int(entry.partition(b"-")[0]),
        kind=envelope.kind,
        version=envelope.version,
        queue=partition,
        tier=_text(fields, b"tier"),
        attempt=int(fields.get(b"attempt", 0)),
        replays=int(fields.get(b"replays", 0)),
        owner=_text(fields, b"owner"),
        correlation_id=_text(fields, b"correlation_id"),
        problem=_decode_problem(fields[b"problem"]) if fields.get(b"problem") else None,
        error=note.error,
        traceback=note.traceback,
        input=envelope.input,
        history=read_past(fields.get(b"history", b"")),
        milestones={name: int(fields[name.encode()]) for name in MILESTONES if fields.get(name.encode())},
    )


def _envelope(fields: Mapping[bytes, bytes]) -> Envelope:
    try:
        return decode_envelope(fields[b"env"])
    except msgspec.MsgspecError:  # an operator must be able to look at, and drop, what nobody can read
        return Envelope(_text(fields, b"kind"), msgspec.Raw(b"null"), 0)


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str:
    return fields.get(name, b"").decode()
