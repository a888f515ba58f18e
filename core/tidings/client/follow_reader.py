"""What `Client.follow` returns: the jobs with a tag, as they are found."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from .client_errors import ReaderTooSlow
from .handle import MAX_UNREAD, Handle
from .protocol.follows import TagFollow
from .unread_buffer import UnreadBuffer


class FollowReader(AsyncIterator[Handle[Any]]):
    """The handles of all jobs with a tag: of those that live, then of each that is submitted.

    It begins with the first handle that is asked for, or as `async with`, which also ends it.
    """

    def __init__(
        self,
        begin: Callable[["FollowReader"], Awaitable[TagFollow]],
        end: Callable[["FollowReader"], None],
        tag: str,
    ) -> None:
        self.tag = tag
        """The tag."""
        self.follow: TagFollow | None = None
        """None: it has not begun."""
        self.handles: list[Handle[Any]] = []
        """Those that it has found and that have not ended."""
        self._begin = begin
        self._end = end
        self._found: UnreadBuffer[Handle[Any]] = UnreadBuffer()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __anext__(self) -> Handle[Any]:
        """Return the handle of the next job, when there is one.

        Raises:
            StopAsyncIteration: it was closed.
            ProblemError: the server does not let this client follow the tag.
            ConnectionLost: the connection was closed for good.
            ReaderTooSlow: too many handles waited.

        """
        await self._start()
        return await anext(self._found)

    def close(self) -> None:
        """Follow the tag no more; the handles that it gave go on."""
        if self.follow is not None:
            self._end(self)
        self.finish()

    async def _start(self) -> None:
        if self.follow is None:
            self.follow = await self._begin(self)

    # What the client calls.

    def put(self, handle: Handle[Any]) -> None:
        """Give the handle of a job that was found."""
        if len(self._found) >= MAX_UNREAD:
            self.finish(ReaderTooSlow(handle.token, 0))
            return
        self.handles = [one for one in self.handles if not one.over]
        self.handles.append(handle)
        self._found.put(handle)

    def finish(self, error: Exception | None = None) -> None:
        """End after what waits."""
        self._found.end(error)
