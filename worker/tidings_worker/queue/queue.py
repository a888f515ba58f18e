"""One queue as a worker serves it: consumer, leases, promoter, breakers and recurring jobs, held together."""

import asyncio
from collections.abc import Iterable
from typing import Any

import anyio
import structlog

from tidings.declare.job import Job
from tidings.protocol.tokens import queue_of
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.availability.store_health import StoreHealth
from tidings.store.placement.upkeep_choice import upkeep_place
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.circuit.worker_breakers import WorkerBreakers
from tidings_worker.metrics.worker_meter import WorkerMeter
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.executor_places import ExecutorPlaces
from tidings_worker.runner.runner import Runners
from tidings_worker.saga.saga import SagaServices
from tidings_worker.settings import WorkerSettings

from .consumer import Consumer
from .job_starter import JobStarter
from .lease_grace import LeaseGrace
from .leases import Leases
from .promoter import Promoter
from .queue_capacity import Capacity
from .recurring import Recurring
from .served_streams import served_tiers, slots_of, stream_groups_of
from .store_caller import StoreCaller
from .unserved_jobs import UnservedJobs, served_lines
from .upkeep_duty import UpkeepDuty

log = structlog.get_logger()


class Queue:
    """The work of one worker in one queue."""

    def __init__(
        self,
        store: AttemptStore,
        jobs: dict[str, Job[Any, Any]],
        settings: WorkerSettings,
        runners: Runners,
        health: StoreHealth,
        saga_services: SagaServices,
        breakers: WorkerBreakers,
        meter: WorkerMeter,
    ) -> None:
        """Prepare.

        Args:
            store: the queue's partition.
            jobs: the kinds served in it.
            settings: slots, lease and the like.
            runners: run the handlers.
            health: what this process knows of how the store is.
            saga_services: what sagas need.
            breakers: what the worker knows of the breakers.
            meter: counts what becomes of the jobs.

        """
        self._store = store
        self._made_with = (jobs, settings, runners, health, saga_services, breakers, meter)
        self.tiers = served_tiers(jobs.values(), settings.shares)
        """The tiers of the queue that this worker serves; those that own slots: the fastest first."""
        self._groups = stream_groups_of(jobs.values(), self.tiers, shared=bool(settings.shares))
        streams = [stream for group in self._groups for stream in group.streams]
        lease_grace = LeaseGrace(health, settings, store.root)
        self._caller = caller = StoreCaller(store, streams, lease_grace)
        self._capacity = capacity = Capacity(slots_of(settings, self.tiers), _places_of(jobs.values(), runners))
        self._breakers = QueueBreakers(store, breakers, caller.ask)
        self._starter = starter = JobStarter(
            caller, jobs, settings, runners, saga_services, self._breakers, meter, capacity
        )
        self._unpaused = asyncio.Event()
        self._unpaused.set()
        lines = served_lines(jobs.values(), self._groups, takes_held=settings.saga_diverged == "hold")
        self._unserved = UnservedJobs(caller, lines, capacity, starter, self._unpaused, settings.heartbeat_s)
        self._consumer = Consumer(caller, settings, capacity, starter, self._unpaused, self._unserved)
        self._leases = Leases(caller, settings, capacity, starter, self._unpaused, lease_grace)
        self._promoter = Promoter(caller)
        # What recurs has one home: with a schedule in each partition it would run that often.
        recurring = jobs.values() if queue_of(store.partition) == store.partition else ()
        self._recurring = Recurring(store, recurring, caller.ask)

    def beside(self, store: AttemptStore) -> "Queue":
        """Return another partition of the queue, which takes from the same slots.

        Args:
            store: the partition, made with the same rules; its calls run in the tasks of this one's.

        """
        store.work_within(self._store)
        other = Queue(store, *self._made_with)
        other._capacity.share(self._capacity)
        return other

    @property
    def duty(self) -> UpkeepDuty:
        """Whether this worker keeps up the partition at full pace."""
        return self._caller.duty

    @property
    def place(self) -> str:
        """What it shares the upkeep of with other workers."""
        return upkeep_place(self._store.partition, self.tiers)

    @property
    def running(self) -> int:
        """How many attempts are under way."""
        return len(self._starter.running)

    @property
    def attempts(self) -> Iterable[Attempt]:
        """Those attempts, in the order in which they began."""
        return self._starter.running.values()

    # What the worker runs.

    async def serve(self, attempts: asyncio.TaskGroup) -> None:
        """Serve until cancelled; the attempts run in `attempts`, which outlives this."""
        await self._caller.join()
        async with anyio.create_task_group() as tasks:
            for group in self._groups:
                tasks.start_soon(
                    self._consumer.take, self._groups, group, attempts, name=f"take {' '.join(group.streams)}"
                )
            for tier in self.tiers:
                tasks.start_soon(self._leases.take_over, tier, attempts, name=f"take over {tier}")
            tasks.start_soon(self._unserved.run, attempts, name="take unserved")
            tasks.start_soon(self._promoter.run, name="promote")
            tasks.start_soon(self._breakers.run, name="breakers")
            tasks.start_soon(self._recurring.run, name="recurring")

    async def beat(self) -> None:
        """Renew the leases of what runs, until cancelled; outlives `serve`, as the attempts do."""
        await self._leases.beat()

    async def relay(self) -> None:
        """Tell sagas how their children here have ended, until cancelled; outlives `serve`, as the attempts do."""
        await self._starter.child_events.run()

    async def leave(self) -> None:
        """Leave the consumer group: other workers may at once take what was taken here and not started."""
        left = await self._store.leave(self.tiers)
        if left:
            log.info("entries_left", queue=self._store.partition, entries=left)

    async def idle(self) -> None:
        """Return when no attempt is under way."""
        while self._starter.running:
            self._capacity.freed.clear()
            await self._capacity.freed.wait()

    # What the store announces and operators ask.

    def handle_command(self, command: str) -> None:
        """Stop a job, by its id, for a client or an operator; or (`+` before the id) have it see what has woken it."""
        attempt = self._starter.running.get(command.removeprefix("+"))
        if attempt is None:
            return
        if command.startswith("+"):
            attempt.woken()
        else:
            attempt.stop(StopReason.CANCEL)

    def hand_back(self, grace: float) -> None:
        """Stop everything that runs and give it back, after at most `grace` seconds for cleaning up."""
        for attempt in list(self._starter.running.values()):
            attempt.hand_back(grace)

    def wake_schedule(self) -> None:
        """Look at the schedule now, if this worker is on duty."""
        self._promoter.wake()

    def announce_unserved(self, lines: str) -> None:
        """Take note of lines of jobs that wait for a worker that serves them (`lua/lib/waiting/unserved.lua`)."""
        self._unserved.announce(lines)

    def wake_unserved(self) -> None:
        """Look now for jobs that wait for this worker."""
        self._unserved.wake()

    def announce_children(self) -> None:
        """Look into the outbox now, if this worker is on duty."""
        self._starter.child_events.announce_children()

    def announce_lost(self, tier: str) -> None:
        """Take over jobs of a tier as soon as there is room: the workers on duty have found more than they can take."""
        self._leases.announce_lost(tier)

    def pause(self) -> None:
        """Take nothing more, until `resume`; what runs goes on."""
        if self._unpaused.is_set():
            self._unpaused.clear()
            self._store.interrupt()  # a read that waits would still take the next job

    def resume(self) -> None:
        """Take again."""
        self._unpaused.set()


def _places_of(jobs: Iterable[Job[Any, Any]], runners: Runners) -> dict[str, ExecutorPlaces]:
    """Return the places of threads and processes that kinds need."""
    needs: list[str] = sorted({job.mode for job in jobs if job.mode != "async"})
    return {need: runners.places_of(need) for need in needs}
