"""The weather on a link: for each message, how late it is, and whether the connection survives it. Pure.

A message here is what was read at once from a connection: under load it may hold several of the protocol's.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable

from .simulation import LinkFaults

RETRANSMIT_S = 0.2
"""When TCP sends again what nobody acknowledged, at the soonest, on Linux; doubled each time that is lost too."""

MAX_LOST = 6
"""Losses of one message in a row at which the connection is given up; TCP's own patience is minutes."""

DelayDraw = Callable[[], float | None]
"""Of one message: seconds that it is late; None: the connection breaks."""


class MessageFaults:
    """Makes the fates of one link's messages, of each direction of each connection by draws of its own."""

    def __init__(self, name: str, faults: LinkFaults, seed: int) -> None:
        """Prepare; the weather is calm until `calm` is made false.

        Args:
            name: the link's; another link of the same seed has other draws.
            faults: what happens.
            seed: the same makes the same fates.

        """
        self.calm = True
        self.tally: Counter[str] = Counter()
        """What happened: `lost`, `broken`."""
        self._name = name
        self._faults = faults
        self._seed = seed
        self._connections = itertools.count()

    def connection(self) -> tuple[DelayDraw, DelayDraw]:
        """Return the fates of a new connection's messages: there, and back."""
        number = next(self._connections)
        return self._fates(f"{number} there"), self._fates(f"{number} back")

    def _fates(self, name: str) -> DelayDraw:
        draw = random.Random(f"{self._seed} {self._name} {name}")  # noqa: S311 - to be repeated, not to be secret
        faults = self._faults

        def fate() -> float | None:
            if self.calm:
                return 0.0
            late = faults.latency_s + draw.uniform(-faults.jitter_s, faults.jitter_s)
            if draw.random() < faults.reset:
                self.tally["broken"] += 1
                return None
            for lost in range(MAX_LOST):
                if draw.random() >= faults.loss:
                    return late
                self.tally["lost"] += 1
                late += RETRANSMIT_S * 2**lost
            self.tally["broken"] += 1
            return None

        return fate
