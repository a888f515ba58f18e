"""A stream as a plain function writes it, in a thread or a process: the event loop does the work."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from .opened_stream import OpenedStream
from .written_stream import StreamSink, WrittenStream

T = TypeVar("T")

AHEAD_BYTES = 65_536
"""What a handler may write before it waits for the event loop to have taken it."""


class SyncJobStream(OpenedStream):
    """One stream of a job, made by `ctx.stream(name)` in a plain function. The methods are those of `JobStream`.

    Each raises `StoppedError` when the attempt is over.
    """

    def __init__(
        self, stream: WrittenStream, sink: StreamSink, loop: asyncio.AbstractEventLoop, check: Callable[[], None]
    ) -> None:
        """Bind it.

        Args:
            stream: how far the attempt has come with it.
            sink: belongs to the event loop.
            loop: the event loop, which runs in another thread.
            check: raises `StoppedError` when the attempt is over.

        """
        super().__init__(stream, sink)
        self._loop = loop
        self._check = check
        self._unsent: deque[tuple[int, str, int]] = deque()
        """Chunks that the event loop has not taken."""
        self._ahead = 0
        """Bytes written since the handler last waited for the loop."""

    def write(self, chunk: Any) -> None:
        """Add a chunk; see `JobStream.write`."""
        self._stream.claim(threading.current_thread(), _thread_is_over)
        self._put(chunk)

    def earlier(self) -> list[Any]:
        """Return the chunks that the last attempt said; see `JobStream.earlier`."""
        self._stream.require_unbegun("earlier()")
        known = self._stream.known
        if known is None:
            self._check()
            known = self._stream.known = self._wait(self._sink.earlier_chunks(self._stream.name))
        decoded: list[Any] = [msgspec.json.decode(text) for text in known]
        return decoded

    def keep(self, count: int) -> None:
        """Adopt the first `count` chunks of what `earlier` returned; see `JobStream.keep`."""
        self._check()
        kept, size = self._stream.keep(count)
        self._loop.call_soon_threadsafe(self._sink.keep_chunks, self._stream.name, kept, size)

    # What the worker calls for a generator.

    def yielded(self, chunk: Any) -> str:
        """Add what a generator yielded; return it as JSON. For errors see `JobStream.write`."""
        return self._put(chunk)

    def _put(self, chunk: Any) -> str:
        encoded = self._stream.encoded(chunk)
        self._check()
        index, size = self._stream.add(len(encoded))
        text = encoded.decode()
        self._unsent.append((index, text, size))
        if len(self._unsent) == 1:  # the loop takes all that is there when it comes to it
            self._loop.call_soon_threadsafe(self._take)
        self._ahead += size
        if self._ahead > AHEAD_BYTES:
            self._ahead = 0
            self._wait(self._taken())
        return text

    def _take(self) -> None:
        while self._unsent:
            self._sink.write_chunk(self._stream.name, *self._unsent[0])
            self._unsent.popleft()  # only now: who finds it empty calls the loop again

    async def _taken(self) -> None:
        self._take()
        await self._sink.room()

    def _wait(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


def _thread_is_over(writer: Any) -> bool:
    return isinstance(writer, threading.Thread) and not writer.is_alive()
