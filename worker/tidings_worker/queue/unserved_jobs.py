"""Jobs that wait for a worker that serves their kind: how a worker that serves it takes them.

Another worker of the queue has read such a job, does not serve its kind or its version, and has put it into a line
(`lua/lib/waiting/unserved.lua`). Sagas that other workers hold, because their code takes other steps, lie in lines
alike. The store announces the lines that get jobs. A worker looks for them when it hears of one that it serves, when
it begins, and with each heartbeat if it is on duty (`UpkeepDuty`), or each tenth, since an announcement may get lost;
while nothing waits for it, that is one short call. This worker's other readers may fill the slots that it counts on:
as after a take-over, it may for a moment run more jobs than it has slots. While more waits here than there is room
for, they reserve slots before they read.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import anyio

from tidings.declare.job import Job
from tidings.store.attempts.attempt_records import VersionRange
from tidings_worker.saga.handler_code import code_digest

from .job_starter import JobStarter
from .queue_capacity import Capacity, StreamGroup
from .store_caller import StoreCaller

EVERY_LINE = "*"
"""Announced in place of the lines' names where they are many."""

PINNED = "pinned"
"""Behind the `!` of a line: of sagas that an operator has pinned to their version."""

TRIED_BY_MANY = "*"
"""Behind the `!` of a line: of held sagas that many releases have tried; none tries them by itself any more."""


class ServedLines(NamedTuple):
    """Lines from which a worker takes with the same slots and places."""

    group: StreamGroup
    """Whose tiers they are, and whose slots the jobs take."""
    need: str
    """What their jobs need one of: `thread` or `process`; empty: nothing."""
    kinds: Mapping[str, VersionRange]
    """The kinds and their versions that the worker serves."""
    codes: Mapping[str, str]
    """Kind → the digest of its code, of those whose held sagas the worker tries."""

    def has(self, line: str) -> bool:
        """Return whether the worker takes from a line: `standard/order@2`, `…@2!pinned` or `…@2!<digests of code>`."""
        place, _, rest = line.rpartition("@")
        version, marked, mark = rest.partition("!")
        tier, _, kind = place.partition("/")
        versions = self.kinds.get(kind)
        if versions is None or tier not in self.group.tiers or not version.isdecimal():
            return False
        if not versions[0] <= int(version) <= versions[1]:
            return False
        if mark == PINNED:
            return int(version) == versions[1]
        code = self.codes.get(kind)
        return not marked or (code is not None and mark != TRIED_BY_MANY and code not in mark.split(","))


def served_lines(
    jobs: Iterable[Job[Any, Any]], groups: Iterable[StreamGroup], *, takes_held: bool = False
) -> list[ServedLines]:
    """Return the lines of a queue from which a worker takes.

    Args:
        jobs: the kinds it serves.
        groups: the streams it reads.
        takes_held: whether it tries sagas that are held.

    """
    found: dict[tuple[str, str], ServedLines] = {}
    for group in groups:
        for job in () if group.apart else jobs:
            if set(job.tiers) & set(group.tiers):
                need = "" if job.mode == "async" else job.mode
                lines = found.setdefault((group.tier, need), ServedLines(group, need, {}, {}))
                lines.kinds[job.kind] = (job.upcasts.oldest, job.upcasts.version)  # type: ignore[index]
                if takes_held and not need:
                    lines.codes[job.kind] = code_digest(job)  # type: ignore[index]
    return list(found.values())


class UnservedJobs:
    """Takes from the lines of one queue that this worker serves."""

    def __init__(
        self,
        caller: StoreCaller,
        lines: Sequence[ServedLines],
        capacity: Capacity,
        starter: JobStarter,
        unpaused: asyncio.Event,
        heartbeat_s: float,
    ) -> None:
        """Prepare.

        Args:
            caller: calls the store.
            lines: those that this worker serves.
            capacity: says how much may be taken.
            starter: starts what was taken.
            unpaused: not set while the queue is paused.
            heartbeat_s: how often it looks by itself, s.

        """
        self._caller = caller
        self._store = caller.store
        self._told = {index: asyncio.Event() for index in range(len(lines))}
        for told in self._told.values():
            caller.duty.watch(told)
        self._lines = lines
        self._capacity = capacity
        self._starter = starter
        self._unpaused = unpaused
        self._heartbeat_s = heartbeat_s
        self._waiting: set[int] = set()

    @property
    def waiting(self) -> bool:
        """Whether more waits here, as far as this worker has seen, than it had room for."""
        return bool(self._waiting)

    def announce(self, names: str) -> None:
        """Take note that some lines, with a space between each two, have got jobs."""
        for index, lines in enumerate(self._lines):
            if any(name == EVERY_LINE or lines.has(name) for name in names.split(" ")):
                self._told[index].set()

    def wake(self) -> None:
        """Look now: announcements may have been missed."""
        for told in self._told.values():
            told.set()

    async def run(self, attempts: asyncio.TaskGroup) -> None:
        """Take until cancelled; the attempts run in `attempts`."""
        async with anyio.create_task_group() as tasks:
            for index, lines in enumerate(self._lines):
                name = f"take unserved {lines.group.tier} {lines.need}"
                tasks.start_soon(self._take, index, lines, attempts, name=name)

    async def _take(self, index: int, lines: ServedLines, attempts: asyncio.TaskGroup) -> None:
        told = self._told[index]
        while True:
            told.clear()
            await self._unpaused.wait()
            room = await self._capacity.room_for(lines.group.tier, lines.need)
            if await self._take_some(lines, room, attempts) >= room:
                self._waiting.add(index)
                continue
            self._waiting.discard(index)
            await self._caller.duty.rest(self._heartbeat_s, told)

    async def _take_some(self, lines: ServedLines, room: int, attempts: asyncio.TaskGroup) -> int:
        """Take as many jobs as there is room for, and start them; return how many there were."""
        capacity, group, need = self._capacity, lines.group, lines.need
        reserved = capacity.reserve_all(group.tier, room)
        places = capacity.reserve_need(need, room)
        entries = await self._caller.ask(self._store.take_unserved, group.tiers, lines.kinds, room, lines.codes)
        capacity.give_up(reserved)
        if not entries:
            capacity.give_back(places)
            return 0
        await self._starter.start(entries, attempts, capacity.reserve(entries, room), group, places)
        return len(entries)
