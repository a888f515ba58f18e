"""What lies in the store, as metrics: asked for when a page is."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

from redis.asyncio import Redis

from tidings.breaker.machine import BreakerState
from tidings.broker.breaker import BreakerStore, Shown
from tidings.broker.census import Census, QueueCount, take_census
from tidings.broker.connection import caller_of
from tidings.broker.contact import Contact
from tidings.broker.error import CommandDeniedError, StoreError
from tidings.broker.keys import Keys
from tidings.broker.retention import KEEPS
from tidings.contract.kind import KindRecord

from .family import Family, Labels, gauge, gauges, up
from .meter import Names

WITHIN_S = 0.5
"""How long the store may take; a page that waits longer than its reader tells nothing at all."""

_STATES = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 1.0, BreakerState.OPEN: 2.0}


class Stock:
    """What lies in the store. All processes tell the same of it: it is not to be summed over them."""

    def __init__(
        self,
        store: Redis,
        keys: Keys,
        breakers: BreakerStore,
        contact: Contact,
        kinds: Callable[[], Iterable[KindRecord]],
    ) -> None:
        """Prepare.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            breakers: the breakers in it.
            contact: what this process knows of how the store is: one that is lost is not asked.
            kinds: tells the kinds known by now.

        """
        self._store = store
        self._keys = keys
        self._breakers = breakers
        self._contact = contact
        self._kinds = kinds
        self._names, self._queues, self._breaker_names = Names(), Names(), Names()

    async def families(self) -> list[Family]:
        """Return what lies in the store; while it does not answer, only that it does not."""
        if self._contact.lost:
            return [up(answers=False)]
        try:
            async with asyncio.timeout(WITHIN_S):
                kinds = list(self._kinds())
                census, shown, memory = await asyncio.gather(
                    take_census(self._store, self._keys, kinds), self._breakers.shown(), self._memory()
                )
        except (StoreError, TimeoutError):
            return [up(answers=False)]
        return [
            up(answers=True),
            *self._of_queues(census),
            *self._of_workers(census),
            *self._of_breakers(shown),
            *memory,
        ]

    def _of_queues(self, census: Census) -> Iterator[Family]:
        names = ("backlog", "running", "oldest")
        tiers: dict[str, dict[Labels, float]] = {name: {} for name in names}
        queues: dict[str, dict[str, QueueCount]] = {}
        for one in census.queues:
            queue = self._queues.label(one.queue)
            place = (queue, one.tier)
            _add(tiers["backlog"], place, one.waiting)
            _add(tiers["running"], place, one.running)
            tiers["oldest"][place] = max(tiers["oldest"].get(place, 0.0), one.oldest or 0.0)
            queues.setdefault(queue, {})[one.queue] = one
        scheduled = {(label,): float(sum(one.scheduled for one in found.values())) for label, found in queues.items()}
        dead = {(label,): float(sum(one.dead for one in found.values())) for label, found in queues.items()}
        where = ("queue", "tier")
        yield gauges("tidings_backlog_jobs", "Jobs that wait for a worker.", where, tiers["backlog"].items())
        yield gauges(
            "tidings_oldest_waiting_seconds",
            "How long the job that waits longest has been in line for a worker; 0: none is.",
            where,
            tiers["oldest"].items(),
        )
        yield gauges("tidings_running_jobs", "Jobs that a worker holds.", where, tiers["running"].items())
        meaning = "Jobs that are not due yet: delayed, or before another try."
        yield gauges("tidings_scheduled_jobs", meaning, ("queue",), scheduled.items())
        yield gauges("tidings_dead_jobs", "Dead letters.", ("queue",), dead.items())

    def _of_workers(self, census: Census) -> Iterator[Family]:
        serving: dict[str, int] = {}
        for worker in census.workers:
            for kind in worker.kinds:
                serving[kind] = serving.get(kind, 0) + 1
        least: dict[Labels, float] = {}
        for record in census.kinds:
            labels = (self._names.label(record.kind), self._queues.label(record.queue))
            count = float(serving.get(record.kind, 0))
            least[labels] = min(least.get(labels, count), count)
        yield gauge("tidings_workers", "Workers that live.", len(census.workers))
        yield gauges(
            "tidings_kind_workers",
            "Living workers that serve a kind; of those under `other` the least.",
            ("kind", "queue"),
            least.items(),
        )

    def _of_breakers(self, shown: list[Shown]) -> Iterator[Family]:
        states: dict[Labels, float] = {}
        for one in shown:
            labels = (self._breaker_names.label(one.name),)
            states[labels] = max(states.get(labels, 0.0), _STATES[one.machine.state])
        meaning = "How a breaker stands: 0 closed, 1 half open, 2 open."
        yield gauges("tidings_breaker_state", meaning, ("breaker",), states.items())

    async def _memory(self) -> list[Family]:
        try:
            told: bytes = await caller_of(self._store).ask("INFO", "memory")
        except CommandDeniedError:
            return []  # a user that may not ask is told nothing
        lines = dict(line.split(":", 1) for line in told.decode().splitlines() if ":" in line)
        most = "What the store may hold in memory (`maxmemory`); 0: as much as the machine has."
        return [
            gauge("tidings_store_memory_bytes", "What the store holds in memory.", float(lines["used_memory"])),
            gauge("tidings_store_memory_max_bytes", most, float(lines.get("maxmemory", 0))),
            gauge(
                "tidings_store_evicts",
                "Whether the store deletes keys, acknowledged jobs among them, when its memory is full: its "
                "`maxmemory-policy` is another than noeviction.",
                float(lines.get("maxmemory_policy", KEEPS).strip() != KEEPS),
            ),
        ]


def _add(sums: dict[Labels, float], labels: Labels, value: float) -> None:
    sums[labels] = sums.get(labels, 0.0) + value
