"""The overview: taken once a second for all observers, and not at all while there is none."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio
import msgspec
import structlog
from redis.asyncio import Redis

from tidings.circuit.breaker_record import BreakerState
from tidings.protocol.frames.overview import (
    BreakerLine,
    KindLine,
    LatencyLine,
    Overview,
    QueueLine,
    RunningJob,
    StoreLine,
    WorkerLine,
)
from tidings.protocol.tokens import queue_of
from tidings.store.admin.finished_jobs import FORGET_S, FinishedJobs
from tidings.store.admin.queue_stats import (
    MissingParts,
    QueueStats,
    StoreMemory,
    drain_rates,
    read_queue_stats,
    store_memory,
)
from tidings.store.availability.store_errors import StoreError
from tidings.store.breaker_store import BreakerStore, ShownBreaker
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_clock import store_ms
from tidings.store.registry import WorkerRecord
from tidings_server.observability import job_statistics
from tidings_server.observability.connection_list import OpenConnections
from tidings_server.observability.recent_latency import RecentLatency
from tidings_server.observability.server_meters import ServerMeter
from tidings_server.watch.encoded_frame import EncodedFrame

log = structlog.get_logger()

PERIOD_S = 1.0
"""Time between two overviews."""

RATE_MS = 10_000
"""BacklogRates are over this time."""

LATENCY_MS = 60_000
"""Latencies are of the jobs that ended within this time."""

_encode = msgspec.json.Encoder().encode


class Observer(Protocol):
    """A connection that gets overviews."""

    def overview(self, frame: EncodedFrame) -> None:
        """Take the newest."""


class BacklogRates:
    """How the backlogs grow: what lay in each tier at each of the last overviews."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, dict[tuple[str, str], int]]] = deque()

    def note(self, now: int, counts: dict[tuple[str, str], int]) -> None:
        """Keep what lies there now (ms), and forget what is too old."""
        self._counts.append((now, counts))
        while self._counts[0][0] < now - RATE_MS:
            self._counts.popleft()

    def growth(self, queue: str, tier: str) -> float:
        """Return the jobs a second by which a tier grew; below 0: it shrank."""
        (begin, first), (end, last) = self._counts[0], self._counts[-1]
        grown = last.get((queue, tier), 0) - first.get((queue, tier), 0)
        return grown * 1000 / (end - begin) if end > begin else 0.0


