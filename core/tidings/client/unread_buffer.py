"""What one iterator has not read yet: bounded, and never silently short."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class UnreadBuffer(Generic[T]):
    """Items in order, for one reader. The reader may be cancelled at any moment and come again: nothing is lost."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._arrived = asyncio.Event()
        self._error: Exception | None = None
        self._ended = False

    def __len__(self) -> int:
        return len(self._items)

    def __aiter__(self) -> "UnreadBuffer[T]":
        return self

    async def __anext__(self) -> T:
        """Return the next item, when there is one.

        Raises:
            StopAsyncIteration: nothing more will come; or what the mailbox was ended with.

        """
        while not self._items:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._items.popleft()

    def put(self, item: T) -> None:
        """Add an item; one that comes after the end is dropped."""
        if not self._ended:
            self._items.append(item)
            self._arrived.set()

    def end(self, error: Exception | None = None) -> None:
        """Let the reader come to its end after what there is; by an error, if one is given."""
        if not self._ended:
            self._ended, self._error = True, error
            self._arrived.set()

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drop what waits and is not wanted."""
        self._items = deque(item for item in self._items if wanted(item))
