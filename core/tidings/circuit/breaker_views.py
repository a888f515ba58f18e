"""What one process knows of the breakers, from answers of the store and from announcements. Pure.

Answers and announcements come over different connections, so an older one may come last. Of two the one with the
higher epoch stands; but a store that has lost its data counts from 0 again. So an answer stands whatever its epoch,
if nothing was heard between the question and it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .breaker_record import BreakerState, BreakerView


class KnownBreaker(NamedTuple):
    """One breaker, as far as this process knows."""

    state: BreakerState
    epoch: int
    until: float
    """When a call may try, s by the process's clock; infinite: when an operator says so."""
    reason: str
    turn: int
    """Counts what was taken in."""

    @property
    def closed(self) -> bool:
        """Whether calls go through."""
        return self.state is BreakerState.CLOSED


class BreakerViews:
    """All breakers this process knows of."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin knowing nothing.

        Args:
            clock: seconds, never going back.

        """
        self._clock = clock
        self._known: dict[str, KnownBreaker] = {}
        self._turn = 0

    def __getitem__(self, name: str) -> KnownBreaker | None:
        return self._known.get(name)

    @property
    def names(self) -> Iterable[str]:
        """What is known."""
        return self._known.keys()

    @property
    def revision(self) -> int:
        """A mark of this moment, to be given back with the answer to what is asked now."""
        return self._turn

    def take(self, view: BreakerView, asked: int | None = None) -> bool:
        """Take in what is heard or answered; return whether the breaker's state has changed by it.

        Args:
            view: what it says.
            asked: of an answer, `turn` when it was asked for; None: it was announced.

        """
        known = self._known.get(view.name)
        if known is not None and view.epoch <= known.epoch and (asked is None or known.turn > asked):
            return False
        self._turn += 1
        until = float("inf") if view.wait_ms < 0 else self._clock() + view.wait_ms / 1000
        self._known[view.name] = KnownBreaker(view.state, view.epoch, until, view.reason, self._turn)
        return known is None or known.state is not view.state

    def forget(self, name: str) -> None:
        """Know nothing of a breaker any more."""
        self._known.pop(name, None)

    def wait(self, name: str) -> float:
        """Return the seconds until a call may try: 0 if it may; infinite: not before an operator says so."""
        known = self._known.get(name)
        return 0.0 if known is None or known.closed else max(known.until - self._clock(), 0.0)