class OverviewFeed:
    """The observers, and the overviews that they get."""

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        breakers: BreakerStore,
        connections: OpenConnections,
        finished_jobs: FinishedJobs,
        meter: ServerMeter,
    ) -> None:
        self._store = store
        self._acks, self._notices = RecentLatency(meter.ack), RecentLatency(meter.notify)
        self._finished_jobs = finished_jobs
        self._rates = BacklogRates()
        self._keys = keys
        self._breakers = breakers
        self._connections = connections
        self._observers: set[Observer] = set()
        self._wanted = asyncio.Event()
        self._away = False
        self._census: QueueStats | None = None
        self._shown: list[ShownBreaker] = []
        """The breakers, as they were read last."""

    def join(self, observer: Observer) -> None:
        """Send overviews to an observer from now on."""
        self._observers.add(observer)
        self._wanted.set()

    def leave(self, observer: Observer) -> bool:
        """Send an observer no more overviews; return whether it was one."""
        observed = observer in self._observers
        self._observers.discard(observer)
        if not self._observers:
            self._wanted.clear()
        return observed

    async def run(self) -> None:
        """Send an overview to every observer each second, until cancelled."""
        while True:
            with anyio.move_on_after(FORGET_S):
                await self._wanted.wait()
            if not self._observers:
                self._finished_jobs.forget()
                continue
            began = time.monotonic()
            with self._logging_absence():
                frame = EncodedFrame(_encode(await self.take()))
                for observer in tuple(self._observers):
                    observer.overview(frame)
            await anyio.sleep(max(0.0, began + PERIOD_S - time.monotonic()))

    @contextmanager
    def _logging_absence(self) -> Iterator[None]:
        """Say once that the store cannot be asked, and go on: the next round asks again."""
        try:
            yield
        except StoreError as error:
            if not self._away:
                log.warning("no_overview", error=str(error))
            self._away = True
        except Exception:
            # A fault of ours, which must not take from clients what they came for; it is shown by its absence.
            log.exception("overview_broke")
        else:
            self._away = False

    async def take(self) -> Overview:
        """Return how everything stands.

        Raises:
            StoreError: the store is unavailable.

        """
        census, memory = await asyncio.gather(
            read_queue_stats(self._store, self._keys, before=self._census), store_memory(self._store)
        )
        self._census, missing = census, census.missing
        if missing is None or not missing.breakers:
            self._shown = await self._breakers.shown()
        now = await store_ms(self._store)
        await self._finished_jobs.catch_up({one.queue for one in census.queues})
        return Overview(
            at=int(time.time() * 1000),
            queues=await self._queues(census, now),
            kinds=[KindLine(kind=one.kind, queue=one.queue, tiers=one.tiers) for one in census.kinds],
            workers=[worker_line(one, now) for one in census.workers],
            breakers=[breaker_line(one) for one in self._shown],
            latency=self._latency(now),
            connections=self._connections.count(),
            store=store_line(memory, missing),
        )

    def _latency(self, now: int) -> list[LatencyLine]:
        acks, notices = self._acks.look(now), self._notices.look(now)
        lines = job_statistics.latency(list(self._finished_jobs.since(now - LATENCY_MS)))
        return [
            msgspec.structs.replace(one, ack=acks.get(one.kind), notify=None if one.kind else notices.get(""))
            for one in lines
        ]

    async def _queues(self, census: QueueStats, now: int) -> list[QueueLine]:
        lines = []
        left = Counter((job.queue, job.tier) for job in self._finished_jobs.since(now - RATE_MS))
        self._rates.note(now, {(one.queue, one.tier): one.waiting + one.running for one in census.queues})
        rates = await drain_rates(self._store, self._keys, census.queues, now)
        for one, drains in zip(census.queues, (rate or 0.0 for rate in rates), strict=True):
            # At high rates the list of finished jobs does not reach back as far.
            span = min(RATE_MS, max(now - (self._finished_jobs.reaches_back(one.queue) or 0), 1))
            ends = left[one.queue, one.tier] * 1000 / span
            lines.append(
                QueueLine(
                    queue=one.queue,
                    tier=one.tier,
                    waiting=one.waiting,
                    running=one.running,
                    scheduled=one.scheduled,
                    dead=one.dead,
                    oldest=one.oldest,
                    paused=queue_of(one.queue) in census.paused,
                    rate_in=round(max(ends + self._rates.growth(one.queue, one.tier), 0), 3),
                    rate_out=round(ends if self._finished_jobs.kept else drains, 3),
                    eta=0.0 if not one.waiting else round(one.waiting / drains, 3) if drains else None,
                    served=census.serves(one.queue, one.tier),
                )
            )
        return lines


def worker_line(one: WorkerRecord, now: int) -> WorkerLine:
    """Return a worker as operators are shown it; now: the store's time, ms since the epoch."""
    return WorkerLine(
        worker=one.worker,
        host=one.host,
        pid=one.pid,
        version=one.version,
        queues=one.queues,
        tiers=one.tiers,
        slots=one.slots,
        busy=one.running,
        cpu=one.cpu,
        memory=one.memory,
        since=one.since_ms,
        seen=max(now - one.seen_ms, 0) / 1000,
        sending=None if one.deliveries is None else one.deliveries.sending,
        delivery_slots=0 if one.deliveries is None else one.deliveries.slots,
        running=[RunningJob(token=job.token, kind=job.kind, since=job.since_ms) for job in one.jobs],
    )


def store_line(memory: StoreMemory, missing: MissingParts | None) -> StoreLine:
    """Return the store as operators are shown it."""
    if missing is None:
        return StoreLine(memory=memory.used, limit=memory.limit)
    return StoreLine(
        memory=memory.used,
        limit=memory.limit,
        silent_nodes=missing.nodes,
        missing_queues=missing.queues,
        stale=[*("kinds", "workers") * missing.registry, *("breakers",) * missing.breakers],
    )


def breaker_line(one: ShownBreaker) -> BreakerLine:
    """Return a breaker as operators are shown it."""
    machine = one.machine
    held_open = machine.state is BreakerState.OPEN and machine.reason == "operator"
    return BreakerLine(
        breaker=one.name,
        state=machine.state,
        since=machine.since or None,
        forced=held_open or machine.hold_until > one.now_ms,
    )
