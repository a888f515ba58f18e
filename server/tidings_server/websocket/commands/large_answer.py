"""Large answers over one socket: one at a time, the next when the client has read the last."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from tidings.store.jobs.job_reader import ReplyRoom
from tidings_server.watch.answer_budget import WAIT_S, AnswerReservation, no_room
from tidings_server.web.send.send_buffer import SendBuffer


class LargeAnswerLock:
    """The turn to send a large answer over one socket."""

    __slots__ = ("_give_back", "_over", "_taken", "_waiting")

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] | None = None
        """None: none has waited as yet. An empty deque takes 760 bytes of each socket."""
        self._give_back: Callable[[], None] | None = None
        self._over = False

    async def take(self) -> None:
        """Wait for the turn.

        Raises:
            ProblemError: `rate_limited`: the turn did not come in time.

        """
        if self._over:
            raise no_room()
        if not self._taken:
            self._taken = True
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(WAIT_S):
                await place
        except TimeoutError:
            raise no_room() from None
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Pass the turn to the next answer."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._taken = False

    def sending(self, give_back: Callable[[], None]) -> None:
        """Call `give_back` if the socket ends before the answer has been sent."""
        if self._over:
            give_back()
        else:
            self._give_back = give_back

    def sent(self) -> None:
        """Take note that the answer has been sent."""
        self._give_back = None

    def end(self) -> None:
        """Take note that the socket is gone: no answer is read for it any more."""
        self._over = True
        for place in self._waiting or ():
            if not place.done():
                place.set_exception(no_room())
        self._waiting = None
        if self._give_back is not None:
            self._give_back()


class LargeAnswerReservation:
    """The room for one answer over a socket. A small answer takes none."""

    __slots__ = ("_large_answer_lock", "_reservation", "_send_buffer", "_taken")

    def __init__(self, turn: LargeAnswerLock, reservation: AnswerReservation, send_buffer: SendBuffer[Any]) -> None:
        self._large_answer_lock = turn
        self._reservation = reservation
        self._send_buffer = send_buffer
        self._taken = False

    async def take(self, size: int) -> None:
        """Wait for the turn, and for room.

        Raises:
            ProblemError: `rate_limited`.

        """
        await self._large_answer_lock.take()
        try:
            await self._reservation.take(size)
        except BaseException:
            self._large_answer_lock.leave()
            raise
        self._taken = True

    def join(self, other: ReplyRoom) -> None:
        """Share another question's answer; each has a frame of its own, which waits in the send buffer."""
        if isinstance(other, LargeAnswerReservation):
            self._reservation.join(other._reservation)  # noqa: SLF001 - of the same class

    def release(self) -> None:
        """Give the room back at once."""
        self._give_back()

    def told(self) -> None:
        """Give everything back as soon as the client has read what waits, the answer among it."""
        if not self._taken:
            self._reservation.release()
            return
        self._large_answer_lock.sending(self._give_back)
        self._send_buffer.when_read(self._give_back)

    def _give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._large_answer_lock.sent()
            self._reservation.release()
            self._large_answer_lock.leave()
