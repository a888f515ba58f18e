"""A history: what clients asked and were told, what handlers did, and what was left, as it happened.

The checker reads it and nothing else; so it can be written by hand as well.
"""

from collections.abc import Iterable
from typing import Any

import msgspec


class Asked(msgspec.Struct, frozen=True, tag=True):
    """A client wants a job, under a key of its own."""

    key: str
    kind: str
    input: dict[str, Any]


class CancelAsked(msgspec.Struct, frozen=True, tag=True):
    """A client asked that a job stop."""

    token: str


class Acked(msgspec.Struct, frozen=True, tag=True):
    """A submit was acked; `observer` follows the job from here, at `seq` unless it is a duplicate."""

    observer: str
    key: str
    token: str
    seq: int = 1
    duplicate: bool = False


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Something was refused for good; nothing in a trial should be."""

    observer: str
    what: str
    problem: dict[str, Any]


class Followed(msgspec.Struct, frozen=True, tag=True):
    """An observer wants to follow a job to its end."""

    observer: str
    token: str


class Saw(msgspec.Struct, frozen=True, tag=True):
    """An observer was sent an event."""

    observer: str
    token: str
    seq: int
    event: str
    data: Any = None
    known: bool = True
    """Whether the answer that names the job had come before, on the same connection."""


class Told(msgspec.Struct, frozen=True, tag=True):
    """An observer was sent a snapshot: the answer to a watch, or a repair."""

    observer: str
    token: str
    seq: int
    status: str
    log: list[tuple[int, Any]] = []
    outcome: Any = None
    """The result or the problem."""
    truncated: bool = False
    rewound: bool = False


class Found(msgspec.Struct, frozen=True, tag=True):
    """What `GET /v1/jobs/{token}` said at the end; an empty status: nothing of that name."""

    server: str
    token: str
    seq: int
    status: str
    log: list[tuple[int, Any]] = []
    outcome: Any = None


class Effect(msgspec.Struct, frozen=True, tag=True):
    """A line of the record that handlers write."""

    token: str
    attempt: int
    run: str
    pid: int
    at: float
    """By the monotonic clock of the machine, s."""
    what: str
    """`began`; `ended`, or `left` by an exception of its own; `once`."""
    value: Any = None


class Stored(msgspec.Struct, frozen=True, tag=True):
    """A record of a job in the store at the end."""

    key: str
    token: str
    status: str


class Left(msgspec.Struct, frozen=True, tag=True):
    """Something in the store that should be empty at the end."""

    what: str
    count: int


class Killed(msgspec.Struct, frozen=True, tag=True):
    """A worker was killed."""

    pid: int
    at: float


Entry = (
    Asked | CancelAsked | Acked | Refused | Followed | Saw | Told | Found | Effect | Stored | Left | Killed
)  # fmt: skip


class History:
    """The entries of one trial, in the order in which they were learned."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = list(entries)

    def add(self, entry: Entry) -> None:
        """Take one more."""
        self.entries.append(entry)

    def lines(self) -> bytes:
        """Return it as NDJSON, to be kept when something is wrong."""
        return msgspec.json.Encoder().encode_lines(self.entries)

    def of(self, token: str) -> list[Entry]:
        """Return what concerns one job."""
        return [entry for entry in self.entries if getattr(entry, "token", "") == token]
