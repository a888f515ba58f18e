"""How many jobs of a queue its worker may take now: its slots, and the threads and processes that some kinds need.

A worker learns the kind of a job when it has read the job. The kind may need a thread, and this worker may have none
free: then `start.lua` sets the job apart, for any worker that has one. Where every kind of a tier needs a place, a
worker reads no more jobs than it has places. Where some kinds need none, a worker whose threads are all in use reads on
for their sake, until MOST_APART jobs lie apart: so jobs that need nothing do not wait behind jobs that do, and lanes
keep their turns.
"""

import asyncio
import sys
from collections.abc import Mapping
from typing import NamedTuple

import anyio

from tidings.store.attempts.attempt_store import ReadyEntry
from tidings_worker.runner.executor_places import ExecutorPlaces

from .slots import Slots

NEEDS = ("thread", "process")
"""The places that a kind may need, as in `lua/lib/waiting/lanes.lua`."""

MOST_APART = 100
"""Jobs set apart in a queue before its workers read on no faster than they have places for; a batch more, at most."""

Reserved = dict[str, int]
"""Tier → slots that are counted as taken. No Counter: its arithmetic is a fifteenth of what a job alone costs here."""


class StreamGroup(NamedTuple):
    """Streams that are read together."""

    tiers: list[str]
    """The tiers whose slots the jobs take: one tier, or all of them, which then have one pool."""
    needs: list[str]
    """The places that their kinds need."""
    bound: bool
    """Whether every job that may lie there needs a place."""
    apart: bool = False
    """Whether these are the streams of jobs set apart for the (only) need."""

    @property
    def streams(self) -> list[str]:
        """The names by which they are read."""
        return [f"{tier}/{self.needs[0]}" for tier in self.tiers] if self.apart else self.tiers

    @property
    def tier(self) -> str:
        """One of the tiers whose slots are taken."""
        return self.tiers[0]


class Capacity:
    """What one queue may take; belongs to the event loop."""

    def __init__(self, slots: Slots, needs: Mapping[str, ExecutorPlaces]) -> None:
        """Prepare.

        Args:
            slots: of the queue.
            needs: need → the places that there are.

        """
        self.slots = slots
        self._needs = needs
        self._apart: dict[str, int] = {}
        """How many jobs lie apart, as far as this worker has seen: by stream, such as `standard/thread`."""
        self.freed = asyncio.Event()
        """Set when there may be room for more."""
        self.shared = False
        """Whether other partitions of the queue count on the same slots."""
        for places in needs.values():
            places.watch(self.freed.set)

    def share(self, other: "Capacity") -> None:
        """Take from the slots of another partition's, instead of own ones."""
        self.slots, self.freed = other.slots, other.freed
        self.shared = other.shared = True

    # Asking.

    async def room(self, tier: str) -> int:
        """Return the free slots of a tier, as soon as there are any."""
        while not (room := self.slots.room(tier)):
            await self._change()
        return room

    async def room_for(self, tier: str, need: str) -> int:
        """Return how many jobs of a tier with one need may be taken, as soon as any may; no need: empty."""
        while not (room := min(self.slots.room(tier), self._needs[need].free if need else sys.maxsize)):
            await self._change()
        return room

    async def room_of(self, group: StreamGroup) -> int:
        """Return how many jobs may be taken from a group, as soon as any may."""
        while (room := min(self.slots.room(group.tier), self._bound(group))) <= 0:
            await self._change()
        return room

    def _bound(self, group: StreamGroup) -> int:
        if not group.needs:
            return sys.maxsize
        free = sum(self._needs[need].free for need in group.needs)
        if group.bound:
            return free
        return max(free, MOST_APART - sum(self._lying(group, need) for need in group.needs))

    def _lying(self, group: StreamGroup, need: str) -> int:
        return sum(self._apart.get(f"{tier}/{need}", 0) for tier in group.tiers)

    async def _change(self) -> None:
        self.freed.clear()
        await self.freed.wait()

    # Slots.

    def reserve(self, entries: list[ReadyEntry], most: int) -> Reserved:
        """Count slots for what was taken, and where it is a lane's turn for all that the lane may give.

        Args:
            entries: what was taken.
            most: how many jobs may start, those that lanes give among them.

        """
        reserved: Reserved = {}
        turns = False
        for entry in entries:
            self.slots.begin(entry.tier)
            reserved[entry.tier] = reserved.get(entry.tier, 0) + 1
            turns = turns or entry.is_turn
        if turns:
            left = max(0, most - len(entries))
            for tier in {entry.tier for entry in entries if entry.is_turn}:
                given = self.reserve_all(tier, min(left, self.slots.room(tier)))[tier]
                reserved[tier] += given
                left -= given
        return reserved

    def reserve_all(self, tier: str, room: int) -> Reserved:
        """Count so many slots of a tier."""
        self.slots.begin(tier, room)
        return {tier: room}

    def give_up(self, reserved: Reserved) -> None:
        """Give back slots."""
        for tier, slots in reserved.items():
            if slots:
                self.end(tier, slots)

    def end(self, tier: str, slots: int = 1) -> None:
        """Give back slots."""
        self.slots.end(tier, slots)
        self.freed.set()

    # Places.

    def reserve_places(self, most: int, group: StreamGroup | None = None) -> dict[str, int]:
        """Take places for up to `most` jobs that are about to start; need → how many.

        Args:
            most: jobs.
            group: where they were read; None: other workers held them. Jobs that lie apart have been queued before
                what is read now: they get the places first.

        """
        return {
            need: 0 if group is not None and not group.apart and self._lying(group, need) else places.reserve(most)
            for need, places in self._needs.items()
        }

    def reserve_need(self, need: str, most: int) -> dict[str, int]:
        """Take places of one need for up to `most` jobs that are about to start; return need → how many.

        Args:
            need: which; empty: the jobs need none.
            most: jobs.

        """
        return {name: places.reserve(most) if name == need else 0 for name, places in self._needs.items()}

    async def place_or(self, group: StreamGroup, seconds: float) -> dict[str, int]:
        """Reserve a place for a job that lies apart; return need → how many: 0 if none becomes free in some seconds.

        Args:
            group: where the job lies.
            seconds: how long to wait.

        """
        need, none = group.needs[0], dict.fromkeys(self._needs, 0)
        with anyio.move_on_after(seconds):
            while not (self._needs[need].free and self.slots.room(group.tier)):
                await self._change()
            return none | {need: self._needs[need].reserve(1)}
        return none

    def give_back(self, places: Mapping[str, int]) -> None:
        """Give back places: need → how many."""
        for need, many in places.items():
            self._needs[need].give_back(many)

    # What lies apart.

    def saw_apart(self, apart: list[tuple[str, str, int]]) -> None:
        """Take note of how many lie apart: tier, need, jobs."""
        for tier, need, jobs in apart:
            self._apart[f"{tier}/{need}"] = jobs

    def took(self, group: StreamGroup, entries: list[ReadyEntry]) -> None:
        """Take note of what a group gave when this worker asked for as much as it has room for."""
        if not (group.apart and self._apart):
            return
        for stream, tier in zip(group.streams, group.tiers, strict=True):
            given = sum(entry.tier == tier for entry in entries)
            left = self._apart.get(stream, 0) - given
            if given and left > 0:
                self._apart[stream] = left
            else:
                self._apart.pop(stream, None)
        self.freed.set()
