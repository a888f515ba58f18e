"""What passes between a process and the store about the streams of jobs; as the scripts take and give it."""

from typing import Final

import msgspec

STREAM: Final = 4
"""The class of `StreamChunks` in a report."""

KEEP: Final = 5
"""The class of `KeepChunks` in a report."""


class StreamChunks(msgspec.Struct, array_like=True):
    """Chunks that an attempt said in one turn, for the event `chunk` or `chunks`. More may be added until it leaves."""

    kind: int
    """`STREAM`."""
    stream: str
    attempt: int
    index: int
    """Of the first."""
    bytes: int
    """Of all as JSON, as they count among those of the job's streams."""
    chunks: list[str]
    """JSON texts."""


class KeepChunks(msgspec.Struct, array_like=True, frozen=True):
    """The attempt takes a stream over, and adopts the first chunks of what an earlier attempt said."""

    kind: int
    """`KEEP`."""
    stream: str
    attempt: int
    kept: int
    """How many."""
    bytes: int
    """Of those, as in `StreamChunks`."""


class StreamRecord(msgspec.Struct, array_like=True, frozen=True):
    """One stream of a job, as a watcher gets it."""

    name: str
    fence: int
    """Of the attempt that says it."""
    attempt: int
    count: int
    """The chunks that it has."""
    first: int
    """The index of the first chunk that the watcher lacks."""
    upto: int
    """The index after the last chunk here; below `count`: there are more."""
    chunks: str
    """From `first` to before `upto`, JSON texts with a comma between each two."""


class StreamPage(msgspec.Struct, array_like=True, frozen=True):
    """Chunks of one stream, and what a reader needs to know of the job."""

    state: str
    """The job's; empty: there is no such job."""
    owner: str
    tags: str
    seq: int
    """The job's."""
    fence: int
    """Of the attempt that says it; -1: the job has no such stream."""
    attempt: int
    count: int
    """The chunks that the stream has."""
    first: int
    """The index of the first chunk here."""
    upto: int
    """The index after the last; below `count`: there are more."""
    chunks: str
    """JSON texts with a comma between each two."""
    bytes: int = 0
    """Of all chunks of the stream."""
