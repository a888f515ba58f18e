"""The presence of a worker that only delivers: what the registry of the store shows of it."""

import os
import socket
import time
from collections.abc import Callable

import anyio
import structlog

import tidings
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.registry import DeliveryLoad, Registry, WorkerRecord
from tidings_worker.metrics.process_stats import ProcessSampler

log = structlog.get_logger()

BEATS = 4
"""Heartbeats missed before the store forgets the worker."""

LEAVE_WITHIN_S = 5.0


class DeliveryPresence:
    """Registers one worker without kinds and queues, and renews that."""

    def __init__(self, worker: str, registry: Registry, heartbeat_s: float) -> None:
        self._worker = worker
        self._registry = registry
        self._heartbeat_s = heartbeat_s
        self._sampler = ProcessSampler()
        self._started_ms = int(time.time() * 1000)

    async def run(self, load: Callable[[], DeliveryLoad]) -> None:
        """Say with each heartbeat that the worker lives and what it delivers, until cancelled."""
        failures = 0
        while True:
            try:
                await self._registry.heartbeat(self._record(load()), self._heartbeat_s * BEATS)
                failures = 0
            except StoreError:  # the health of the store logs that it is away
                failures += 1
            await anyio.sleep(store_retry_delay(failures) if failures else self._heartbeat_s)

    async def leave(self) -> None:
        """Leave the registry; where the store is away, it forgets the worker after its heartbeats."""
        try:
            with anyio.fail_after(LEAVE_WITHIN_S):
                await self._registry.deregister(self._worker)
        except (StoreError, TimeoutError) as error:
            log.warning("not_left", worker=self._worker, error=str(error))
        else:
            log.info("left", worker=self._worker)

    def _record(self, load: DeliveryLoad) -> WorkerRecord:
        used = self._sampler.look()
        return WorkerRecord(
            worker=self._worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=tidings.__version__,
            kinds=[],
            queues=[],
            slots=0,
            since_ms=self._started_ms,
            cpu=used.cpu,
            memory=used.memory,
            deliveries=load,
        )
