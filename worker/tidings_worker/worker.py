"""A worker: everything one process does, from its registration to its leaving."""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

import anyio

from tidings.consumer.event_handler import EventHandler
from tidings.declare.job import Job
from tidings.metrics.metric_family import MetricFamily, build_info, gauge, store_up
from tidings.metrics.metrics_server import MetricsServer
from tidings.metrics.scrape_cache import ScrapeCache
from tidings.resources.lifespan import Lifespan
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.keys import StoreKeys
from tidings.store.retention import RetentionWatch
from tidings.tracing.tracing_setup import tracing_of

from .build import WorkerIdentity, WorkerParts, build
from .commands import CommandFollower, PauseFollower
from .consumers.event_meter import EventMeter
from .metrics.worker_meter import WorkerMeter
from .partition_service import PartitionService
from .presence import Presence
from .queue.queue import Queue
from .runner.running_lifespans import LifespanError, RunningLifespans, States
from .settings import WorkerSettings
from .shutdown import Shutdown, unless_signalled
from .timing import REAL_TIMING, Timing
from .webhook.webhook_meter import WebhookMeter
from .webhook.webhook_worker import webhook_service_of


class Worker:
    """One worker process."""

    def __init__(
        self,
        settings: WorkerSettings,
        jobs: Iterable[Job[Any, Any]],
        listening: socket.socket | None = None,
        lifespans: Sequence[Lifespan[Any]] = (),
        timing: Timing = REAL_TIMING,
        handlers: Sequence[EventHandler] = (),
    ) -> None:
        """Prepare.

        Args:
            settings: its settings.
            jobs: the kinds it serves.
            listening: where it serves its metrics; None: nowhere.
            lifespans: in the order in which it enters them.
            timing: its clock, and how long the store may take.
            handlers: of events.

        Raises:
            LoadError: no tier of any kind is served.
            SettingsError: the settings ask for traces, and what they need is not installed.

        """
        self.settings = settings
        self.id: str = settings.name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._tracing = tracing_of(settings, "tidings-worker", self.id)
        served = {job.kind: job.exposing(settings.expose_errors) for job in jobs}
        self._identity = WorkerIdentity(self.id, settings, served, StoreKeys(settings.key_prefix), timing, handlers)
        self._served = self._identity.served_queues()
        self._listening = listening
        self._lifespans = lifespans
        self._broken: asyncio.Event | None = None
        """Set when a lifespan has failed while this worker serves; None: it has none."""
        self._meter = WorkerMeter()
        self._webhook_meter: WebhookMeter | None = None
        self._event_meter = EventMeter()
        shares = settings.shares
        self._meter.begin(
            (job.kind, tier) for job in served.values() for tier in job.tiers if not shares or tier in shares
        )

    async def run(self) -> None:
        """Work until a signal asks to stop: then take nothing more, finish or hand back, and leave.

        Raises:
            LifespanError: a lifespan could not be entered, or failed while the worker served.

        """
        if not self._lifespans:
            await self._serve(self._identity)
            return
        settings = self.settings
        running = RunningLifespans(
            self._lifespans, enter_s=settings.lifespan_enter_s, leave_s=settings.lifespan_leave_s
        )
        self._broken = running.broken
        try:
            states = await self._until_stopped(running.enter)
            if states is not None:
                await self._serve(self._identity.under(states))
        finally:
            with anyio.CancelScope(shield=True):
                await running.leave()
        if running.broken.is_set():
            raise LifespanError("a lifespan failed while this worker served; `lifespan_failed` in the log says which")

    async def _serve(self, identity: WorkerIdentity) -> None:
        async with build(identity, self._served, self._meter, self._event_meter, self._tracing) as parts:
            webhooks = webhook_service_of(self.settings, self.id, parts.store, parts.subscriber)
            load = None if webhooks is None else webhooks.load
            paused = PausedQueues(parts.store, identity.keys)
            pauses = PauseFollower(paused, parts.queues, self.settings.heartbeat_s)
            commands = CommandFollower(identity, parts, pauses)
            further = PartitionService(parts, pauses, commands)
            presence = Presence(identity, parts.queues, parts.registry, parts.following, load, further.take)
            async with anyio.create_task_group() as background:
                self._start_background(background, parts, presence)
                background.start_soon(pauses.run, name="pauses")
                background.start_soon(commands.run, name="commands")
                background.start_soon(further.keep, name="partitions")
                if webhooks is not None:
                    self._webhook_meter = webhooks.meter
                    background.start_soon(webhooks.run, name="webhooks")
                shutdown = self._shutdown_of(parts.queues.values())
                shutdown.groups = (further,) if parts.groups is None else (further, parts.groups)
                await shutdown.serve()
                if webhooks is not None:
                    await webhooks.leave()
                background.cancel_scope.cancel()
            # Outside of that scope: inside it every wait is cancelled.
            await presence.leave()

    def close(self) -> None:
        """Send the spans that have not been sent; to be called when nothing else needs the loop any more."""
        if self._tracing is not None:
            self._tracing.close()

    def _shutdown_of(self, queues: Collection[Queue]) -> Shutdown:
        """Return what serves the queues until the worker stops; tests replace it to stop without a signal."""
        return Shutdown(queues, self.settings.grace_s, self._broken)

    async def _until_stopped(self, enter: Callable[[], Awaitable[States]]) -> States | None:
        """Enter the lifespans; None: a signal came first. Tests replace it to wait for no signal."""
        return await unless_signalled(enter)

    def _start_background(self, background: anyio.abc.TaskGroup, parts: WorkerParts, presence: Presence) -> None:
        """Start what goes on until the last attempt has ended."""
        heartbeat_s = self.settings.heartbeat_s
        for client in (parts.store, parts.subscriber):
            background.start_soon(client.follow_nodes, name="primary")
        background.start_soon(RetentionWatch(parts.store).run, name="retention")
        background.start_soon(presence.run, name="presence")
        background.start_soon(parts.breakers.run, heartbeat_s, name="breakers")
        for queue in parts.queues.values():
            background.start_soon(queue.beat, name="heartbeat")
            background.start_soon(queue.relay, name="relay")
        if parts.groups is not None:
            background.start_soon(parts.groups.keep, name="groups")
        for sweeper in parts.sweepers:
            background.start_soon(sweeper.run, name="sweep")
        if self._listening is not None:
            server = MetricsServer(self._listening, ScrapeCache(partial(self._families, parts)))
            background.start_soon(server.run, name="metrics")

    async def _families(self, parts: WorkerParts) -> list[MetricFamily]:
        running = sum(queue.running for queue in parts.queues.values())
        return [
            build_info(),
            store_up(answers=not parts.health.lost),
            gauge("tidings_worker_running_attempts", "Attempts under way on this worker.", running),
            *self._meter.families(),
            *(self._webhook_meter.families() if self._webhook_meter else ()),
            *(self._event_meter.families() if self._identity.handlers else ()),
        ]
