"""Slots: how many jobs of each tier a worker may run now. Pure.

Without shares all tiers take from one pool, first come, first served: `PooledSlots`.

With shares (`--tiers fast=8,standard=4,heavy=1`, the fastest first) every tier owns slots: `SharedSlots`. A tier lends
the slots that it does not use, by three rules:

1. A tier never lends its last free slot. So a tier that has had no job for hours starts its next one at once, however
   busy the other tiers are.
2. A tier lends at most half of its slots, rounded down, to slower tiers. Their jobs may keep a slot for minutes; the
   other half stays within a fast job's reach. To faster tiers it lends all but the last: those come back soon.
3. A slot that a tier has borrowed goes back as soon as any job of that tier ends, before the tier frees one of its own.

So no tier starves (1), a saturated slow tier cannot take what a fast one needs (2), and within that a slot is idle only
if no waiting job may have it. No job is stopped for another.

A job that begins although there is no room any more is counted all the same: a worker asks for jobs before they are
there, and the store may give one to each of two tiers at the same moment.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol


class Slots(Protocol):
    """The slots that a queue asks before it takes jobs."""

    def room(self, tier: str) -> int:
        """Return how many more jobs of a tier may begin, if no others do."""

    def begin(self, tier: str, jobs: int = 1) -> None:
        """Count jobs that begin. One for which there is no room is counted too."""

    def end(self, tier: str, jobs: int = 1) -> None:
        """Count jobs that have ended."""


class PooledSlots:
    """One pool for all tiers."""

    def __init__(self, slots: int, busy: int = 0) -> None:
        self._slots = slots
        self._busy = busy

    def room(self, tier: str) -> int:
        """Return how many more jobs may begin."""
        return max(0, self._slots - self._busy)

    def begin(self, tier: str, jobs: int = 1) -> None:
        """Count jobs that begin."""
        self._busy += jobs

    def end(self, tier: str, jobs: int = 1) -> None:
        """Count jobs that have ended."""
        self._busy -= jobs


class SharedSlots:
    """Slots of which each tier owns some, and lends those that it does not use."""

    def __init__(self, shares: Mapping[str, int]) -> None:
        """Start with all slots free.

        Args:
            shares: tier → the slots it owns, from 1; the fastest first.

        """
        self._shares = dict(shares)
        self._order = {tier: place for place, tier in enumerate(shares)}
        self._own: Counter[str] = Counter()
        """Jobs in their own tier's slots."""
        self._loans: Counter[tuple[str, str]] = Counter()
        """(owner, borrower) → slots."""
        self._beyond: Counter[str] = Counter()
        """Jobs that began although there was no room."""

    def room(self, tier: str) -> int:
        """Return how many more jobs of a tier may begin, if no others do."""
        return self._free(tier) + sum(self._lendable(owner, tier) for owner in self._shares if owner != tier)

    def begin(self, tier: str, jobs: int = 1) -> None:
        """Count jobs that begin."""
        for _ in range(jobs):
            self._begin_one(tier)

    def end(self, tier: str, jobs: int = 1) -> None:
        """Count jobs that have ended: borrowed slots go back first, to the fastest owner."""
        for _ in range(jobs):
            self._end_one(tier)

    def _begin_one(self, tier: str) -> None:
        if self._free(tier) > 0:
            self._own[tier] += 1
            return
        owner = self._lender(tier)
        if owner is None:
            self._beyond[tier] += 1
        else:
            self._loans[owner, tier] += 1

    def _end_one(self, tier: str) -> None:
        if self._beyond[tier]:
            self._beyond[tier] -= 1
            return
        owner = next((one for one in self._shares if self._loans[one, tier]), None)
        if owner is None:
            self._own[tier] -= 1
        else:
            self._loans[owner, tier] -= 1

    # Owners and lenders.

    def _lent(self, owner: str) -> int:
        return sum(self._loans[owner, borrower] for borrower in self._shares)

    def _free(self, tier: str) -> int:
        return self._shares[tier] - self._own[tier] - self._lent(tier)

    def _lendable(self, owner: str, borrower: str) -> int:
        """Return how many slots `owner` may still lend to `borrower`."""
        spare = max(0, self._free(owner) - 1)
        if self._order[borrower] < self._order[owner]:
            return spare
        to_slower = sum(n for (one, other), n in self._loans.items() if one == owner and self._slower(other, owner))
        return max(0, min(spare, self._shares[owner] // 2 - to_slower))

    def _lender(self, borrower: str) -> str | None:
        """Return the tier that lends: the one with the most to spare, of equals the slowest."""
        willing = [owner for owner in self._shares if owner != borrower and self._lendable(owner, borrower)]
        return max(willing, key=lambda owner: (self._free(owner), self._order[owner]), default=None)

    def _slower(self, tier: str, than: str) -> bool:
        return self._order[tier] > self._order[than]
