"""The passage of held time: when it moves, how far, and when what a test asked for is done.

The clock moves only while the system is at rest: no callback is ready, the store owes no answer, and no thread works.
It then moves to the next moment at which something is due: a timer of the program, or a job in a schedule of the store.
Where both are due at one moment, the store does its part first. In real time, too, a timer is a little later.

Duties that come round (heartbeats, sweeps) do not count as due while every worker lives: then all that they would do is
to say once more that nothing has changed. They are done once, a millisecond before the moment to which the clock moves;
what they renew does not come nearer to its end. While the store still holds what a lost worker had, or a breaker's
trial is under way, the clock stops at every one of them, in order. So three days in which a saga sleeps, or a handler
runs, cost one round of duties, and a lease runs out after as many missed heartbeats as it does in production.
"""

import math
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from tidings.store.redis.script import Script
from tidings.testing.pooled_store import PooledStoreError
from tidings.testing.testing_errors import WorldStuckError

from .held_loop import FIRST_S, HeldLoop, Idle
from .held_store import HeldStore

TICK_S = 0.001
"""The smallest step of time that the store sees, s."""

PROMOTED_AT_ONCE = 1_000
"""Jobs that one call of the schedule queues."""

_PROMOTE = Script("promote", tuple[int, int, list[str]])
_pack = msgspec.msgpack.Encoder().encode


class HeldSystem(Protocol):
    """What held time needs to know of the system that goes by it. All of it is asked in the system's own thread."""

    def threads_work(self) -> bool:
        """Return whether a thread works for the program: it will come back by itself, in real time."""

    def on_trial(self) -> bool:
        """Return whether a call is the trial of a breaker."""

    def schedules(self) -> Collection[tuple[str, str, int, int]]:
        """Return the queues: root of their keys, name, how long results are kept (ms), and how many ended jobs."""

    def living(self) -> Collection[tuple[str, str]]:
        """Return the workers that live: the key of the store that each renews, and its name."""

    def describe(self) -> str:
        """Return what runs and what waits, for people."""


