"""What one process knows of the breakers, from replies and announcements of the store. Pure.

Replies and announcements come over different connections, so an older one may arrive last. Of two the one with the
higher epoch is the newer. But a store that has lost its data counts epochs from 0 again: so a reply counts whatever its
epoch, if the process has heard nothing of that breaker since it asked.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .breaker_record import BreakerState, BreakerView


class KnownBreaker(NamedTuple):
    """One breaker, as far as this process knows."""

    state: BreakerState
    epoch: int
    until: float
    """When a call may try, s by the process's clock; infinite: not before an operator acts."""
    reason: str
    revision: int
    """The revision of `BreakerViews` with which this was learned."""

    @property
    def closed(self) -> bool:
        """Whether calls go through."""
        return self.state is BreakerState.CLOSED


class BreakerViews:
    """The breakers that this process knows."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know no breaker yet.

        Args:
            clock: returns seconds, and never goes back.

        """
        self._clock = clock
        self._known: dict[str, KnownBreaker] = {}
        self._revision = 0

    def __getitem__(self, name: str) -> KnownBreaker | None:
        return self._known.get(name)

    @property
    def names(self) -> Iterable[str]:
        """The names of the known breakers."""
        return self._known.keys()

    @property
    def revision(self) -> int:
        """How many views the process has taken. A caller that asks the store passes this to `take` with the reply."""
        return self._revision

    def take(self, view: BreakerView, asked: int | None = None) -> bool:
        """Take a view from the store, unless a newer one is known; return whether the breaker's state has changed.

        Args:
            view: the breaker as the store sees it.
            asked: for a reply: `revision` at the moment of the question; None: the store announced the view.

        """
        known = self._known.get(view.name)
        if known is not None and view.epoch <= known.epoch and (asked is None or known.revision > asked):
            return False
        self._revision += 1
        until = float("inf") if view.wait_ms < 0 else self._clock() + view.wait_ms / 1000
        self._known[view.name] = KnownBreaker(view.state, view.epoch, until, view.reason, self._revision)
        return known is None or known.state is not view.state

    def forget(self, name: str) -> None:
        """Forget a breaker."""
        self._known.pop(name, None)

    def wait(self, name: str) -> float:
        """Return the seconds until a call may try: 0: now; infinite: not before an operator acts."""
        known = self._known.get(name)
        return 0.0 if known is None or known.closed else max(known.until - self._clock(), 0.0)
