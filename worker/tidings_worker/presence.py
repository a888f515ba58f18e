"""The presence of a worker: what the registry of the store shows of it, from its registration to its leaving."""

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Callable, Mapping

import anyio
import structlog

import tidings
from tidings.protocol.kinds.kind_record import encode_kind
from tidings.protocol.tokens import queue_of
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import ScriptError, StoreError
from tidings.store.placement.placement import Placements
from tidings.store.registry import (
    MAX_SHOWN,
    DeliveryLoad,
    KindVersions,
    Registry,
    RunningRecord,
    WorkerRecord,
    record_digest,
)

from .build import WorkerIdentity
from .consumers.consumer_groups import GroupFollowing
from .metrics.process_stats import ProcessSampler
from .queue.queue import Queue

log = structlog.get_logger()

DEREGISTER_WITHIN_S = 5.0
"""How long the store may take to let a worker go; what it holds is free after its lease in any case."""

PRESENCE_BEATS = 4
"""Heartbeats missed before a worker is forgotten."""


class Presence:
    """Registers one worker and its kinds, and renews that."""

    def __init__(
        self,
        identity: WorkerIdentity,
        queues: Mapping[str, Queue],
        registry: Registry,
        following: GroupFollowing,
        deliveries: Callable[[], DeliveryLoad] | None = None,
        on_placements: Callable[[Placements], None] | None = None,
    ) -> None:
        """Prepare.

        Args:
            identity: who the worker is, and what it serves.
            queues: those that it serves.
            registry: where it registers.
            following: has its queues follow what groups name.
            deliveries: returns what it delivers to webhooks; None: nothing.
            on_placements: called with the placements of queues after each heartbeat.

        """
        self._worker = identity.id
        self._settings = identity.settings
        self._jobs = identity.jobs
        self._clock = identity.timing.clock
        self._queues = queues
        self._registry = registry
        self._following = following
        self._deliveries = deliveries
        self._on_placements = on_placements
        self._sampler = ProcessSampler()
        self._versions: dict[str, KindVersions] = {}
        self._started_ms = int(time.time() * 1000)

    async def run(self) -> None:
        """Register the worker and its kinds with each heartbeat, until cancelled."""
        records = [job.record() for job in self._jobs.values()]
        self._versions = {
            job.kind: KindVersions(job.upcasts.oldest, job.upcasts.version, record_digest(encode_kind(record)))
            for job, record in zip(self._jobs.values(), records, strict=True)
        }
        registered, failures, answered = False, 0, self._clock()
        while True:
            try:
                # The heartbeat first: a full store takes it, but no kind that is new.
                placements = await self._beat()
                answered = self._clock()
                if self._on_placements is not None:
                    self._on_placements(placements)
                if not registered:
                    await self._following.follow()  # the first job of a new kind may come as soon as it is registered
                if records:
                    await self._registry.register(records)
                if not registered:
                    await self._following.follow()
                    log.info("serving", worker=self._worker, kinds=sorted(self._jobs), queues=sorted(self._queues))
                registered, failures = True, 0
            except StoreError as error:
                failures += 1
                if self._clock() - answered > self._presence_s:
                    self._take_duties()
                if isinstance(error, ScriptError) and failures == 1:
                    log.warning("store_refused", operation="register", error=str(error))
            await anyio.sleep(store_retry_delay(failures) if failures else self._settings.heartbeat_s)

    async def _beat(self) -> Placements:
        """Say that the worker lives, and take in which partitions it keeps up; return the placements of queues."""
        places = {queue.place: queue for queue in self._queues.values()}
        answer = await self._registry.heartbeat(self._record(), self._presence_s, list(places))
        for place, queue in places.items():
            queue.duty.decide(on=place in answer.on_duty)
        return answer.placements

    def _take_duties(self) -> None:
        """Keep up all partitions: the registry no longer knows of this worker, nor this worker which others live."""
        for queue in self._queues.values():
            queue.duty.decide(on=True)

    @property
    def _presence_s(self) -> float:
        """How long the registry takes a worker for living without a heartbeat, s."""
        return self._settings.heartbeat_s * PRESENCE_BEATS

    async def leave(self) -> None:
        """Leave the registry, and then the consumer groups of the queues.

        In this order, because a read that was sent just before its connection ended may reach the store a moment later,
        and makes the consumer again: the answer of the registry comes behind it.
        """
        try:
            with anyio.fail_after(DEREGISTER_WITHIN_S):
                await self._registry.deregister(self._worker)
                for queue in self._queues.values():
                    await queue.leave()
        except (StoreError, TimeoutError) as error:
            log.warning("not_left", worker=self._worker, error=str(error), help="the other workers' sweeps see to it")
        else:
            log.info("left", worker=self._worker)

    def _record(self) -> WorkerRecord:
        used = self._sampler.look()
        queues = sorted({queue_of(partition) for partition in self._queues})
        return WorkerRecord(
            worker=self._worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=tidings.__version__,
            kinds=sorted(self._jobs),
            queues=queues,
            partitions=sorted(self._queues.keys() - set(queues)),
            slots=sum(self._settings.shares.values()) or self._settings.slots,
            tiers=self._settings.shares,
            running=sum(queue.running for queue in self._queues.values()),
            since_ms=self._started_ms,
            cpu=used.cpu,
            memory=used.memory,
            jobs=self._running_jobs(),
            deliveries=None if self._deliveries is None else self._deliveries(),
            versions=self._versions,
            told_ms=int(time.time() * 1000),
        )

    def _running_jobs(self) -> list[RunningRecord]:
        """Return what runs, the oldest of each queue; so many that the record stays small."""
        now, clock = time.time(), asyncio.get_running_loop().time()
        running = (one for queue in self._queues.values() for one in itertools.islice(queue.attempts, MAX_SHOWN))
        found = [RunningRecord(one.token, one.kind, int((now - clock + one.began) * 1000)) for one in running]
        return sorted(found, key=lambda one: one.since_ms)[:MAX_SHOWN]
