"""The streams of one attempt: what its handler has said in each, and what it may still say.

`AttemptStreams` is what the contexts of an attempt share. It has no I/O: what the handler says goes to the sink.
"""

import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from tidings.protocol.frames.stream_names import check_stream_name
from tidings.schema.codec import encode

from .stream_errors import StreamError, StreamFullError

MAX_STREAMS: Final = 32
"""Streams that one attempt may write; `lua/lib/streams/stream_writes.lua` has the same."""

CHUNK_COST: Final = 2
"""Bytes that a chunk counts beside its own."""


class _Generator:
    """The writer of what a generator yields."""


GENERATOR: Final = _Generator()


def _is_never_over(_: object) -> bool:
    return False


class StreamSink(Protocol):
    """The worker's side: it takes what a handler says. It belongs to the event loop."""

    max_chunk_bytes: int
    max_stream_bytes: int

    def write_chunk(self, stream: str, index: int, text: str, size: int) -> None:
        """Take a chunk, as JSON text; size: what it counts, bytes."""

    def keep_chunks(self, stream: str, kept: int, size: int) -> None:
        """Have the attempt take a stream over, with the first chunks of what an earlier attempt said."""

    async def room(self) -> None:
        """Return when it can take more chunks: back-pressure from the store."""

    async def earlier_chunks(self, stream: str) -> list[str]:
        """Return what an earlier attempt said, as JSON texts."""


class StreamMark(NamedTuple):
    """A place in a stream of an attempt."""

    chunks: int
    """How many are before it."""
    size: int
    """What they count, bytes."""


class WrittenStream:
    """One stream, as far as this attempt has come with it."""

    def __init__(self, name: str, streams: "AttemptStreams") -> None:
        self.name = name
        self.count: int = 0
        """Chunks of this attempt, with those that it keeps: the index of the next."""
        self.kept: list[str] = []
        """The chunks of an earlier attempt that this one keeps."""
        self.writer: object = None
        """The task or thread that writes it."""
        self._streams = streams
        self._earlier: list[str] | None = None
        """What an earlier attempt said; None: the handler has not asked."""
        self._begun = False
        self._size = 0
        """What its chunks count, bytes."""

    def encoded(self, chunk: Any) -> bytes:
        """Return a chunk as JSON.

        Raises:
            TypeError: JSON has no form for it.
            ValueError: it is larger than a chunk may be.

        """
        try:
            text = encode(chunk)
        except TypeError as error:
            raise TypeError(f"chunk {self.count} of the stream {self.name!r}: {error}") from error
        most = self._streams.max_chunk_bytes
        if len(text) > most:
            raise ValueError(
                f"chunk {self.count} of the stream {self.name!r} is {len(text)} bytes as JSON; at most {most} are "
                "allowed: write it in parts"
            )
        return text

    def claim(self, writer: object, is_over: Callable[[Any], bool]) -> None:
        """Have one task or thread be the one that writes.

        Raises:
            StreamError: another writes it, and goes on.

        """
        if self.writer is writer:
            return
        if self.writer is GENERATOR:
            raise StreamError(
                f"what the generator yields is written to the stream {self.name!r}; write to one of another name"
            )
        if self.writer is not None and not is_over(self.writer):
            raise StreamError(
                f"another task or thread writes the stream {self.name!r}; give each a stream of its own, or have one "
                "write for all"
            )
        self.writer = writer

    def claim_for_generator(self) -> None:
        """Have what the generator yields be all that is written.

        Raises:
            StreamError: something else writes it.

        """
        self.claim(GENERATOR, _is_never_over)

    def add(self, size: int) -> tuple[int, int]:
        """Take note of a chunk of so many bytes; return its index and what it counts.

        Raises:
            StreamError: the attempt is over.
            StreamFullError: there is no room for it.

        """
        self._streams.add(self.name, size + CHUNK_COST)
        index = self.count
        self.count += 1
        self._size += size + CHUNK_COST
        self._begun = True
        return index, size + CHUNK_COST

    @property
    def mark(self) -> "StreamMark":
        """How far the attempt has come with it."""
        return StreamMark(self.count, self._size)

    def go_back(self, mark: "StreamMark") -> None:
        """Take back what the attempt has said behind a mark of its own."""
        self._streams.take_back(self._size - mark.size)
        self.count, self._size = mark

    # What an earlier attempt said.

    def require_unbegun(self, what: str) -> None:
        """Refuse what must come before the first chunk.

        Raises:
            StreamError: a chunk is written.

        """
        if self._begun:
            raise StreamError(f"{what} comes before the first chunk of the stream {self.name!r}, and only once")

    @property
    def known(self) -> list[str] | None:
        """What an earlier attempt said; None: the handler has not asked."""
        return self._earlier

    @known.setter
    def known(self, chunks: list[str]) -> None:
        self._earlier = chunks

    def keep(self, count: int) -> tuple[int, int]:
        """Adopt the first chunks of what an earlier attempt said; return how many, and what they count.

        Raises:
            StreamError: there are not so many, the handler has not asked for them, or has written a chunk.
            StreamFullError: there is no room for them.

        """
        self.require_unbegun("keep()")
        if self._earlier is None:
            raise StreamError(f"keep() of the stream {self.name!r}: ask what there is by earlier() before")
        if not 0 <= count <= len(self._earlier):
            raise StreamError(
                f"keep({count!r}) of the stream {self.name!r}: the earlier attempt said {len(self._earlier)} chunks; "
                f"keep 0 to {len(self._earlier)}"
            )
        self.kept = self._earlier[:count]
        size = sum(len(text.encode()) + CHUNK_COST for text in self.kept)
        self._streams.add(self.name, size)
        self.count, self._size = count, size
        self._begun = True
        self._earlier = None
        return count, size


