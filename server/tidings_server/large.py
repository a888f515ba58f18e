"""Large answers over one socket: one at a time, the next when the reader has taken the last."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from tidings.broker.reading import Room

from .answers import WAIT_S, Hold, busy
from .outbox import Outbox


class Turn:
    """Whose turn it is on one socket."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._give_back: Callable[[], None] | None = None
        self._over = False

    async def take(self) -> None:
        """Wait for the turn.

        Raises:
            ProblemError: `rate_limited`: it did not come in time.

        """
        if self._over:
            raise busy()
        if not self._taken:
            self._taken = True
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(WAIT_S):
                await place
        except TimeoutError:
            raise busy() from None
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Let the next have its turn."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._taken = False

    def sending(self, give_back: Callable[[], None]) -> None:
        """Call `give_back` if the socket ends before what was told has been sent."""
        if self._over:
            give_back()
        else:
            self._give_back = give_back

    def sent(self) -> None:
        """Take note that it has been."""
        self._give_back = None

    def end(self) -> None:
        """Take note that the socket is gone: nothing more will be read for it."""
        self._over = True
        for place in self._waiting:
            if not place.done():
                place.set_exception(busy())
        self._waiting.clear()
        if self._give_back is not None:
            self._give_back()


class LargeAnswer:
    """The room for one answer over a socket. One that turns out to be small takes none."""

    __slots__ = ("_hold", "_outbox", "_taken", "_turn")

    def __init__(self, turn: Turn, hold: Hold, outbox: Outbox[Any]) -> None:
        self._turn = turn
        self._hold = hold
        self._outbox = outbox
        self._taken = False

    async def take(self, size: int) -> None:
        """Wait for the turn, and for room.

        Raises:
            ProblemError: `rate_limited`.

        """
        await self._turn.take()
        try:
            await self._hold.take(size)
        except BaseException:
            self._turn.leave()
            raise
        self._taken = True

    def join(self, other: Room) -> None:
        """Share another's answer; what is told of it is told once for each, and waits in the outbox."""
        if isinstance(other, LargeAnswer):
            self._hold.join(other._hold)  # noqa: SLF001 - of the same class

    def release(self) -> None:
        """Give the room back at once."""
        self._give_back()

    def told(self, _: object) -> None:
        """Give everything back as soon as what waits to be sent, the answer among it, has been handed to the socket."""
        if not self._taken:
            self._hold.release()
            return
        self._turn.sending(self._give_back)
        self._outbox.when_read(self._give_back)

    def _give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._turn.sent()
            self._hold.release()
            self._turn.leave()
