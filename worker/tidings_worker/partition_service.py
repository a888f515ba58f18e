"""The further partitions of a worker's queues, which it begins to serve when an operator spreads a queue."""

import asyncio

import anyio
import anyio.abc
import structlog

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.placement.placement import UNSPREAD_QUEUES, Placements

from .build import WorkerParts
from .commands import CommandFollower, PauseFollower

log = structlog.get_logger()


class PartitionService:
    """Serves each partition that a placement has ever had, from when a heartbeat brings it until the worker stops.

    A partition is served until the worker ends, also when new jobs go there no more: old ones may lie there.
    """

    def __init__(self, parts: WorkerParts, pauses: PauseFollower, commands: CommandFollower) -> None:
        """Prepare.

        Args:
            parts: those of the worker; what is opened is added to its queues.
            pauses: says which queues are paused.
            commands: listens to the channels of what is opened.

        """
        self._parts = parts
        self._pauses = pauses
        self._commands = commands
        self._served = tuple(parts.queues)
        self._opened = UNSPREAD_QUEUES
        self._changed = asyncio.Event()
        self._keeping: anyio.abc.TaskGroup | None = None

    def take(self, placements: Placements) -> None:
        """Take in the placements of all queues, as the registry has them."""
        self._parts.placements.now = placements
        if placements != self._opened:
            self._changed.set()

    # What the shutdown asks for (`ServedWork`): the attempts are counted by the queues, of which it knows.

    @property
    def running(self) -> int:
        """Nothing but what runs in the queues."""
        return 0

    async def idle(self) -> None:
        """Return at once."""

    def hand_back(self, grace: float, /) -> None:
        """Hand back nothing."""

    async def keep(self) -> None:
        """Renew leases, pass on the ends of children and sweep, until cancelled; outlives `serve`."""
        async with anyio.create_task_group() as tasks:
            self._keeping = tasks
            await anyio.sleep_forever()

    async def serve(self, attempts: asyncio.TaskGroup, /) -> None:
        """Open and serve what placements name, until cancelled; the attempts run in `attempts`."""
        failures = 0
        async with anyio.create_task_group() as tasks:
            while True:
                await self._changed.wait()
                self._changed.clear()
                placements = self._parts.placements.now
                try:
                    for partition in placements.all_partitions(self._served):
                        if partition not in self._parts.queues:
                            await self._open(partition, tasks, attempts)
                    self._opened, failures = placements, 0
                except StoreError:
                    failures += 1
                    self._changed.set()
                    await anyio.sleep(store_retry_delay(failures))

    async def _open(self, partition: str, tasks: anyio.abc.TaskGroup, attempts: asyncio.TaskGroup) -> None:
        """Serve a partition; the next heartbeat says so.

        Raises:
            StoreError: the store is unavailable, and nothing was begun.

        """
        assert self._keeping is not None, "`keep` runs before `serve`"
        await self._parts.following.follow_partition(partition)
        queue, sweeper = self._parts.open_partition(partition)
        await self._commands.follow(partition, queue)
        self._parts.queues[partition] = queue
        for work, name in ((queue.beat, "heartbeat"), (queue.relay, "relay"), (sweeper.run, "sweep")):
            self._keeping.start_soon(work, name=name)
        tasks.start_soon(queue.serve, attempts, name=f"serve {partition}")
        self._pauses.wake()
        log.info("partition_served", queue=partition)
