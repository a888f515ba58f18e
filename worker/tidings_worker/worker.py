"""A worker: everything one process does, from its registration to its leaving."""

import asyncio
import itertools
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import anyio
import anyio.abc
import structlog

import tidings
from tidings.job import Job
from tidings.metrics.metric_family import MetricFamily, build_info, gauge, store_up
from tidings.metrics.scrape_cache import ScrapeCache
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.attempt_store import AttemptStore, StartRules
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import ScriptError, StoreError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.blocking_store import BlockingStore
from tidings.store.breaker_store import BreakerStore
from tidings.store.job_store import JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store, open_store
from tidings.store.redis.subscription import Subscription
from tidings.store.registry import MAX_SHOWN, Registry, RunningRecord, WorkerRecord
from tidings.store.retention import RetentionWatch
from tidings.store.saga_store import SagaStore
from tidings.tracing.tracing_setup import tracing_of

from . import fork
from .circuit.worker_breakers import WorkerBreakers, log_change
from .loading.loader import LoadError
from .metrics.metrics_server import MetricsServer
from .metrics.process_stats import ProcessSampler
from .metrics.worker_meter import WorkerMeter
from .queue.lease_grace import tolerated_downtime_s
from .queue.queue import Queue
from .queue.sweeper import Sweeper
from .runner.process_pool import ProcessPool
from .runner.runner import Runners
from .saga.children import Children, KindDirectory
from .saga.saga import SagaServices
from .settings import WorkerSettings
from .watchdog import Watchdog

log = structlog.get_logger()

CLEAN_UP_WITHIN_S = 5.0
"""How long handlers may clean up at the most, when the worker leaves; their own `cancel_grace` may be shorter."""

REPORT_OUTCOMES_WITHIN_S = 5.0
"""How long after that the store may take to learn what was handed back."""

DEREGISTER_WITHIN_S = 5.0
"""How long the store may take to let a worker go; what it holds is free after its lease in any case."""

PRESENCE_BEATS = 4
"""Heartbeats missed before a worker is forgotten."""


