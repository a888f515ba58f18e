"""The streams of one job as a client holds them: by the rules of `docs/reference/protocol.md`. No I/O.

A client holds at each moment a beginning of what one attempt said; where the server cannot say whether that is so, the
stream is in doubt until a server can.
"""

import weakref
from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.protocol.frames.stream_messages import StreamSnapshot


class HeldStream:
    """One stream."""

    def __init__(self) -> None:
        self.first: int = 0
        """The index of the first chunk held: above 0 where the client watches a job after an event."""
        self.chunks: list[Any] = []
        self.in_doubt: bool = False
        """Whether chunks may be missing: a server answered that does not know streams."""
        self.attempt: int = 0
        """The attempt that says it, as last heard; 0: none has been heard of."""
        self.readers: weakref.WeakSet[ChunkPosition] = weakref.WeakSet()
        self._heard = False
        """Whether anything has been heard of it."""

    @property
    def count(self) -> int:
        """The index of the next chunk."""
        return self.first + len(self.chunks)

    def add(self, index: int, attempt: int, chunks: list[Any]) -> None:
        """Take chunks that an event brings; those that leave a hole put the stream in doubt."""
        self._heard = True
        if index != self.count:
            self.in_doubt = True
        elif not self.in_doubt:
            self.attempt = attempt
            self.chunks += chunks

    def keep(self, count: int, attempt: int) -> None:
        """Keep the first chunks, up to an index, and drop the others."""
        self.attempt, self._heard = attempt, True
        if count > self.count:
            self.in_doubt = True
            return
        del self.chunks[max(count - self.first, 0) :]
        self.first = min(self.first, count)
        for reader in self.readers:
            reader.go_back(count)

    def replace_from(self, first: int, attempt: int, chunks: list[Any]) -> None:
        """Take what a snapshot holds: the chunks from an index on. One that leaves a hole ends no doubt."""
        if not self._heard:  # of a watch that begins after an event the server tells what comes later
            self.first = first
            for reader in self.readers:
                reader.index = max(reader.index, first)
        is_whole = first <= self.count
        self.keep(first, attempt)
        if is_whole:
            self.chunks += chunks
            self.in_doubt = False


class ChunkPosition:
    """How far one reader has come in a stream."""

    def __init__(self, index: int) -> None:
        self.index: int = index
        """Of the next chunk."""
        self.voided: bool = False
        """Whether chunks that it has read are void, which it does not know yet."""

    def go_back(self, count: int) -> None:
        """Take note that only the first chunks stay."""
        if self.index > count:
            self.index, self.voided = count, True


class HeldStreams:
    """The streams of one job."""

    def __init__(self) -> None:
        self._streams: dict[str, HeldStream] = {}

    def stream(self, name: str) -> HeldStream:
        """Return a stream; one that the job has not written has no chunks."""
        return self._streams.setdefault(name, HeldStream())

    def chunks(self) -> dict[str, list[Any]]:
        """Return the chunks of each stream that has some."""
        return {name: list(stream.chunks) for name, stream in self._streams.items() if stream.chunks}

    def take_event(self, name: str, data: Any) -> None:
        """Take a `chunk`, `chunks` or `reset`."""
        stream = self.stream(data["stream"])
        match name:
            case "chunk":
                stream.add(data["index"], data["attempt"], [data["data"]])
            case "chunks":
                stream.add(data["index"], data["attempt"], data["data"])
            case "reset":
                stream.keep(data["keep"], data["attempt"])

    def take_snapshot(self, streams: Mapping[str, StreamSnapshot] | msgspec.UnsetType) -> None:
        """Take the streams of a snapshot; one without them comes from a server that knows none, or of a job without."""
        if streams is msgspec.UNSET:
            for stream in self._streams.values():
                stream.in_doubt = stream.in_doubt or stream.count > 0
            return
        for name in self._streams.keys() - streams.keys():
            self._streams[name].replace_from(0, 0, [])
        for name, found in streams.items():
            self.stream(name).replace_from(found.first, found.attempt, msgspec.json.decode(found.chunks))
