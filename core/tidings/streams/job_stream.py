"""A stream as an `async def` handler writes it."""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

import msgspec

from .opened_stream import OpenedStream
from .written_stream import StreamMark


class _Done(Awaitable[None]):
    """Something that is done already: it may be awaited, and need not be."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


class JobStream(OpenedStream):
    """One stream of a job, made by `ctx.stream(name)`: a part of the job's answer, chunk after chunk.

    A stream belongs to one attempt. When a later attempt writes its first chunk, or ends well without one, what the
    earlier said is void, and clients see a `reset`.
    """

    async def write(self, chunk: Any) -> None:
        """Add a chunk. It waits while the worker holds too much that the store has not taken.

        Chunks that are written within one turn of the event loop leave together.

        Args:
            chunk: any JSON value, at most `max_chunk_bytes` when encoded (65,000 by default).

        Raises:
            TypeError: JSON has no form for it.
            ValueError: it is too large.
            StreamFullError: the job's streams would be too large (`max_stream_bytes`).
            StreamError: the attempt is over, or another task writes the stream.

        """
        self._stream.claim(asyncio.current_task(), _task_is_over)
        self._put(chunk)
        await self._sink.room()

    async def earlier(self) -> list[Any]:
        """Return the chunks that the last attempt said which wrote to this stream; empty: none did.

        Raises:
            StreamError: this attempt has written a chunk.

        """
        self._stream.require_unbegun("earlier()")
        known = self._stream.known
        if known is None:
            known = self._stream.known = await self._sink.earlier_chunks(self._stream.name)
        decoded: list[Any] = [msgspec.json.decode(text) for text in known]
        return decoded

    def keep(self, count: int) -> Awaitable[None]:
        """Adopt the first `count` chunks of what `earlier` returned: the next chunk gets the index `count`.

        It is done at once: `await` is allowed, not needed.

        Raises:
            StreamError: there are not so many, `earlier` was not asked, or this attempt has written a chunk.
            StreamFullError: the job's streams would be too large.

        """
        kept, size = self._stream.keep(count)
        self._sink.keep_chunks(self._stream.name, kept, size)
        return _Done()

    @property
    def mark(self) -> StreamMark:
        """How far this attempt has come, for `go_back`."""
        return self._stream.mark

    def go_back(self, mark: StreamMark) -> None:
        """Take back what this attempt has said behind a mark: clients see a `reset`, and the store drops it."""
        self._stream.go_back(mark)
        self._sink.keep_chunks(self._stream.name, mark.chunks, mark.size)

    # What the worker calls for a generator.

    async def yielded(self, chunk: Any) -> str:
        """Add what a generator yielded; return it as JSON. For errors see `write`."""
        text = self._put(chunk)
        await self._sink.room()
        return text

    def _put(self, chunk: Any) -> str:
        encoded = self._stream.encoded(chunk)
        index, size = self._stream.add(len(encoded))
        text = encoded.decode()
        self._sink.write_chunk(self._stream.name, index, text, size)
        return text


def _task_is_over(writer: Any) -> bool:
    return isinstance(writer, asyncio.Task) and writer.done()
