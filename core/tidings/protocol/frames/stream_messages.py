"""The streams of jobs on the wire: the data of their events, and what a snapshot says of them.

A stream is a part of a job's answer, which one attempt says. A reader of it holds chunks, and does three things: it
puts the chunks of `chunk` and `chunks` behind those that it holds; at a `reset` it keeps the first `keep` of them; at a
snapshot it keeps the first `from` and puts the snapshot's behind them.
"""

import msgspec


class ChunkData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a `chunk`."""

    stream: str
    """The stream's name."""
    index: int
    """The chunk's place in the stream, from 0: as many chunks came before."""
    attempt: int
    """The attempt that says it."""
    data: msgspec.Raw
    """The chunk: any JSON; of the stream `main` what the `chunk` of the kind says."""


class ChunksData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of `chunks`: several that were said together."""

    stream: str
    """The stream's name."""
    index: int
    """The place of the first."""
    attempt: int
    """The attempt that says them."""
    data: list[msgspec.Raw]
    """The chunks, in order, each as the `data` of a `chunk`."""


class ResetData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a `reset`: a later attempt says the stream from now on."""

    stream: str
    """The stream's name."""
    attempt: int
    """The later attempt."""
    keep: int
    """How many chunks stay: the later attempt has adopted them. All behind them are void."""


class StreamSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One stream in a snapshot. The reader keeps its first `from` chunks, and puts these behind them."""

    attempt: int
    """The attempt that says it."""
    first: int = msgspec.field(name="from")
    """The index of the first chunk here: 0; or, for a reader that has seen some, how many of those stay."""
    chunks: msgspec.Raw
    """An array of the chunks from there to the newest."""