class AttemptStreams:
    """The streams that one attempt writes."""

    def __init__(self, max_chunk_bytes: int, max_stream_bytes: int, *, with_steps: bool = False) -> None:
        """Begin with none.

        Args:
            max_chunk_bytes: of one chunk.
            max_stream_bytes: of all chunks of the job.
            with_steps: whether the handler takes steps too, and itself says nothing twice.

        """
        self.with_steps = with_steps
        self.max_chunk_bytes = max_chunk_bytes
        self._max_stream_bytes = max_stream_bytes
        self._bytes = 0
        self._streams: dict[str, WrittenStream] = {}
        self._ended = False
        self._lock = threading.Lock()

    def open(self, name: str) -> WrittenStream:
        """Return a stream.

        Raises:
            ValueError: no stream may have this name, or there are too many.

        """
        check_stream_name(name)
        with self._lock:
            stream = self._streams.get(name)
            if stream is None:
                if len(self._streams) >= MAX_STREAMS:
                    raise ValueError(f"stream {name!r}: a job has at most {MAX_STREAMS} streams")
                stream = self._streams[name] = WrittenStream(name, self)
            return stream

    def __bool__(self) -> bool:
        return bool(self._streams)

    def add(self, name: str, size: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            StreamError: the attempt is over.
            StreamFullError: there is no room for them.

        """
        with self._lock:
            if self._ended:
                raise StreamError(f"the stream {name!r} has ended with its attempt: it takes no more")
            if self._bytes + size > self._max_stream_bytes:
                raise StreamFullError(
                    f"the streams of this job would come to {self._bytes + size} bytes; at most "
                    f"{self._max_stream_bytes} are kept (TIDINGS_MAX_STREAM_BYTES)"
                )
            self._bytes += size

    def take_back(self, size: int) -> None:
        """Count bytes no more."""
        with self._lock:
            self._bytes -= size

    def end(self) -> None:
        """Take nothing more: the attempt is over."""
        with self._lock:
            self._ended = True
