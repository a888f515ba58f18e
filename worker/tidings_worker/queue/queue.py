"""One queue as a worker serves it: take, start, run; renew leases, take over, promote what is due."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import anyio
import msgspec
import structlog

from tidings.job import Job
from tidings.logging.log_limit import LogLimiter
from tidings.protocol.envelope import Envelope, decode_envelope
from tidings.protocol.tokens import Token
from tidings.protocol.trace_context import trace_id_of
from tidings.store.answers import LeaseAnswer, StartAnswer
from tidings.store.attempt_store import AttemptStore, ReadyEntry, Started
from tidings.store.availability.retry_delay import LONGEST_S, store_retry_delay
from tidings.store.availability.store_errors import ScriptError, StoreError
from tidings.store.availability.store_health import StoreHealth
from tidings_worker import outcomes
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.attempt.reporter import Reporter
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.circuit.worker_breakers import WorkerBreakers
from tidings_worker.metrics.worker_meter import WorkerMeter
from tidings_worker.runner.runner import Runners
from tidings_worker.saga.saga import SagaServices
from tidings_worker.settings import WorkerSettings
from tidings_worker.stop_reason import StopReason

from .child_events import ChildEventRelay
from .lease_grace import LeaseGrace
from .queue_capacity import NEEDS, Capacity, Reserved, StreamGroup
from .recurring import Recurring
from .served_streams import served_tiers, slots_of, stream_groups_of

log = structlog.get_logger()
_limited = LogLimiter(log)

SERVED_ELSEWHERE_RETRY_S = (0.05, 1.0)
"""After which time a job is offered again that this worker does not serve and another does."""

UNSERVED_RETRY_S = 5.0
"""The same where no worker serves it."""

TAKE_WAIT_MS = 5_000
"""How long one XREADGROUP waits; below the connection's time limit."""

IN_HAND_S = 1.0
"""How long what lay apart may be in the hand of a worker that has no place for it, before it asks again whether others
wait behind it: if none do, it is at the disposal of other workers."""

