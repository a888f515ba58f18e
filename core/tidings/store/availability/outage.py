"""An outage of the store, as one process sees it: what there is to tell of it, and when. Pure.

A process calls the store from many places, and all of them fail at once. What people need to know is
said twice: that it began, and that it is over.
"""

from typing import NamedTuple

QUIET_S = 10.0
"""How soon after the end of an outage another one may be told. A store that answers some calls and
refuses others (a replica that became the primary of nothing, say) must not fill a log."""


class EndedOutage(NamedTuple):
    """What there is to tell when an outage is over."""

    seconds: float
    """From the first call that failed to the first that did not."""
    failures: int
    """Calls that failed."""


class Outage:
    """One process's view of whether something fails; the clock is passed in, s, and never goes back."""

    __slots__ = ("_failures", "_over_at", "_quiet_s", "_since", "_told")

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._since: float | None = None
        self._failures = 0
        self._told = False
        self._over_at = float("-inf")

    @property
    def lasts(self) -> bool:
        """Whether the last call failed."""
        return self._since is not None

    def failed(self, now: float) -> bool:
        """Take note of a call that failed; return whether to tell that an outage began."""
        if self._since is None:
            self._since, self._failures, self._told = now, 0, False
        self._failures += 1
        if self._told or now - self._over_at < self._quiet_s:
            return False
        self._told = True
        return True

    def succeeded(self, now: float) -> EndedOutage | None:
        """Take note of a call that did not fail; return what to log if that ends an outage that was logged."""
        if self._since is None:
            return None
        over = EndedOutage(now - self._since, self._failures)
        self._since = None
        if not self._told:
            return None
        self._over_at = now
        return over
