"""The store's clock, as one process can tell it without asking each time.

The store is asked for its time (TIME) every two seconds. The answer was true at some moment between question and
answer, and is taken for the middle: so it is wrong by half of that at the most (Cristian's algorithm). Of the last
eight answers the one that came fastest counts: one that waited in a queue, here or there, says little. The process's
own clock is the one that never goes back, so setting the machine's clock cannot disturb this.

Source: F. Cristian, "Probabilistic clock synchronization", Distributed Computing 3 (1989); the choice of the fastest of
eight is NTP's clock filter (RFC 5905, section 10).
"""

import time
from collections import deque
from collections.abc import Callable

import anyio
from redis.asyncio import Redis

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError

from .single_store import command, store_of

ASK_S = 2.0
"""Time between two questions."""

KEPT = 8
"""Answers that are kept: what is older than sixteen seconds says nothing, as clocks drift, and are set."""


async def store_ms(store: Redis, key: str = "") -> int:
    """Return the store's time, ms since the epoch: asked for.

    Args:
        store: a client of it.
        key: in a cluster, the node is asked that holds this key, as clocks of nodes differ; empty: any node.

    Source: https://redis.io/docs/latest/commands/time/

    Raises:
        StoreError: the store is unavailable.

    """
    seconds, micros = await command(store_of(store).at(key) if key else store, "TIME")
    return int(seconds) * 1000 + int(micros) // 1000


class StoreClock:
    """What the time is in the store."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin; clock: seconds, never going back."""
        self._clock = clock
        self._answers: deque[tuple[float, float]] = deque(maxlen=KEPT)
        """How long each took, s, and how far the store's time was ahead of our clock's, s."""
        self._ahead: float | None = None

    def now(self) -> float | None:
        """Return the store's time, s since the epoch; None: it has not told yet."""
        return None if self._ahead is None else self._clock() + self._ahead

    def take(self, asked: float, answered: float, told: float) -> None:
        """Take in an answer.

        Args:
            asked: when it was asked, by our clock, s.
            answered: when the answer came, by our clock, s.
            told: the store's time, s since the epoch.

        """
        self._answers.append((answered - asked, told - (asked + answered) / 2))
        self._ahead = min(self._answers)[1]

    async def follow(self, store: Redis) -> None:
        """Ask, until cancelled."""
        failures = 0
        while True:
            asked = self._clock()
            try:
                seconds, micros = await command(store, "TIME")
                self.take(asked, self._clock(), int(seconds) + int(micros) / 1_000_000)
                failures = 0
            except StoreError:
                failures += 1
            await anyio.sleep(store_retry_delay(failures) if failures else ASK_S)
