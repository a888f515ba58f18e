"""The groups that a worker serves, in each queue that has kinds which they follow."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

import anyio
import anyio.abc
import structlog

from tidings.consumer.event_handler import EventHandler
from tidings.protocol.event_pattern import EventPattern
from tidings.protocol.tokens import queue_of
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.groups.group_admin import GroupAdmin
from tidings.store.groups.group_store import FEED_MARK, GroupStore, StreamBounds
from tidings.store.keys import REGISTRY
from tidings.store.registry import Registry

from .event_call import EventServices
from .event_meter import EventMeter
from .group_reader import GroupReader, ReaderLimits, ServedGroup

log = structlog.get_logger()

LOOK_FOR_KINDS_S = 5.0
"""How often a worker looks for new queues whose kinds its groups follow; an announcement makes it look at once."""

JOIN_AGAIN_S = 60.0
"""How often it says again what its groups follow: the store forgets a pattern that no worker has named for long."""


class ConsumerGroups:
    """The groups of one worker."""

    def __init__(
        self,
        groups: Iterable[ServedGroup],
        stores: Callable[[str], GroupStore],
        registry: Registry,
        limits: ReaderLimits,
        services: EventServices,
        meter: EventMeter,
    ) -> None:
        """Prepare.

        Args:
            groups: what is served.
            stores: returns the groups of a partition.
            registry: of the kinds.
            limits: of each group in each queue.
            services: what calls of handlers need.
            meter: counts.

        """
        self._groups = list(groups)
        self._stores = stores
        self._registry = registry
        self._limits = limits
        self._services = services
        self._meter = meter
        meter.begin(group.name for group in self._groups)
        self._readers: dict[tuple[str, str], GroupReader] = {}
        self._kinds_changed = asyncio.Event()
        self._keeping: anyio.abc.TaskGroup | None = None

    @property
    def running(self) -> int:
        """How many events are in hand."""
        return sum(reader.running for reader in self._readers.values())

    def wake(self) -> None:
        """Look at the kinds now."""
        self._kinds_changed.set()

    async def keep(self) -> None:
        """Renew leases and say what became of events, until cancelled; outlives `serve`, as the handlers do."""
        async with anyio.create_task_group() as tasks:
            self._keeping = tasks
            await anyio.sleep_forever()

    async def serve(self, calls: asyncio.TaskGroup) -> None:
        """Take events until cancelled; their handlers run in `calls`, which outlives this."""
        failures, joined_at = 0, -JOIN_AGAIN_S
        async with anyio.create_task_group() as tasks:
            while True:
                self._kinds_changed.clear()
                try:
                    if anyio.current_time() - joined_at >= JOIN_AGAIN_S:
                        await self._join_everywhere()
                        joined_at = anyio.current_time()
                    await self._look_for_queues(tasks, calls)
                    failures = 0
                except StoreError:
                    failures += 1
                    await anyio.sleep(store_retry_delay(failures))
                    continue
                with anyio.move_on_after(LOOK_FOR_KINDS_S):
                    await self._kinds_changed.wait()

    async def idle(self) -> None:
        """Return when no event is in hand."""
        for reader in list(self._readers.values()):
            await reader.idle()

    def hand_back(self, _grace: float) -> None:
        """Break off what runs, and give it back."""
        for reader in self._readers.values():
            reader.stop()

    async def _join_everywhere(self) -> None:
        """Say what the groups follow: first where workers look that register new kinds, then in the queues."""
        for group in self._groups:
            await self._stores(REGISTRY).join(group.name, group.patterns, self._limits.bounds)
        for reader in self._readers.values():
            await reader.join()

    async def _look_for_queues(self, tasks: anyio.abc.TaskGroup, calls: asyncio.TaskGroup) -> None:
        kinds = await self._registry.read()
        for group in self._groups:
            queues = {
                record.queue
                for kind, record in kinds.records.items()
                if any(_names(one, kind) for one in group.patterns)
            }
            for queue in sorted(kinds.placements.all_partitions(queues)):
                if (group.name, queue) not in self._readers:
                    self._start(group, queue, tasks, calls)

    def _start(self, group: ServedGroup, queue: str, tasks: anyio.abc.TaskGroup, calls: asyncio.TaskGroup) -> None:
        reader = GroupReader(self._stores(queue), group, self._limits, self._services, self._meter)
        self._readers[group.name, queue] = reader
        assert self._keeping is not None, "`keep` runs before `serve`"
        self._keeping.start_soon(reader.keep, name=f"keep {group.name}")
        tasks.start_soon(reader.serve, calls, name=f"group {group.name}")


def groups_of(handlers: Iterable[EventHandler]) -> list[ServedGroup]:
    """Return the groups of some handlers."""
    found: defaultdict[str, list[EventHandler]] = defaultdict(list)
    for handler in handlers:
        found[handler.group].append(handler)
    return [
        ServedGroup(name, members, list(dict.fromkeys(one for member in members for one in member.patterns)))
        for name, members in found.items()
    ]


class GroupFollowing:
    """Has the queues of a worker that registers new kinds follow what groups and feeds say that were not there so far.

    A group, or a server for its feeds, looks for the queues of its kinds; a worker that registers a kind looks for them
    before and after it does. One of the two sees the other, so no event of a new kind is lost.
    """

    def __init__(self, admins: Callable[[str], GroupAdmin], stores: Callable[[str], GroupStore],
                 queues: dict[str, Collection[str]], bounds: StreamBounds) -> None:  # fmt: skip
        """Prepare.

        Args:
            admins: returns what is known of the groups of a partition.
            stores: returns the groups of a partition.
            queues: those that the worker serves, with its kinds; and further partitions, as they come.
            bounds: of the streams of events.

        """
        self._admins = admins
        self._stores = stores
        self._queues = queues
        self._bounds = bounds

    async def follow_partition(self, partition: str) -> None:
        """Join what its queue follows in a further partition, before any job lies there.

        Raises:
            StoreError: the store is unavailable.

        """
        self._queues[partition] = self._queues[queue_of(partition)]
        await self.follow()

    async def follow(self) -> None:
        """Join the groups and feeds that are missing.

        Raises:
            StoreError: the store is unavailable.

        """
        registered = (await self._admins(REGISTRY).read(feeds=True)).groups
        if not registered:
            return
        for queue, kinds in list(self._queues.items()):
            known = {group.name for group in (await self._admins(queue).read(feeds=True)).groups}
            for group in registered:
                if group.name not in known and any(_names(one, kind) for one in group.patterns for kind in kinds):
                    store = self._stores(queue)
                    join = store.join_feed if group.name.startswith(FEED_MARK) else store.join
                    await join(group.name, group.patterns, self._bounds)


def _names(pattern: EventPattern, kind: str) -> bool:
    return pattern.matches(kind, pattern.names[0])