PROMOTE_LONGEST_S = 5.0
"""The schedule is looked at this often even if nobody says that something is due."""


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
            breakers: what it knows of the breakers.
            meter: counts what becomes of the jobs.

        """
        self._meter = meter
        self._store = store
        self._jobs = jobs
        self._settings = settings
        self._lease_grace = LeaseGrace(health, settings)
        self.tiers = served_tiers(jobs.values(), settings.shares)
        """The tiers of the queue that are served; those that own slots: the fastest first."""
        needs = sorted({job.mode for job in jobs.values() if job.mode != "async"})
        self._capacity = Capacity(slots_of(settings, self.tiers), {need: runners.places_of(need) for need in needs})
        self._stream_groups = stream_groups_of(jobs.values(), self.tiers, shared=bool(settings.shares))
        self._running: dict[str, Attempt] = {}
        self._due = asyncio.Event()
        self._runners = runners
        self._unserved_kinds: set[str] = set()
        self._saga_services = saga_services
        self._child_events = ChildEventRelay(saga_services.store, store.partition)
        self._breakers = QueueBreakers(store, breakers, self._until_answered)
        self._open = asyncio.Event()
        self._open.set()

    @property
    def _streams(self) -> list[str]:
        return [stream for group in self._stream_groups for stream in group.streams]

    @property
    def running(self) -> int:
        """How many attempts are under way."""
        return len(self._running)

    @property
    def attempts(self) -> Iterable[Attempt]:
        """Those attempts, in the order in which they began."""
        return self._running.values()

    async def serve(self, attempts: asyncio.TaskGroup) -> None:
        """Serve until cancelled; the attempts run in `attempts`, which outlives this."""
        await self._until_answered(self._store.join, self._streams)
        async with anyio.create_task_group() as tasks:
            for group in self._stream_groups:
                # One pool of slots, and no need of anything else: nobody else counts on what is read here.
                alone = len(self._stream_groups) == 1 and not self._settings.shares
                take = self._take if alone else self._take_shared
                tasks.start_soon(take, group, attempts, name=f"take {' '.join(group.streams)}")
            for tier in self.tiers:
                tasks.start_soon(self._take_over, tier, attempts, name=f"take over {tier}")
            tasks.start_soon(self._promote, name="promote")
            tasks.start_soon(self._breakers.run, name="gate")
            tasks.start_soon(Recurring(self._store, self._jobs.values(), self._until_answered).run, name="recurring")

    async def beat(self) -> None:
        """Renew the leases of what runs, until cancelled; outlives `serve`, as the attempts do."""
        while True:
            await anyio.sleep(self._settings.heartbeat_s)
            attempts = list(self._running.values())
            if attempts:
                beats = [attempt.beat for attempt in attempts]
                # Soon after the store is back: until then these leases look as if nobody lived.
                longest_s = min(LONGEST_S, self._settings.heartbeat_s / 2)
                answers = await self._until_answered(self._store.beat, beats, longest_s=longest_s)
                for attempt, answer in zip(attempts, answers, strict=True):
                    if answer != "ok":
                        attempt.stop(StopReason(answer))

    async def relay(self) -> None:
        """Tell sagas how their children here have ended, until cancelled; outlives `serve`, as the attempts do."""
        await self._child_events.run()

    async def leave(self) -> None:
        """Leave the consumer group; what was taken but not started is free for others at once."""
        left = await self._store.leave(self.tiers)
        if left:
            log.info("entries_left", queue=self._store.partition, entries=left)

    async def idle(self) -> None:
        """Return when no attempt is under way."""
        while self._running:
            self._capacity.freed.clear()
            await self._capacity.freed.wait()

    def handle_command(self, order: str) -> None:
        """Stop a job that somebody wants stopped; or (`+` before it) have it see what has woken it."""
        attempt = self._running.get(order.removeprefix("+"))
        if attempt is None:
            return
        if order.startswith("+"):
            attempt.woken()
        else:
            attempt.stop(StopReason.CANCEL)

    def hand_back(self, grace: float) -> None:
        """Stop everything that runs and give it back, after at most `grace` seconds for cleaning up."""
        for attempt in list(self._running.values()):
            attempt.hand_back(grace)

    def wake_schedule(self) -> None:
        """Look at the schedule now."""
        self._due.set()

    def pause(self) -> None:
        """Take nothing more, until `resume`; what runs goes on."""
        if self._open.is_set():
            self._open.clear()
            self._store.interrupt()

    def resume(self) -> None:
        """Take again."""
        self._open.set()

    @property
    def paused(self) -> bool:
        """Whether nothing is taken."""
        return not self._open.is_set()

    def wake_relay(self) -> None:
        """Look into the outbox now."""
        self._child_events.wake_relay()

    # Taking.

    async def _take(self, group: StreamGroup, attempts: asyncio.TaskGroup) -> None:
        """Take from the only group."""
        while True:
            free = await self._capacity.room_of(group)
            most = max(1, free // len(group.streams))
            entries = await self._until_answered(self._ask, group.streams, most, TAKE_WAIT_MS)
            if entries:
                await self._start(entries, attempts, self._capacity.reserve(entries, free), group)

    async def _take_shared(self, group: StreamGroup, attempts: asyncio.TaskGroup) -> None:
        """Take from one group of several, which count on slots of each other's.

        What lies there is asked for with all the room reserved, so that no other group counts on the same slot. While
        nothing lies there nothing is reserved: the first that comes is taken in any case.
        """
        while True:
            await self._open.wait()
            room = await self._capacity.room_of(group)
            reserved = self._capacity.reserve_all(group.tier, room)
            places = self._capacity.reserve_places(room, group) if group.apart else None
            entries = await self._until_answered(self._ask_once, group.streams, max(1, room // len(group.streams)))
            self._capacity.give_up(reserved)  # what was taken is counted by its own tier; nothing runs in between
            self._capacity.took(group, entries)
            if not entries:
                if places is not None:
                    self._capacity.give_back(places)
                    places = None
                entries = await self._until_answered(self._ask, group.streams, 1, TAKE_WAIT_MS)
            while entries:
                reserved = self._capacity.reserve(entries, room)
                entries = await self._start(entries, attempts, reserved, group, places)
                if entries:  # in this worker's hand, and queued all the same
                    places = await self._capacity.place_or(group, min(IN_HAND_S, self._settings.lease_s / 4))

    async def _ask_once(self, streams: list[str], most: int) -> list[ReadyEntry]:
        """Take what is there, unless the queue is paused: nothing is waited for while slots are reserved."""
        return await self._store.take(streams, most, 0) if self._open.is_set() else []

    async def _ask(self, tiers: list[str], most: int, wait_ms: int) -> list[ReadyEntry]:
        """Take, unless the queue is paused."""
        if not self._open.is_set():
            await self._open.wait()
        return await self._store.take(tiers, most, wait_ms)

    async def _take_over(self, tier: str, attempts: asyncio.TaskGroup) -> None:
        idle_ms = int(self._settings.lease_s * 1000)
        unread = [need for need in NEEDS if f"{tier}/{need}" not in self._streams]
        while True:
            await self._open.wait()
            room = await self._capacity.room(tier)
            if not self._lease_grace.holds():
                entries = await self._until_answered(self._store.take_over, tier, idle_ms, room, unread)
                # The store may have been silent until this very call. What it gave is then not started:
                # the claim made its idle time begin anew, and its worker's next beat claims it back.
                if entries and not self._lease_grace.holds():
                    log.info("taken_over", queue=self._store.partition, tier=tier, entries=len(entries))
                    await self._start(entries, attempts, self._capacity.reserve(entries, room))
            await anyio.sleep(self._settings.heartbeat_s)

    async def _start(
        self,
        entries: list[ReadyEntry],
        attempts: asyncio.TaskGroup,
        reserved: Reserved,
        group: StreamGroup | None = None,
        places: dict[str, int] | None = None,
    ) -> list[ReadyEntry]:
        """Start what was taken, in slots that were reserved: one for each entry at least; return what is to be held.

        Args:
            entries: what was taken.
            attempts: where the attempts run.
            reserved: the slots.
            group: where it was read; None: another worker had taken it before, and is lost.
            places: those that were reserved for it; None: what is free now is taken.

        """
        spare = dict(reserved)
        for entry in entries:
            spare[entry.tier] -= 1
        again = group is None
        if places is None:
            places = self._capacity.reserve_places(sum(reserved.values()), group)
        hold = group is not None and group.apart
        call = self._store.new_call()
        try:
            answers: list[Started] = await self._until_answered(
                self._store.start, entries, call, spare, places, hold=hold, give_up=again
            )
        except ScriptError:
            # Others' heartbeats may have been refused as this was. Their claims stand, and reach the store before ours
            # run out again.
            self._capacity.give_up(reserved)
            self._capacity.give_back(places)
            return []
        self._capacity.saw_apart(self._store.apart)
        drawn = [answer.drawn for answer in answers if answer.drawn is not None]
        for entry, started in zip([*entries, *drawn], answers, strict=True):
            if started.go is StartAnswer.RUN and (attempt := self._begin(entry, started, attempts)) is not None:
                reserved[entry.tier] -= 1
                if attempt.mode in places:
                    places[attempt.mode] -= 1
                if again and started.drawn is None:
                    self._meter.redelivered(attempt.kind, entry.tier)
        self._capacity.give_up(reserved)
        self._capacity.give_back(places)
        return [entry for entry, started in zip(entries, answers, strict=False) if started.go is StartAnswer.WAIT]

    def _begin(self, entry: ReadyEntry, started: Started, attempts: asyncio.TaskGroup) -> Attempt | None:
        """Have an attempt run, and return it; None: nothing runs."""
        try:
            envelope = decode_envelope(entry.envelope)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._end_unreadable(entry, started, error, attempts)
            return None
        job = self._jobs.get(envelope.kind)
        if job is None:
            self._refuse(entry, started, envelope, attempts)
            return None
        attempt = Attempt(
            self._store, self._settings, job, entry, envelope, started, self._breakers, self._saga_services
        )
        self._running[entry.id] = attempt
        self._meter.began(attempt.kind, entry.tier, started.waited_ms, attempt.traceparent)
        attempts.create_task(self._run(entry, attempt, started), name=f"job {attempt.token}")
        return attempt

    async def _run(self, entry: ReadyEntry, attempt: Attempt, started: Started) -> None:
        try:
            try:
                await attempt.run(self._runners)
                if attempt.outcome_label:
                    run_ms, total_ms = attempt.ended_ms - started.started_ms, attempt.ended_ms - started.submitted_ms
                    where = (attempt.kind, entry.tier, attempt.outcome_label)
                    self._meter.ended(where, run_ms, total_ms, attempt.traceparent)
            except Exception:
                # A fault of ours; whoever takes the job over when the lease ends tries again.
                log.exception("attempt_broke")
            finally:
                if self._running.get(entry.id) is attempt:
                    del self._running[entry.id]
                self._capacity.freed.set()
            if attempt.handler_runs:
                # Abandoned, it keeps its slot until it ends: so there are never more of them than slots.
                await attempt.handler_ended()
        finally:
            if attempt.has_parent:
                self._child_events.wake_relay()
            if attempt.mode != "async":
                self._capacity.give_back({attempt.mode: 1})
            self._capacity.end(entry.tier)

    def _end_unreadable(
        self, entry: ReadyEntry, started: Started, error: Exception, attempts: asyncio.TaskGroup
    ) -> None:
        """End a job whose entry nothing of ours has written; other jobs must not suffer from it."""
        queue = self._store.partition
        _limited.error("entry_not_understood", cause=queue, queue=queue, job=entry.id, error=str(error))
        reporter = Reporter(self._store, entry.id, started.fence, self._settings.progress_per_s, lambda _: None)
        attempts.create_task(reporter.end(outcomes.failed(outcomes.unreadable_record())), name="end unreadable")

    def _refuse(self, entry: ReadyEntry, started: Started, envelope: Envelope, attempts: asyncio.TaskGroup) -> None:
        kind = envelope.kind
        if kind not in self._unserved_kinds:
            self._unserved_kinds.add(kind)
            log.warning(
                "kind_not_served",
                kind=kind,
                queue=self._store.partition,
                token=(token := str(Token(self._store.partition, entry.id))),
                attempt=started.attempt,
                correlation_id=envelope.correlation_id or token,
                trace_id=trace_id_of(envelope.traceparent) or None,
                help="all workers of one queue must serve the same kinds: give this kind a queue of its own",
            )
        reporter = Reporter(self._store, entry.id, started.fence, self._settings.progress_per_s, lambda _: None)
        attempts.create_task(self._hand_on(reporter, kind), name=f"refuse {kind}")

    async def _hand_on(self, reporter: Reporter, kind: str) -> None:
        """Leave a job to the workers that serve its kind.

        Where there are some it is offered again soon, at a time by chance: at a fixed one the same worker would be
        the first to ask each time.
        """
        after = UNSERVED_RETRY_S
        if await self._saga_services.children.kinds.is_served(kind):
            after = random.uniform(*SERVED_ELSEWHERE_RETRY_S)  # noqa: S311
        await reporter.end(outcomes.not_served(kind, after))

    # The schedule.

    async def _promote(self) -> None:
        while True:
            self._due.clear()
            moved, wait_ms = await self._until_answered(self._store.promote)
            if moved:
                continue
            wait = PROMOTE_LONGEST_S if wait_ms < 0 else min(wait_ms / 1000, PROMOTE_LONGEST_S)
            with anyio.move_on_after(max(wait, 0.001)):
                await self._due.wait()

    async def _until_answered(
        self, operation: Any, *args: Any, longest_s: float = LONGEST_S, give_up: bool = False, **options: Any
    ) -> Any:
        """Ask the store until it answers. That it is lost, and back, is logged by the health.

        Args:
            operation: what to ask.
            args: its arguments.
            longest_s: the longest pause between two tries, s.
            give_up: whether what the store refuses is not tried again.
            options: more arguments.

        Raises:
            ScriptError: the store refused, and it is not to be tried again.

        """
        failures = 0
        while True:
            try:
                answer = await operation(*args, **options)
            except StoreError as error:
                failures += 1
                self._lease_grace.refused(operation.__name__)
                if isinstance(error, ScriptError):
                    await self._refused(operation.__name__, error, failures)
                    if give_up:
                        raise
                await anyio.sleep(store_retry_delay(failures, longest_s))
            else:
                if failures:
                    self._lease_grace.taken(operation.__name__)
                return answer

    async def _refused(self, operation: str, error: ScriptError, failures: int) -> None:
        """Say once that the store refuses something, and see that the consumer group is there.

        A store that lost its data has forgotten the group.
        """
        if failures == 1:
            log.warning("store_refused", operation=operation, queue=self._store.partition, error=str(error))
        try:
            await self._store.join(self._streams)
        except StoreError:
            return  # the next try tells
