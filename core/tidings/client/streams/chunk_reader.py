"""Reading one stream of a job, chunk after chunk as it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tidings.client.client_errors import StreamIncomplete, StreamReset

from .held_streams import ChunkPosition, HeldStream


class StreamNews:
    """Wakes the readers of a job's streams; and whether anything more comes."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.over = False
        """Whether the job has ended, or is not followed any more."""
        self.error: Exception | None = None
        """Why it is not followed any more."""

    def tell(self) -> None:
        """Wake the readers."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self) -> None:
        """Return when there is news."""
        await self._changed.wait()


class ChunkReader(AsyncIterator[Any]):
    """One reader of one stream: an asynchronous iterator of its chunks, from the first to the end of the job.

    When a later attempt starts again, what the earlier one said is void. If the reader has given some of that, it
    raises `StreamReset`, which says how many of its chunks stay; asked again, it goes on behind those.
    """

    def __init__(self, name: str, stream: HeldStream, news: StreamNews) -> None:
        self.name = name
        """The stream's name."""
        self._stream = stream
        self._news = news
        self._position = ChunkPosition(stream.first)
        stream.readers.add(self._position)

    @property
    def chunks(self) -> list[Any]:
        """The chunks so far, right after a reset too, however many this reader has given."""
        return list(self._stream.chunks)

    @property
    def text(self) -> str:
        """The chunks so far, joined.

        Raises:
            TypeError: they are not all text.

        """
        return "".join(self._stream.chunks)

    @property
    def attempt(self) -> int:
        """The attempt that says the stream; 0: none has said anything."""
        return self._stream.attempt

    async def __anext__(self) -> Any:
        """Return the next chunk, when there is one. It may be cancelled while it waits, and be asked again.

        Raises:
            StopAsyncIteration: the job has ended, however it did; `Handle.result` says how.
            StreamReset: chunks that this reader has given are void.
            StreamIncomplete: the job has ended, and chunks may be missing.
            NotWatched: the job is not followed any more.
            ConnectionLost: the connection was closed for good.

        """
        stream, position = self._stream, self._position
        while True:
            if position.voided:
                position.voided = False
                raise StreamReset(self.name, position.index, stream.attempt)
            if position.index < stream.count:
                chunk = stream.chunks[position.index - stream.first]
                position.index += 1
                return chunk
            if self._news.over:
                self._end()
            await self._news.wait()

    def _end(self) -> None:
        if self._news.error is not None:
            raise self._news.error
        if self._stream.in_doubt:
            raise StreamIncomplete(self.name)
        raise StopAsyncIteration
