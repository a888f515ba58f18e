"""What the model remembers of the streams of one job, and of those who read them."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.reader import StreamReader
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_reader import JobRecord
from tidings_server.watch.snapshots import snapshot

Chunk = tuple[int, str]
"""The number of the event that brought it, and its text."""


@dataclass
class ModelStream:
    """One stream: what stands in it, and what each attempt has said in it."""

    fence: int
    chunks: list[Chunk] = field(default_factory=list)
    said: list[list[str]] = field(default_factory=lambda: [[]])
    """Of each attempt that took it over, all that it has kept and said."""

    def take(self, fence: int, kept: int) -> bool:
        """Have an attempt take it over; return whether readers are sent a reset."""
        had = bool(self.chunks)
        self.fence, self.chunks = fence, self.chunks[:kept]
        self.said.append([text for _, text in self.chunks])
        return had

    def add(self, seq: int, texts: list[str]) -> None:
        """Append what the attempt says."""
        self.chunks += [(seq, text) for text in texts]
        self.said[-1] += texts

    def seen(self, after: int) -> int:
        """Return how many of its chunks a reader has that has seen every event up to a number."""
        return sum(seq <= after for seq, _ in self.chunks)

    @property
    def texts(self) -> list[str]:
        """Its chunks."""
        return [text for _, text in self.chunks]

    def is_beginning(self, shown: list[str]) -> bool:
        """Return whether chunks are a beginning of what one attempt said."""
        return any(one[: len(shown)] == shown for one in self.said)


@dataclass
class ModelStreams:
    """The streams of one job."""

    by_name: dict[str, ModelStream] = field(default_factory=dict)
    live: StreamReader = field(default_factory=StreamReader)
    """Reads every event as it comes."""
    late: StreamReader = field(default_factory=StreamReader)
    """Breaks off, and comes back with the number that it has seen last."""
    shown: list[dict[str, list[str]]] = field(default_factory=list)
    """What the live reader has shown since it was last checked."""
    result: str | None = None
    """What the attempt that succeeded has returned, where it returned its text."""

    def count(self, name: str, fence: int) -> int:
        """Return how many chunks an attempt has in a stream."""
        stream = self.by_name.get(name)
        return len(stream.chunks) if stream is not None and stream.fence == fence else 0

    def length(self, name: str) -> int:
        """Return how many chunks a stream has, of whichever attempt."""
        return len(self.by_name[name].chunks) if name in self.by_name else 0

    def text(self, fence: int) -> str:
        """Return what an attempt has said in its stream `main`."""
        return "".join(self.by_name["main"].texts) if self.count("main", fence) else ""

    def keep(self, name: str, fence: int, kept: int) -> int:
        """Have an attempt keep chunks; return how many events that makes."""
        if name not in self.by_name:
            self.by_name[name] = ModelStream(fence)
        return int(self.by_name[name].take(fence, kept))

    def say(self, name: str, fence: int, seq: int, texts: list[str]) -> int:
        """Have an attempt say something behind event `seq`; return how many events that makes."""
        events = 1
        if name not in self.by_name:
            self.by_name[name] = ModelStream(fence)
        elif self.by_name[name].fence != fence:
            events += int(self.by_name[name].take(fence, 0))
        self.by_name[name].add(seq + events, texts)
        return events

    def succeed(self, fence: int) -> int:
        """Void what the attempt that succeeds has not written; return how many events that makes."""
        others = [stream for stream in self.by_name.values() if stream.fence != fence]
        return sum(stream.take(fence, 0) for stream in others)

    def lose(self) -> None:
        """The store has forgotten the chunks."""
        for stream in self.by_name.values():
            stream.chunks = []
            stream.said.append([])

    def hear(self, event: dict[str, Any]) -> None:
        """Have the live reader take an event."""
        self.live.event(event)
        self.shown.append(deepcopy(self.live.chunks))

    def come_back(self, reader: StreamReader, token: Token, record: JobRecord) -> None:
        """Have a reader take a record as clients get it."""
        reader.snapshot(msgspec.json.decode(msgspec.json.encode(snapshot(str(token), record, reader.seq))))

    def texts(self) -> dict[str, list[str]]:
        """Return the chunks of all streams that have some."""
        return {name: stream.texts for name, stream in self.by_name.items() if stream.chunks}

    def check_shown(self) -> None:
        """What the live reader has shown was each time a beginning of what one attempt said."""
        for shown in self.shown:
            for name, chunks in shown.items():
                assert self.by_name[name].is_beginning(chunks), (name, chunks, self.by_name[name].said)
        self.shown.clear()


def held_by(reader: StreamReader) -> dict[str, list[str]]:
    """Return what a reader holds of the streams that have chunks."""
    return {name: chunks for name, chunks in reader.chunks.items() if chunks}
