"""What lies in the store, as metrics."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

from redis.asyncio import Redis

from tidings.circuit.breaker_record import BreakerState
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.admin.queue_stats import NEARLY_FULL, QueueCount, count_queues, queues_of, read_store_memory
from tidings.store.admin.sagas.held_sagas import count_held_sagas
from tidings.store.admin.unserved_kinds import unserved_kinds
from tidings.store.availability.store_errors import CommandDeniedError
from tidings.store.breaker_store import BreakerStore, ShownBreaker
from tidings.store.groups.group_counts import GroupCount, count_groups
from tidings.store.keys import StoreKeys
from tidings.store.placement.placement import Placements
from tidings.store.redis.store_client import store_of
from tidings.store.registry import Registry
from tidings.store.retention import NO_EVICTION
from tidings.store.webhook_store import WebhookStore

from .instruments import LabelNames
from .metric_family import Labels, MetricFamily, gauge, gauges

_STATES = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 1.0, BreakerState.OPEN: 2.0}

KINDS_PER_TURN = 500
"""Kinds that one turn of the event loop goes through."""


_OF_GROUPS: tuple[tuple[str, str, Callable[[GroupCount], float | None]], ...] = (
    ("tidings_group_behind_events", "Events that a group follows and has not handled.", lambda one: one.behind),
    (
        "tidings_group_oldest_event_seconds",
        "How long ago the first of them happened; 0: there is none.",
        lambda one: one.oldest,
    ),
    (
        "tidings_group_missed_events",
        "Events that the store trimmed before the group had taken them.",
        lambda one: one.missed,
    ),
    ("tidings_group_dead_events", "Events that a group could not handle.", lambda one: one.dead),
    ("tidings_group_paused", "1: an operator has paused the group.", lambda one: one.paused),
)


Queues = dict[str, set[str]]
"""Queue, or partition of one, → its tiers."""


class StoreGauges:
    """What lies in the store. All processes tell the same of it: it is not to be summed over them."""

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        breakers: BreakerStore,
        kinds: Callable[[], Iterable[KindRecord]],
        placements: Callable[[], Placements] = Placements,
    ) -> None:
        """Prepare.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            breakers: the breakers in it.
            kinds: tells the kinds known by now.
            placements: tells the placements of queues known by now.

        """
        self._store = store
        self._keys = keys
        self._breakers = breakers
        self._kinds = kinds
        self._placements = placements
        self._names, self._queues, self._breaker_names = LabelNames(), LabelNames(), LabelNames()
        self._groups = LabelNames()

    async def read(self) -> list[MetricFamily]:
        """Return what lies in the store, read in pages: the store and this process do other work between them.

        Of a cluster, what lies on nodes that do not answer is left out, and counted.

        Raises:
            StoreError: the store is unavailable.

        """
        silent, known = await store_of(self._store).silent_nodes(), list(self._kinds())
        all_queues = queues_of(known, self._placements().spread())
        queues = {name: tiers for name, tiers in all_queues.items() if not silent.hold(self._keys.root(name))}
        found = [
            *_of_nodes(len(silent.addresses), len(all_queues) - len(queues)),
            *await self._of_queues(queues),
            await self._of_held_sagas(queues),
            *await self._of_webhooks(queues),
        ]
        if not silent.hold(self._keys.workers):  # nor then the groups, which are listed there too
            found += await self._of_workers([one for one in known if one.queue in queues], queues)
            found += await self._of_groups(queues)
        if not silent.hold(self._keys.breakers):
            found += self._of_breakers(await self._breakers.shown())
        return [*found, *await self._memory(silent.others)]

    async def _of_queues(self, queues: Queues) -> list[MetricFamily]:
        sums = _QueueSums(self._queues)
        async for page in count_queues(self._store, self._keys, queues):
            for one in page:
                sums.add(one)
        return list(sums.families())

    async def _of_groups(self, queues: Queues) -> list[MetricFamily]:
        groups = await count_groups(self._store, self._keys, queues)
        found = [((self._groups.label(one.group), self._queues.label(one.queue)), one) for one in groups]
        where = ("group", "queue")
        return [
            gauges(name, meaning, where, [(labels, float(value(one) or 0)) for labels, one in found])
            for name, meaning, value in _OF_GROUPS
        ]

    async def _of_workers(self, kinds: list[KindRecord], queues: Queues) -> list[MetricFamily]:
        workers = await Registry(self._store, self._keys).workers()
        unserved: dict[Labels, float] = {}
        for one in await unserved_kinds(self._store, self._keys, queues, workers):
            _add(unserved, (self._names.label(one.kind), self._queues.label(one.queue)), one.jobs)
        serving: dict[str, int] = {}
        for worker in workers:
            for kind in worker.kinds:
                serving[kind] = serving.get(kind, 0) + 1
        least: dict[Labels, float] = {}
        for number, record in enumerate(kinds, 1):
            labels = (self._names.label(record.kind), self._queues.label(record.queue))
            count = float(serving.get(record.kind, 0))
            least[labels] = min(least.get(labels, count), count)
            if number % KINDS_PER_TURN == 0:
                await asyncio.sleep(0)
        return [
            gauge(
                "tidings_workers",
                "Workers that live; those that deliver to webhooks alone do not count.",
                sum(not one.only_delivers for one in workers),
            ),
            gauges(
                "tidings_kind_workers",
                "Living workers that serve a kind; of those under `other` the least.",
                ("kind", "queue"),
                least.items(),
            ),
            gauges(
                "tidings_unserved_jobs",
                "Jobs that wait for a worker that serves their kind in their version, while no such worker lives.",
                ("kind", "queue"),
                unserved.items(),
            ),
        ]

    async def _of_held_sagas(self, queues: Queues) -> MetricFamily:
        held: dict[Labels, float] = {}
        for one in await count_held_sagas(self._store, self._keys, queues):
            _add(held, (self._names.label(one.kind), self._queues.label(one.queue)), one.sagas)
        meaning = "Sagas that are held, because the code of the workers that tried them takes other steps."
        return gauges("tidings_held_sagas", meaning, ("kind", "queue"), held.items())

    async def _of_webhooks(self, queues: Queues) -> list[MetricFamily]:
        pending: dict[Labels, float] = {}
        oldest: dict[Labels, float] = {}
        dead: dict[Labels, float] = {}
        overdue: dict[Labels, float] = {}
        names = sorted(queues)
        for queue, counts in zip(names, await WebhookStore(self._store, self._keys).counts(names), strict=True):
            where = (self._queues.label(queue),)
            _add(pending, where, counts.pending)
            _add(dead, where, counts.dead)
            age = max(counts.now_ms - counts.oldest_ms, 0) / 1000 if counts.oldest_ms else 0.0
            overdue[where] = max(overdue.get(where, 0.0), counts.overdue_ms / 1000)
            oldest[where] = max(oldest.get(where, 0.0), age)
        age_meaning = "How long ago the oldest delivery that is not over was made; 0: there is none."
        return [
            gauges("tidings_webhooks_pending", "Deliveries that are not over.", ("queue",), pending.items()),
            gauges("tidings_webhooks_oldest_seconds", age_meaning, ("queue",), oldest.items()),
            gauges(
                "tidings_webhooks_overdue_seconds",
                "How long a delivery has been due that no worker took: without a worker that delivers, this grows.",
                ("queue",),
                overdue.items(),
            ),
            gauges("tidings_webhooks_dead", "Deliveries that were given up.", ("queue",), dead.items()),
        ]

    def _of_breakers(self, shown: list[ShownBreaker]) -> Iterator[MetricFamily]:
        states: dict[Labels, float] = {}
        for one in shown:
            labels = (self._breaker_names.label(one.name),)
            states[labels] = max(states.get(labels, 0.0), _STATES[one.machine.state])
        meaning = "How a breaker stands: 0 closed, 1 half open, 2 open."
        yield gauges("tidings_breaker_state", meaning, ("breaker",), states.items())

    @staticmethod
    async def _memory(nodes: Iterable[Redis]) -> list[MetricFamily]:
        try:
            memory = await read_store_memory(nodes)
        except CommandDeniedError:
            return []  # the store's user may lack the permission to ask
        nearly = float(memory.nearly_full)
        most = "What the store may hold in memory (`maxmemory`); 0: as much as the machine has."
        return [
            gauge("tidings_store_memory_bytes", "What the store holds in memory.", float(memory.used or 0)),
            gauge("tidings_store_memory_max_bytes", most, float(memory.limit or 0)),
            gauge("tidings_store_nearly_full", f"1: the store holds more than {NEARLY_FULL:.0%} of that.", nearly),
            gauge(
                "tidings_store_evicts",
                "Whether the store deletes keys, acknowledged jobs among them, when its memory is full: its "
                "`maxmemory-policy` is another than noeviction.",
                float((memory.policy or NO_EVICTION) != NO_EVICTION),
            ),
        ]


def _of_nodes(silent: int, unread: int) -> Iterator[MetricFamily]:
    yield gauge("tidings_store_silent_nodes", "Nodes of a cluster that do not answer.", float(silent))
    meaning = "Queues that lie on such nodes, or on none: the page lacks their numbers."
    yield gauge("tidings_store_unread_queues", meaning, float(unread))


class _QueueSums:
    """The numbers of queues, summed by their labels as they are read."""

    def __init__(self, names: LabelNames) -> None:
        self._names = names
        self._backlog: dict[Labels, float] = {}
        self._running: dict[Labels, float] = {}
        self._oldest: dict[Labels, float] = {}
        self._scheduled: dict[Labels, float] = {}
        self._dead: dict[Labels, float] = {}
        self._seen = ""
        """The last queue: the numbers of a whole queue come with each of its tiers, and count once."""

    def add(self, one: QueueCount) -> None:
        """Add a tier; the tiers of a queue follow each other."""
        queue = self._names.label(one.queue)
        place = (queue, one.tier)
        _add(self._backlog, place, one.waiting)
        _add(self._running, place, one.running)
        self._oldest[place] = max(self._oldest.get(place, 0.0), one.oldest or 0.0)
        if one.queue != self._seen:
            self._seen = one.queue
            _add(self._scheduled, (queue,), one.scheduled)
            _add(self._dead, (queue,), one.dead)

    def families(self) -> Iterator[MetricFamily]:
        """Yield the families."""
        where = ("queue", "tier")
        yield gauges("tidings_backlog_jobs", "Jobs that wait for a worker.", where, self._backlog.items())
        yield gauges(
            "tidings_oldest_waiting_seconds",
            "How long the job that waits longest has been in line for a worker; 0: none is.",
            where,
            self._oldest.items(),
        )
        yield gauges("tidings_running_jobs", "Jobs that a worker holds.", where, self._running.items())
        meaning = "Jobs that are not due yet: delayed, or before another try."
        yield gauges("tidings_scheduled_jobs", meaning, ("queue",), self._scheduled.items())
        yield gauges("tidings_dead_jobs", "Dead letters.", ("queue",), self._dead.items())


def _add(sums: dict[Labels, float], labels: Labels, value: float) -> None:
    sums[labels] = sums.get(labels, 0.0) + value
