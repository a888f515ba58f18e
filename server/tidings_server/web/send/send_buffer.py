"""What waits to be sent to one connection: bounded, in order, progress latest-wins for the slow."""

from collections.abc import Callable, Sized
from typing import Any, Generic, TypeVar

from tidings.protocol.events import EventClass

COALESCE_BYTES = 65_536
"""A reader is slow once this much waits: from then on only the newest progress of a job does."""

Item = TypeVar("Item", bound=Sized)


class SendBuffer(Generic[Item]):
    """Messages in order, of which `len` tells the size. A newer progress of a job takes the place of one that waits."""

    __slots__ = ("_bytes", "_gaps", "_latest", "_most", "_newest", "_read", "_taken", "items")

    def __init__(self, most_bytes: int) -> None:
        """Hold at most `most_bytes` (of a text: characters, which for JSON in ASCII are bytes)."""
        self._most = most_bytes
        self._bytes = 0
        self._newest = 0
        """Size of the message added last."""
        self.items: list[Item | None] = []
        """What waits; None: a progress that a newer one replaces. The connection reads it only to see whether it is
        empty, which costs less than `bool`."""
        self._gaps = False
        """Whether one of them is None."""
        self._taken = 0
        """Messages taken so far out of the middle of what waited: what positions in `_latest` count from."""
        self._latest: dict[str, int] = {}
        self._read: list[Callable[[], None]] = []
        """To be called when the reader has caught up."""

    def __bool__(self) -> bool:
        return bool(self.items)

    @property
    def waiting_bytes(self) -> int:
        """How much waits."""
        return self._bytes

    @property
    def overflowed(self) -> bool:
        """Whether more waits than may: the reader is too slow. One message alone may be as large as it is."""
        return self._bytes > self._most and self._bytes > self._newest

    def put(self, item: Item) -> bool:
        """Add a message that must arrive; return `overflowed`."""
        self.items.append(item)
        self._newest = size = len(item)
        self._bytes += size
        return self._bytes > self._most and self._bytes > size

    def put_event(self, token: str, event_class: int, item: Item) -> bool:
        """Add an event of a job; for a slow reader only the newest progress of each job waits; return `overflowed`."""
        if event_class == EventClass.PROGRESS:
            older = self._latest.get(token, -1) - self._taken
            if older >= 0 and self._bytes > COALESCE_BYTES:
                dropped = self.items[older]
                assert dropped is not None
                self._bytes -= len(dropped)
                self.items[older] = None
                self._gaps = True
            self._latest[token] = self._taken + len(self.items)
        return self.put(item)

    def when_read(self, call: Callable[[], None]) -> None:
        """Call something once no more waits than a reader that keeps up leaves."""
        if self._bytes <= COALESCE_BYTES:
            call()
        else:
            self._read.append(call)

    def _caught_up(self) -> None:
        calls, self._read = self._read, []
        for call in calls:
            self.when_read(call)  # the one before may have added what has to be read first

    def take(self) -> list[Item]:
        """Return what waits, and forget it."""
        waiting, self.items = self.items, []
        items: list[Any] = [item for item in waiting if item is not None] if self._gaps else waiting
        self._gaps = False
        self._latest.clear()
        self._taken = 0
        self._bytes = 0
        if self._read:
            self._caught_up()
        return items

    def take_some(self, most_bytes: int) -> list[Item]:
        """Return from what waits as much as comes to `most_bytes` or the first message beyond, and forget it."""
        if self._bytes <= most_bytes:
            return self.take()
        items: list[Item] = []
        size = count = 0
        while size < most_bytes and count < len(self.items):
            item = self.items[count]
            count += 1
            if item is not None:
                items.append(item)
                size += len(item)
        del self.items[:count]
        self._taken += count
        self._bytes -= size
        if self._read and self._bytes <= COALESCE_BYTES:
            self._caught_up()
        return items
