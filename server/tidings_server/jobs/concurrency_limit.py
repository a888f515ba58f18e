"""Limits on how many places of one sort are held: by each holder, and in all."""

from collections.abc import Hashable

from tidings.protocol.problems import ProblemError, problem_error

RETRY_S = 5.0
"""How long the server asks a client to wait where it has, or all have, as many places as may be."""


class ConcurrencyLimit:
    """The places of one sort, such as connections, held by callers or addresses."""

    __slots__ = ("_held", "_most", "_most_each", "_what", "_who", "total")

    def __init__(self, who: str, what: str, most_each: int, most: int) -> None:
        """Prepare.

        Args:
            who: what a refusal begins with, such as `your address has`.
            what: what the places are, such as `connections`.
            most_each: places of one holder.
            most: places in all.

        """
        self._who = who
        self._what = what
        self._most_each = most_each
        self._most = most
        self._held: dict[Hashable, int] = {}
        self.total = 0
        """Places that are held."""

    def take(self, holder: Hashable) -> None:
        """Take a place.

        Raises:
            ProblemError: `rate_limited`: the holder has as many as may be, or all have.

        """
        held = self._held.get(holder, 0)
        for who, count, most in ((self._who, held, self._most_each), ("this server has", self.total, self._most)):
            if count >= most:
                raise too_many(who, count, self._what, most)
        self.add(holder)

    def add(self, holder: Hashable) -> None:
        """Count a place that is held in any case."""
        self._held[holder] = self._held.get(holder, 0) + 1
        self.total += 1

    def leave(self, holder: Hashable) -> None:
        """Give a place back."""
        self.total -= 1
        held = self._held[holder] - 1
        if held:
            self._held[holder] = held
        else:
            del self._held[holder]


class ConcurrencySlot:
    """One holder's place, which may be given back and counted again."""

    __slots__ = ("_holder", "_limit", "held")

    def __init__(self, limit: ConcurrencyLimit, holder: Hashable) -> None:
        """Hold no place yet."""
        self._limit = limit
        self._holder = holder
        self.held = False

    def take(self) -> None:
        """Take the place.

        Raises:
            ProblemError: `rate_limited`: the holder has as many as may be, or all have.

        """
        self._limit.take(self._holder)
        self.held = True

    def add(self) -> None:
        """Count the place in any case; more than once is once."""
        if not self.held:
            self._limit.add(self._holder)
            self.held = True

    def leave(self) -> None:
        """Give the place back; more than once is once."""
        if self.held:
            self.held = False
            self._limit.leave(self._holder)


def too_many(who: str, count: int, what: str, most: int) -> ProblemError:
    """Return the refusal of one more."""
    return problem_error(
        "rate_limited",
        f"{who} {count} {what}; at most {most} may be open: close some, or watch several jobs over one",
        limit=most,
        retry_after=RETRY_S,
    )
