"""The budget for large answers: what this process reads from the store for clients, and holds until they have it.

A job's log may have megabytes, and a question for it some bytes. So a large answer waits until there is room for it:
among the caller's answers, and among all. Small answers need no room.
"""

import asyncio
from collections import deque

from tidings.protocol.problems import problem_error
from tidings.store.jobs.job_reader import ReplyRoom

MAX_BYTES = 50_331_648
"""The large answers of all callers at a time; an answer takes about three times its size while it is made."""

MAX_BYTES_PER_CALLER = 12_582_912
"""The large answers of one caller. A single answer may be larger."""

MAX_WAITING = 10_000
"""Questions that wait for room."""

WAIT_S = 30.0
"""How long a question waits for room."""

RETRY_S = 1.0
"""How long the server asks a client to wait for whose answer there was no room."""


class _Grant:
    """The room for one answer, which several questions may share."""

    __slots__ = ("caller", "holders", "size")

    def __init__(self, caller: str, size: int) -> None:
        self.caller = caller
        self.size = size
        self.holders = 1


class AnswerBudget:
    """The large answers of this process."""

    def __init__(self, most: int = MAX_BYTES, most_per_caller: int = MAX_BYTES_PER_CALLER) -> None:
        self._most = most
        self._most_per_caller = most_per_caller
        self.bytes = 0
        """The bytes that are held."""
        self._of: dict[str, int] = {}
        self._waiting: deque[tuple[_Grant, asyncio.Future[None]]] = deque()

    async def enter(self, grant: _Grant) -> None:
        """Wait for room.

        Raises:
            ProblemError: `rate_limited`: there was none for too long, or too many wait.

        """
        if self._fits(grant) and not any(one.caller == grant.caller for one, _ in self._waiting):
            self._take(grant)
            return
        if len(self._waiting) >= MAX_WAITING:
            raise no_room()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((grant, place))
        try:
            async with asyncio.timeout(WAIT_S):
                await place
        except TimeoutError:
            raise no_room() from None
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(grant)  # the room was granted in that very moment
            raise
        finally:
            self._waiting = deque(one for one in self._waiting if one[1] is not place)

    def leave(self, grant: _Grant) -> None:
        """Take room back, and grant it to the questions that wait."""
        self.bytes -= grant.size
        left = self._of[grant.caller] - grant.size
        if left > 0:
            self._of[grant.caller] = left
        else:
            del self._of[grant.caller]
        held_up = set()
        for waiting, place in list(self._waiting):
            # The questions of one caller keep their order; they hold up no other caller's.
            if place.done() or waiting.caller in held_up:
                continue
            if self._fits(waiting):
                self._take(waiting)
                place.set_result(None)
            else:
                held_up.add(waiting.caller)

    def _fits(self, grant: _Grant) -> bool:
        of_caller = self._of.get(grant.caller, 0)
        if of_caller and of_caller + grant.size > self._most_per_caller:
            return False
        return not self.bytes or self.bytes + grant.size <= self._most

    def _take(self, grant: _Grant) -> None:
        self.bytes += grant.size
        self._of[grant.caller] = self._of.get(grant.caller, 0) + grant.size


class AnswerReservation:
    """The room that one question takes, until `release`."""

    __slots__ = ("_answers", "_caller", "_grant", "handed_on")

    def __init__(self, answers: AnswerBudget, caller: str) -> None:
        self.handed_on = False
        """Whether the response that sends the answer releases it."""
        self._answers = answers
        self._caller = caller
        self._grant: _Grant | None = None

    async def take(self, size: int) -> None:
        """Wait for room; room held before is given back first.

        Raises:
            ProblemError: `rate_limited`.

        """
        self.release()
        grant = _Grant(self._caller, max(size, 1))
        await self._answers.enter(grant)
        self._grant = grant

    def join(self, other: ReplyRoom) -> None:
        """Share the room of another question that has the same answer."""
        if isinstance(other, AnswerReservation) and other._grant is not None:  # noqa: SLF001 - of the same class
            self.release()
            self._grant = other._grant  # noqa: SLF001
            self._grant.holders += 1

    def release(self) -> None:
        """Give it back; more than once is once."""
        grant, self._grant = self._grant, None
        if grant is None:
            return
        grant.holders -= 1
        if not grant.holders:
            self._answers.leave(grant)


def no_room() -> Exception:
    """Return the refusal of an answer for which there is no room."""
    detail = "too many large answers are under way, yours or others': ask for fewer at a time"
    return problem_error("rate_limited", detail, limit=MAX_BYTES_PER_CALLER, retry_after=RETRY_S)