class TimeRequest:
    """What a test asks of held time."""

    def __init__(
        self,
        goal: float,
        give_up: float,
        until: Callable[[], bool] | None = None,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Ask.

        Args:
            goal: until when the clock may move, by the loop's clock, s.
            give_up: when the test gives up, by the real clock (`time.monotonic`), s.
            until: returns whether the test has what it wants, before the goal; None: it wants the goal.
            ready: returns whether the clock may move at all: the test's own call must have been made.

        """
        self.goal = goal
        self.give_up = give_up
        self.until = until
        self.ready = ready
        self.done: Future[None] = Future()


class HeldTime(Idle):
    """The clock of one system; belongs to the loop's thread."""

    def __init__(self, loop: HeldLoop, store: HeldStore, system: HeldSystem, start: datetime) -> None:
        """Begin.

        Args:
            loop: the system's.
            store: the system's.
            system: what goes by the clock.
            start: what the clock shows at first.

        """
        self._loop = loop
        self._store = store
        self._system = system
        self._start_ms = int(start.timestamp() * 1000)
        self._lost: set[str] = set()
        self._scheduled: float | None = None
        """When the next job of a schedule is due."""
        self._queued = False
        """Whether the store has just queued what was due: that has not been seen yet."""
        self._request: TimeRequest | None = None
        store.set_clock(self.now_ms)

    @property
    def now_ms(self) -> int:
        """The time, ms since the epoch."""
        return self._start_ms + math.floor((self._loop.now - FIRST_S) * 1000 + 0.001)

    @property
    def now(self) -> datetime:
        """The time."""
        return datetime.fromtimestamp(self.now_ms / 1000, UTC)

    def ask(self, request: TimeRequest) -> None:
        """Take a request; one at a time."""
        self.withdraw()
        self._request = request

    def withdraw(self) -> None:
        """Forget a request that the test has given up."""
        self._end(WorldStuckError("the test has given this up"))

    def tick(self) -> None:
        """Move the clock by a millisecond: what a test does one after the other happens one after the other."""
        self._move(self._loop.now + TICK_S)

    def lose(self, worker: str) -> None:
        """Take note that a worker is lost: the clock does not jump over the end of its leases."""
        self._lost.add(worker)
        self._look_for_lost(self._store.move(self.now_ms, 0, ()).holders)

    # What the loop asks.

    def settle(self) -> None:
        """Return when the store owes nothing, and has queued what is due; fail what was asked if the store is gone."""
        if self._request is None:
            return  # the clock does not move, so it may owe what it likes
        try:
            self._promote()
        except PooledStoreError as error:
            self._end(error)

    def idle(self, timer_s: float | None) -> float | None:
        """Move the clock, or end the request, or wait."""
        request = self._request
        if request is None:
            return None
        left = request.give_up - time.monotonic()
        if left <= 0:
            self._end(WorldStuckError(f"it does not come to rest: {self._system.describe()}"))
            return None
        if not request.ready() or self._system.threads_work():
            return left
        try:
            return self._go_on(request, timer_s)
        except PooledStoreError as error:
            self._end(error)
            return None

    def _go_on(self, request: TimeRequest, timer_s: float | None) -> float | None:
        if request.until is not None and request.until():
            self._end()
            return None
        if self._queued:
            return 0
        due = self._next_due(timer_s)
        if due is not None and due <= request.goal:
            self._approach(due, timer_s)
            return 0
        if request.until is not None and due is None:
            self._end(WorldStuckError(f"nothing more is due: {self._system.describe()}"))
            return None
        if self._loop.now < request.goal:
            self._approach(request.goal, timer_s)
            return 0
        if request.until is None:
            self._end()
        else:
            self._end(WorldStuckError(f"it has not come in this time: {self._system.describe()}"))
        return None

    def _end(self, error: Exception | None = None) -> None:
        request, self._request = self._request, None
        if request is None:
            if isinstance(error, PooledStoreError):
                raise error
        elif error is None:
            request.done.set_result(None)
        else:
            request.done.set_exception(error)

    # Moving.

    @property
    def _stops_at_duties(self) -> bool:
        return bool(self._lost) or self._system.on_trial()

    def _next_due(self, timer_s: float | None) -> float | None:
        """Return when the next is due, by the loop."""
        moments = [self._loop.next_due(), self._scheduled]
        if self._stops_at_duties and timer_s is not None:
            moments.append(self._loop.now + timer_s)
        return min((one for one in moments if one is not None), default=None)

    def _promote(self) -> None:
        """Have the store answer everything, and then queue what is due; take note of when the next is."""
        commands = [
            ("FCALL", _PROMOTE.function, 1, root, _pack((queue, ttl_ms, kept, PROMOTED_AT_ONCE)))
            for root, queue, ttl_ms, kept in self._system.schedules()
        ]
        replies = [_PROMOTE.decode(answer) for answer in self._store.settle(commands)]
        self._queued = any(moved > 0 for moved, _, _ in replies)
        waits = [wait_ms for _, wait_ms, _ in replies if wait_ms >= 0]
        self._scheduled = self._loop.now + max(min(waits), 1) / 1000 if waits else None

    def _approach(self, moment: float, timer_s: float | None) -> None:
        """Move to a moment; or to just before it, where duties are overdue by then."""
        before = moment - TICK_S
        overdue = timer_s is not None and self._loop.now + timer_s < before
        self._move(before if overdue and not self._stops_at_duties else moment)

    def _move(self, moment: float) -> None:
        before = self.now_ms
        living = () if self._stops_at_duties else self._system.living()
        self._loop.now = max(moment, self._loop.now)
        self._look_for_lost(self._store.move(self.now_ms, self.now_ms - before, living).holders)
        if self._scheduled is not None and self._scheduled <= self._loop.now:
            self._promote()
            self._promote()  # once more: what it announced is here then

    def _look_for_lost(self, holders: Collection[str]) -> None:
        self._lost.intersection_update(holders)


def deadline_of(patience_s: float) -> float:
    """Return when a test gives up that has this much patience, by the real clock, s."""
    return time.monotonic() + patience_s