class Worker:
    """One worker process."""

    def __init__(
        self, settings: WorkerSettings, jobs: Iterable[Job[Any, Any]], listening: socket.socket | None = None
    ) -> None:
        """Prepare.

        Args:
            settings: its settings.
            jobs: the kinds it serves.
            listening: where it serves its metrics; None: nowhere.

        Raises:
            LoadError: no tier of any kind is served.
            SettingsError: traces are wanted, and what they need is not installed.

        """
        self.settings = settings
        self.id = settings.name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._tracing = tracing_of(settings, "tidings-worker", self.id)
        self._jobs = {job.kind: job.exposing(settings.expose_errors) for job in jobs}
        self._listening = listening
        self._meter = WorkerMeter()
        self._keys = StoreKeys()
        self._started_ms = int(time.time() * 1000)
        self._usage = ProcessSampler()
        self._pauses_changed = asyncio.Event()
        self._queues: dict[str, Queue] = {}
        self._served = self._served_queues()
        shares = self.settings.shares
        self._meter.begin(
            (job.kind, tier) for job in self._jobs.values() for tier in job.tiers if not shares or tier in shares
        )

    async def run(self) -> None:
        """Work until a signal asks to stop: then take nothing more, finish or hand back, and leave."""
        async with AsyncExitStack() as stack:
            health = StoreHealth(max_downtime_s=tolerated_downtime_s(self.settings))
            store = open_store(self.settings.store_url, health=health)
            stack.push_async_callback(store.aclose)
            listening = open_store(self.settings.store_url, timeout=None, health=health)
            stack.push_async_callback(listening.aclose)
            registry = Registry(store, self._keys)
            pool = await stack.enter_async_context(ProcessPool(self.settings))
            saga_services = await self._saga_services(stack, store, registry)
            steps = await stack.enter_async_context(BreakerStore(store, self._keys, log_change))
            breakers = WorkerBreakers(steps, self._jobs.values(), self.id, self.settings.lease_s)
            sweepers = []
            for name in self._served:
                work = await stack.enter_async_context(self._work_store(store, name))
                runners = Runners(self.settings.threads, pool)
                jobs = self._served_in(name)
                queue = self._queues[name] = Queue(
                    work, jobs, self.settings, runners, health, saga_services, breakers, self._meter
                )
                queue.pause()  # until it is known that nobody has paused it
                sweepers.append(self._sweeper(work, registry, queue))
            stack.enter_context(self._watchdog())
            async with anyio.create_task_group() as background:
                background.start_soon(RetentionWatch(store).run, name="retention")
                background.start_soon(self._keep_registered, registry, name="presence")
                background.start_soon(self._follow_paused_queues, PausedQueues(store, self._keys), name="pauses")
                background.start_soon(self._follow_commands, listening, store, breakers, name="orders")
                background.start_soon(breakers.run, self.settings.heartbeat_s, name="breakers")
                for one in self._queues.values():
                    background.start_soon(one.beat, name="heartbeat")
                    background.start_soon(one.relay, name="relay")
                for sweeper in sweepers:
                    background.start_soon(sweeper.run, name="sweep")
                if self._listening is not None:
                    listener = MetricsServer(self._listening, ScrapeCache(partial(self._families, health)))
                    background.start_soon(listener.run, name="metrics")
                await self._serve()
                background.cancel_scope.cancel()
            # Outside of that scope, in which nothing can be waited for any more.
            await self._leave(registry)

    def close(self) -> None:
        """Send the spans that have not been sent; to be called when nothing else needs the loop any more."""
        if self._tracing is not None:
            self._tracing.close()

    async def _saga_services(self, stack: AsyncExitStack, store: Store, registry: Registry) -> SagaServices:
        saga = await stack.enter_async_context(SagaStore(store, self._keys))
        settings = self.settings
        gateway = JobStore(store, self._keys, self.id, result_ttl_s=settings.result_ttl_s, chronicle=settings.chronicle)
        children = Children(await stack.enter_async_context(gateway), saga, KindDirectory(self._jobs, registry))
        return SagaServices(saga, children, anyio.CapacityLimiter(self.settings.threads), self.id, self._tracing)

    def _served_queues(self) -> list[str]:
        """Return the queues of which at least one tier is served; say which tiers are not.

        Raises:
            LoadError: no tier of any kind is served.

        """
        shares = self.settings.shares
        tiers = {(job.queue, tier) for job in self._jobs.values() for tier in job.tiers}
        left_out = {place for place in tiers if shares and place[1] not in shares}
        for queue, tier in sorted(left_out):
            log.warning(
                "tier_not_served", queue=queue, tier=tier, help="TIDINGS_TIERS leaves it out: others must serve it"
            )
        served = sorted({queue for queue, tier in tiers - left_out})
        if not served:
            known = ", ".join(sorted({tier for _, tier in tiers}))
            raise LoadError(f"TIDINGS_TIERS names {', '.join(shares)}; the kinds of these modules have: {known}")
        return served

    def _served_in(self, queue: str) -> dict[str, Job[Any, Any]]:
        return {kind: job for kind, job in self._jobs.items() if job.queue == queue}

    def _sweeper(self, work: AttemptStore, registry: Registry, queue: Queue) -> Sweeper:
        return Sweeper(work, registry, queue.tiers, self.settings.sweep_s, self.settings.lease_s)

    def _watchdog(self) -> Watchdog:
        settings = self.settings
        store = BlockingStore(settings.store_url, self._keys, self.id, settings.lease_s / 3)
        return Watchdog(
            store,
            self._queues,
            heartbeat_s=settings.heartbeat_s,
            lease_s=settings.lease_s,
            blocked_s=settings.blocked_s,
        )

    def _work_store(self, store: Store, queue: str) -> AttemptStore:
        return AttemptStore(
            store,
            self._keys,
            queue,
            self.id,
            result_ttl_s=self.settings.result_ttl_s,
            chronicle=self.settings.chronicle,
            max_log_bytes=self.settings.max_log_bytes,
            rules=_rules_of(self._served_in(queue).values()),
        )

    async def _serve(self) -> None:
        async with anyio.create_task_group() as ending:
            # A task for each job: those of asyncio cost a fifth of AnyIO's.
            async with asyncio.TaskGroup() as attempts:
                with anyio.CancelScope() as taking:
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._watch_signals, ending, taking, name="signals")
                        for queue in self._queues.values():
                            tasks.start_soon(queue.serve, attempts, name="queue")
                # `attempts` now waits for what runs; the signal watcher's grace bounds that.
            ending.cancel_scope.cancel()

    async def _watch_signals(self, ending: anyio.abc.TaskGroup, taking: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            fork.claim(signal.SIGTERM, signal.SIGINT)
            async for number in signals:
                running = sum(queue.running for queue in self._queues.values())
                log.info("stopping", signal=signal.Signals(number).name, running=running)
                ending.start_soon(self._give_grace, ending.cancel_scope, name="grace")
                taking.cancel()
                return

    async def _give_grace(self, everything: anyio.CancelScope) -> None:
        """Wait for what runs; a second signal, or the end of the grace, hands it back."""
        with anyio.move_on_after(self.settings.grace_s):
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                fork.claim(signal.SIGTERM, signal.SIGINT)
                async with anyio.create_task_group() as waiting:
                    waiting.start_soon(self._cancel_at, signals, waiting.cancel_scope)
                    await self._until_idle()
                    waiting.cancel_scope.cancel()
        for queue in self._queues.values():
            queue.hand_back(CLEAN_UP_WITHIN_S)
        with anyio.move_on_after(CLEAN_UP_WITHIN_S + REPORT_OUTCOMES_WITHIN_S):
            await self._until_idle()
        everything.cancel()

    @staticmethod
    async def _cancel_at(signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope) -> None:
        async for _ in signals:
            scope.cancel()

    async def _until_idle(self) -> None:
        for queue in self._queues.values():
            await queue.idle()

    async def _families(self, health: StoreHealth) -> list[MetricFamily]:
        running = sum(queue.running for queue in self._queues.values())
        return [
            build_info(),
            store_up(answers=not health.lost),
            gauge("tidings_worker_running_attempts", "Attempts under way on this worker.", running),
            *self._meter.families(),
        ]

    # Presence.

    async def _keep_registered(self, registry: Registry) -> None:
        records = [job.record() for job in self._jobs.values()]
        registered, failures = False, 0
        while True:
            try:
                # First that it lives: a full store takes that, but no kind that is new.
                await registry.heartbeat(self._record(), self.settings.heartbeat_s * PRESENCE_BEATS)
                await registry.register(records)
                if not registered:
                    log.info("serving", worker=self.id, kinds=sorted(self._jobs), queues=sorted(self._queues))
                registered, failures = True, 0
            except StoreError as error:
                failures += 1
                if isinstance(error, ScriptError) and failures == 1:
                    log.warning("store_refused", operation="register", error=str(error))
            await anyio.sleep(store_retry_delay(failures) if failures else self.settings.heartbeat_s)

    def _record(self) -> WorkerRecord:
        used = self._usage.look()
        return WorkerRecord(
            worker=self.id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=tidings.__version__,
            kinds=sorted(self._jobs),
            queues=sorted(self._queues),
            slots=sum(self.settings.shares.values()) or self.settings.slots,
            tiers=self.settings.shares,
            running=sum(queue.running for queue in self._queues.values()),
            since_ms=self._started_ms,
            cpu=used.cpu,
            memory=used.memory,
            jobs=self._running_jobs(),
        )

    def _running_jobs(self) -> list[RunningRecord]:
        """Return what runs, the oldest of each queue; so many that the record stays small."""
        now, clock = time.time(), asyncio.get_running_loop().time()
        running = (one for queue in self._queues.values() for one in itertools.islice(queue.attempts, MAX_SHOWN))
        found = [RunningRecord(one.token, one.kind, int((now - clock + one.began) * 1000)) for one in running]
        return sorted(found, key=lambda one: one.since_ms)[:MAX_SHOWN]

    async def _leave(self, registry: Registry) -> None:
        try:
            with anyio.fail_after(DEREGISTER_WITHIN_S):
                for queue in self._queues.values():
                    await queue.leave()
                await registry.deregister(self.id)
        except (StoreError, TimeoutError) as error:
            log.warning("not_left", worker=self.id, error=str(error), help="the other workers' sweeps see to it")
        else:
            log.info("left", worker=self.id)

    # Pauses.

    async def _follow_paused_queues(self, paused: PausedQueues) -> None:
        """Pause and resume the queues as operators say: when that is announced, and asked each heartbeat."""
        failures = 0
        known: set[str] | None = None
        while True:
            self._pauses_changed.clear()
            try:
                found = await paused.queues() & self._queues.keys()
            except StoreError:
                failures += 1
                await anyio.sleep(store_retry_delay(failures))
                continue
            failures = 0
            for name in sorted(found ^ known if known is not None else found):
                log.info("queue_paused" if name in found else "queue_resumed", queue=name)
            known = found
            for name, queue in self._queues.items():
                if name in found:
                    queue.pause()
                else:
                    queue.resume()
            with anyio.move_on_after(self.settings.heartbeat_s):
                await self._pauses_changed.wait()

    # Orders.

    async def _follow_commands(self, listening: Store, store: Store, breakers: WorkerBreakers) -> None:
        channels: dict[str, tuple[Queue, bool]] = {}
        for name, queue in self._queues.items():
            channels[self._keys.orders(name, self.id)] = (queue, True)
            channels[self._keys.due(name)] = (queue, False)

        def on_message(channel: str, data: bytes) -> None:
            if channel == self._keys.breakers_changed:
                breakers.take_announcement(data)
                return
            if channel == self._keys.paused_changed:
                self._pauses_changed.set()
                return
            queue, is_order = channels[channel]
            if is_order:
                queue.handle_command(data.decode())
            elif data == b"0":
                queue.wake_relay()
            else:
                queue.wake_schedule()

        def on_open() -> None:
            for queue in self._queues.values():
                queue.wake_schedule()  # something may have become due unheard
                queue.wake_relay()
            breakers.reopened()
            self._pauses_changed.set()

        subscription = Subscription(listening, store, self._keys.probe(self.id), on_message, on_open)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(subscription.run)
            for channel in (*channels, self._keys.breakers_changed, self._keys.paused_changed):
                await subscription.keep(channel)


def _rules_of(jobs: Iterable[Job[Any, Any]]) -> StartRules:
    jobs = list(jobs)
    policies = {job.kind: job.policy for job in jobs}
    return StartRules(
        needs={job.kind: job.mode for job in jobs if job.mode != "async"},
        limits={kind: policy.limit for kind, policy in policies.items() if policy.limit is not None},
        rates={
            kind: (policy.rate_per * 1000 / policy.rate, max(1, int(policy.rate)))
            for kind, policy in policies.items()
            if policy.rate is not None
        },
    )
