"""How long a batch waits for company whose items may all wait, as chunks of streams may.

A call of the store costs several times what an item does, and chunks that one attempt says before its batch leaves
become one item. So where there are many, a batch leaves some milliseconds after the one before, the later the larger
that was: too soon for a reader of a text to see. Where there are few, each leaves at once. An item that may not wait
takes them along.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item_contra = TypeVar("Item_contra", contravariant=True)

LONGEST_S = 0.025
"""The longest wait behind the batch before, s."""

WAIT_OF_ITEM_S = 0.00025
"""What each item of the batch before adds to the wait, s. More than one over this many items a second, 4,000, make the
batches grow up to the longest wait; with fewer the wait vanishes."""


class Linger(Generic[Item_contra]):
    """The wait of one batcher's items."""

    __slots__ = ("_earliest", "_loop", "_may_linger", "_send", "_timer", "_urgent")

    def __init__(
        self,
        may_linger: Callable[[Item_contra], bool],
        send: Callable[[], object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Prepare.

        Args:
            may_linger: whether an item may wait for company.
            send: called, in a turn of its own, when a batch that was held may leave.
            loop: the running event loop.

        """
        self._may_linger = may_linger
        self._send = send
        self._loop = loop
        self._earliest = 0.0
        """When the next batch may leave whose items may all linger, by the loop's clock."""
        self._urgent = False
        """Whether an item waits that may not linger."""
        self._timer: asyncio.TimerHandle | None = None
        """Runs while a batch is held."""

    def add(self, item: Item_contra) -> None:
        """Take note of an item that waits; a batch that is held leaves with one that may not wait."""
        if not self._urgent and not self._may_linger(item):
            self._urgent = True
            if self._timer is not None:
                self.close()
                self._loop.call_soon(self._send)

    def holds(self, *, full: bool) -> bool:
        """Return whether the items that wait stay for now; then `send` is called when they may leave.

        Args:
            full: whether they fill a batch.

        """
        self._timer = None
        if self._urgent or full or self._loop.time() >= self._earliest:
            return False
        self._timer = self._loop.call_at(self._earliest, self._send)
        return True

    def leave(self, items: int, *, left: bool) -> None:
        """Take note that a batch leaves.

        Args:
            items: how many it has.
            left: whether others go on waiting, for which it had no room.

        """
        self._urgent = self._urgent and left
        self._earliest = self._loop.time() + min(items * WAIT_OF_ITEM_S, LONGEST_S)

    def close(self) -> None:
        """Send nothing any more that is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
