"""The overview: taken once a second for all who observe, and not at all while nobody does."""

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

from tidings.breaker.machine import BreakerState
from tidings.broker.breaker import BreakerStore, Shown
from tidings.broker.census import Census, drain_rates, store_memory, take_census
from tidings.broker.chronicle import FORGET_S, Chronicle
from tidings.broker.clock import store_ms
from tidings.broker.error import StoreError
from tidings.broker.keys import Keys
from tidings.broker.registry import WorkerRecord
from tidings.contract.overview import (
    BreakerLine,
    KindLine,
    LatencyLine,
    Overview,
    QueueLine,
    RunningJob,
    StoreLine,
    WorkerLine,
)
from tidings_server.frame import Frame
from tidings_server.meter import ServerMeter

from . import statistics
from .connections import Connections
from .recent import Recent

log = structlog.get_logger()

PERIOD_S = 1.0
"""Time between two overviews."""

RATE_MS = 10_000
"""Rates are over this time."""

LATENCY_MS = 60_000
"""Latencies are of the jobs that ended within this time."""

_encode = msgspec.json.Encoder().encode


class Observer(Protocol):
    """One who is told."""

    def overview(self, frame: Frame) -> None:
        """Take the newest."""


class Rates:
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


class Observatory:
    """Those who observe, and what they are told."""

    def __init__(
        self,
        store: Redis,
        keys: Keys,
        breakers: BreakerStore,
        connections: Connections,
        chronicle: Chronicle,
        meter: ServerMeter,
    ) -> None:
        self._store = store
        self._acks, self._notices = Recent(meter.ack), Recent(meter.notify)
        self._chronicle = chronicle
        self._rates = Rates()
        self._keys = keys
        self._breakers = breakers
        self._connections = connections
        self._observers: set[Observer] = set()
        self._wanted = asyncio.Event()
        self._away = False

    def join(self, observer: Observer) -> None:
        """Tell somebody from now on."""
        self._observers.add(observer)
        self._wanted.set()

    def leave(self, observer: Observer) -> bool:
        """Tell an observer no more; return whether it was one."""
        observed = observer in self._observers
        self._observers.discard(observer)
        if not self._observers:
            self._wanted.clear()
        return observed

    async def run(self) -> None:
        """Tell all who observe each second, until cancelled."""
        while True:
            with anyio.move_on_after(FORGET_S):
                await self._wanted.wait()
            if not self._observers:
                self._chronicle.forget()
                continue
            began = time.monotonic()
            with self._noting_absence():
                frame = Frame(_encode(await self.take()))
                for observer in tuple(self._observers):
                    observer.overview(frame)
            await anyio.sleep(max(0.0, began + PERIOD_S - time.monotonic()))

    @contextmanager
    def _noting_absence(self) -> Iterator[None]:
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
        census = await take_census(self._store, self._keys)
        memory = await store_memory(self._store)
        now = await store_ms(self._store)
        await self._chronicle.catch_up({one.queue for one in census.queues})
        return Overview(
            at=int(time.time() * 1000),
            queues=await self._queues(census, now),
            kinds=[KindLine(kind=one.kind, queue=one.queue, tiers=one.tiers) for one in census.kinds],
            workers=[worker_line(one, now) for one in census.workers],
            breakers=[breaker_line(one) for one in await self._breakers.shown()],
            latency=self._latency(now),
            connections=self._connections.count(),
            store=StoreLine(memory=memory.used, limit=memory.limit),
        )

    def _latency(self, now: int) -> list[LatencyLine]:
        acks, notices = self._acks.look(now), self._notices.look(now)
        lines = statistics.latency(list(self._chronicle.since(now - LATENCY_MS)))
        return [
            msgspec.structs.replace(one, ack=acks.get(one.kind), notify=None if one.kind else notices.get(""))
            for one in lines
        ]

    async def _queues(self, census: Census, now: int) -> list[QueueLine]:
        lines = []
        left = Counter((job.queue, job.tier) for job in self._chronicle.since(now - RATE_MS))
        self._rates.note(now, {(one.queue, one.tier): one.waiting + one.running for one in census.queues})
        rates = await drain_rates(self._store, self._keys, census.queues, now)
        for one, drains in zip(census.queues, (rate or 0.0 for rate in rates), strict=True):
            # At high rates the chronicle does not reach back as far.
            span = min(RATE_MS, max(now - (self._chronicle.reaches_back(one.queue) or 0), 1))
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
                    paused=one.queue in census.paused,
                    rate_in=round(max(ends + self._rates.growth(one.queue, one.tier), 0), 3),
                    rate_out=round(ends if self._chronicle.kept else drains, 3),
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
        running=[RunningJob(token=job.token, kind=job.kind, since=job.since_ms) for job in one.jobs],
    )


def breaker_line(one: Shown) -> BreakerLine:
    """Return a breaker as operators are shown it."""
    machine = one.machine
    held_open = machine.state is BreakerState.OPEN and machine.reason == "operator"
    return BreakerLine(
        breaker=one.name,
        state=machine.state,
        since=machine.since or None,
        forced=held_open or machine.hold_until > one.now_ms,
    )
