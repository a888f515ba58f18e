"""The faults of a link: for each message, how late it is, and whether the connection breaks at it. Pure.

A message here is the bytes of one read from a connection; under load they may hold several of the protocol's.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable

from .simulation import LinkFaults

RETRANSMIT_S = 0.2
"""The shortest time after which TCP retransmits on Linux, s; it doubles with each further loss."""

MAX_LOST = 6
"""Losses of one message in a row at which the connection breaks; TCP itself would go on for minutes."""

DelayDraw = Callable[[], float | None]
"""Draws the delay of one message, s; None: the connection breaks at it."""


class MessageFaults:
    """Draws the faults of one link's messages; each direction of each connection has draws of its own."""

    def __init__(self, name: str, faults: LinkFaults, seed: int) -> None:
        """Prepare; nothing fails until `calm` is made false.

        Args:
            name: the link's; another link of the same seed has other draws.
            faults: what happens, and how often.
            seed: the same seed draws the same faults.

        """
        self.calm = True
        self.tally: Counter[str] = Counter()
        """How many messages were `lost`, and how many connections `broken`."""
        self._name = name
        self._faults = faults
        self._seed = seed
        self._connections = itertools.count()

    def connection(self) -> tuple[DelayDraw, DelayDraw]:
        """Return the draws of a new connection: for messages to the target, and for messages back."""
        number = next(self._connections)
        return self._draws(f"{number} there"), self._draws(f"{number} back")

    def _draws(self, name: str) -> DelayDraw:
        draw = random.Random(f"{self._seed} {self._name} {name}")  # noqa: S311 - to be repeated, not to be secret
        faults = self._faults

        def delay() -> float | None:
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

        return delay
