"""The consumer of one queue: takes jobs from its streams while there is room for them."""

import asyncio
from collections.abc import Sequence

from tidings.store.attempts.attempt_store import ReadyEntry
from tidings_worker.settings import WorkerSettings

from .job_starter import JobStarter
from .queue_capacity import Capacity, StreamGroup
from .store_caller import StoreCaller
from .unserved_jobs import UnservedJobs

TAKE_WAIT_MS = 5_000
"""How long one XREADGROUP waits; below the connection's time limit."""

IN_HAND_S = 1.0
"""How long this worker keeps in hand what lay apart and has no place, before it asks again whether others wait behind
it: if none do, it is at the disposal of other workers."""

MOST_SKIPPED = 8
"""How many jobs that come one by one a worker takes before it looks again whether more lie behind them."""


class LookAhead:
    """Whether a worker looks for more jobs before it waits for the next one.

    Where jobs come in numbers, one look takes many. Where they come one by one, each look finds nothing, and costs the
    store and the worker a call a job: so a worker looks the more seldom the more often it found nothing.
    """

    def __init__(self) -> None:
        self._skip = 0
        """How many looks are left out after the next that finds nothing."""
        self._left = 0
        """How many are still to be left out."""

    def due(self) -> bool:
        """Return whether to look; if not, count the look that is left out."""
        if self._left:
            self._left -= 1
            return False
        return True

    def looked(self, *, found: bool) -> None:
        """Take note of what a look has brought."""
        self._skip = 0 if found else min(2 * self._skip + 1, MOST_SKIPPED)
        self._left = self._skip


class Consumer:
    """Takes the jobs of one queue."""

    def __init__(
        self,
        caller: StoreCaller,
        settings: WorkerSettings,
        capacity: Capacity,
        starter: JobStarter,
        unpaused: asyncio.Event,
        unserved: UnservedJobs,
    ) -> None:
        """Prepare.

        Args:
            caller: calls the store.
            settings: slots, lease and the like.
            capacity: says how much may be taken.
            starter: starts what was taken.
            unpaused: not set while the queue is paused.
            unserved: takes what waits for this worker's kinds, and counts on the same slots.

        """
        self._unserved = unserved
        self._caller = caller
        self._store = caller.store
        self._settings = settings
        self._capacity = capacity
        self._starter = starter
        self._unpaused = unpaused

    async def take(self, groups: Sequence[StreamGroup], group: StreamGroup, attempts: asyncio.TaskGroup) -> None:
        """Take from one group of those that this worker reads, until cancelled."""
        # With one group, one pool of slots, one partition and no need of threads or processes, no other reader counts
        # on a slot that this one is about to fill: so it reserves none before it reads.
        is_alone = len(groups) == 1 and not self._settings.shares
        look_ahead = LookAhead()
        while True:
            if is_alone and not self._capacity.shared and not self._unserved.waiting:
                await self._take_alone(group, attempts)
            else:
                await self._take_shared(group, attempts, look_ahead)

    async def _take_alone(self, group: StreamGroup, attempts: asyncio.TaskGroup) -> None:
        """Take once from the only group."""
        free = await self._capacity.room_of(group)
        most = max(1, free // len(group.streams))
        entries = await self._caller.ask(self._read, group.streams, most, TAKE_WAIT_MS)
        if entries:
            await self._starter.start(entries, attempts, self._capacity.reserve(entries, free), group)

    async def _take_shared(self, group: StreamGroup, attempts: asyncio.TaskGroup, look_ahead: LookAhead) -> None:
        """Take once from one group of several, which count on slots of each other's.

        The first read takes what lies there with all the room reserved, so that no other group counts on the same
        slot. While nothing lies there nothing is reserved: the second read waits, and takes the first job that comes
        in any case.
        """
        await self._unpaused.wait()
        room = await self._capacity.room_of(group)
        entries: list[ReadyEntry] = []
        places: dict[str, int] | None = None
        if look_ahead.due():
            entries, places = await self._take_what_lies(group, room)
            look_ahead.looked(found=bool(entries))
        if not entries:
            entries = await self._caller.ask(self._read, group.streams, 1, TAKE_WAIT_MS)
        while entries:
            reserved = self._capacity.reserve(entries, room)
            entries = await self._starter.start(entries, attempts, reserved, group, places)
            if entries:  # in this worker's hand, and queued all the same
                places = await self._capacity.place_or(group, min(IN_HAND_S, self._settings.lease_s / 4))

    async def _take_what_lies(self, group: StreamGroup, room: int) -> tuple[list[ReadyEntry], dict[str, int] | None]:
        """Take what lies there without a wait, with all the room reserved.

        Returns:
            What was taken, and the places that are reserved for it; None: none are.

        """
        reserved = self._capacity.reserve_all(group.tier, room)
        places = self._capacity.reserve_places(room, group) if group.apart else None
        entries: list[ReadyEntry] = await self._caller.ask(
            self._read_at_once, group.streams, max(1, room // len(group.streams))
        )
        self._capacity.give_up(reserved)  # what was taken is counted by its own tier; nothing runs in between
        self._capacity.took(group, entries)
        if not entries and places is not None:
            self._capacity.give_back(places)
            places = None
        return entries, places

    async def _read_at_once(self, streams: list[str], most: int) -> list[ReadyEntry]:
        """Read what is there, unless the queue is paused: nothing is waited for while slots are reserved."""
        return await self._store.take(streams, most, 0) if self._unpaused.is_set() else []

    async def _read(self, streams: list[str], most: int, wait_ms: int) -> list[ReadyEntry]:
        """Read what is there or comes, once the queue is not paused."""
        if not self._unpaused.is_set():
            await self._unpaused.wait()
        return await self._store.take(streams, most, wait_ms)
