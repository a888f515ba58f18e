"""The start of the jobs that a worker took from a queue, and the attempts that run."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from tidings.declare.job import Job
from tidings.logging.log_limit import LogLimiter
from tidings.protocol.frames.envelope import Envelope, decode_envelope
from tidings.store.answers import StartAnswer
from tidings.store.attempts.attempt_store import ReadyEntry, Started, Unserved
from tidings.store.availability.store_errors import ScriptError
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.attempt.reporter import Reporter
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.metrics.worker_meter import WorkerMeter
from tidings_worker.outcome import outcomes
from tidings_worker.runner.runner import Runners
from tidings_worker.saga.saga import SagaServices
from tidings_worker.settings import WorkerSettings

from .child_events import ChildEventRelay
from .queue_capacity import Capacity, Reserved, StreamGroup
from .store_caller import StoreCaller

log = structlog.get_logger()
_limited = LogLimiter(log)

MOST_LOGGED = 1_000
"""Kinds and versions of which the log says that this worker does not serve them; the store may hold any number."""


class JobStarter:
    """Starts the jobs of one queue, and keeps the attempts that run."""

    def __init__(
        self,
        caller: StoreCaller,
        jobs: Mapping[str, Job[Any, Any]],
        settings: WorkerSettings,
        runners: Runners,
        saga_services: SagaServices,
        breakers: QueueBreakers,
        meter: WorkerMeter,
        capacity: Capacity,
    ) -> None:
        """Prepare.

        Args:
            caller: calls the store.
            jobs: the kinds served in it.
            settings: limits of handlers, and the like.
            runners: run the handlers.
            saga_services: what sagas need.
            breakers: those of the queue.
            meter: counts what becomes of the jobs.
            capacity: the slots and places of the queue.

        """
        self._caller = caller
        self._store = store = caller.store
        self._jobs = jobs
        self._settings = settings
        self._runners = runners
        self._saga_services = saga_services
        self._breakers = breakers
        self._meter = meter
        self._capacity = capacity
        self._logged: set[Unserved] = set()
        """The kinds of which the log has said that this worker does not serve them."""
        self.child_events = ChildEventRelay(saga_services.store, store.partition, caller.duty)
        """Tells sagas how their children here have ended."""
        self.running: dict[str, Attempt] = {}
        """The attempts that run, by the ids of their jobs, in the order in which they began."""

    async def start(
        self,
        entries: list[ReadyEntry],
        attempts: asyncio.TaskGroup,
        reserved: Reserved,
        group: StreamGroup | None = None,
        places: dict[str, int] | None = None,
    ) -> list[ReadyEntry]:
        """Start what was taken, in reserved slots: one for each entry at least; return what stays in hand.

        Args:
            entries: what was taken.
            attempts: where the attempts run.
            reserved: the slots.
            group: where it was read; None: another worker had taken it before, and is lost.
            places: those that were reserved for it; None: what is free now is taken.

        """
        # A lane may give more jobs than there are entries: slots beyond one for each entry are for those.
        spare = dict(reserved)
        for entry in entries:
            spare[entry.tier] -= 1
        again = group is None
        if places is None:
            places = self._capacity.reserve_places(sum(reserved.values()), group)
        hold = group is not None and group.apart
        call = self._store.new_call()
        envelopes = [_decode(entry) for entry in entries]
        unserved = {
            index: self._unserved(envelope)
            for index, envelope in enumerate(envelopes)
            if envelope is not None and not self._has_version(envelope)
        }
        try:
            answers: list[Started] = await self._caller.ask(
                self._store.start, entries, call, spare, places, unserved, hold=hold, give_up=again
            )
        except ScriptError:
            # The store may have refused the heartbeats of other workers too. Their claims stand, and reach the store
            # before ours run out again.
            self._capacity.give_up(reserved)
            self._capacity.give_back(places)
            return []
        self._capacity.saw_apart(self._store.apart)
        drawn = [answer.drawn for answer in answers if answer.drawn is not None]
        if drawn:
            envelopes += map(_decode, drawn)
        for entry, envelope, started in zip([*entries, *drawn], envelopes, answers, strict=True):
            if (
                started.go is StartAnswer.RUN
                and (attempt := self._begin(entry, envelope, started, attempts)) is not None
            ):
                reserved[entry.tier] -= 1
                if attempt.mode in places:
                    places[attempt.mode] -= 1
                if again and started.drawn is None:
                    self._meter.redelivered(attempt.kind, entry.tier)
        # What no attempt has taken goes back.
        self._capacity.give_up(reserved)
        self._capacity.give_back(places)
        return [entry for entry, started in zip(entries, answers, strict=False) if started.go is StartAnswer.WAIT]

    def _begin(
        self, entry: ReadyEntry, envelope: Envelope | None, started: Started, attempts: asyncio.TaskGroup
    ) -> Attempt | None:
        """Have an attempt run, and return it; None: this worker cannot run the job."""
        if envelope is None:
            self._end_unreadable(entry, started, attempts)
            return None
        job = self._job_of(envelope)
        if job is None:
            self._hand_on(entry, started, envelope, attempts)
            return None
        attempt = Attempt(
            self._store, self._settings, job, entry, envelope, started, self._breakers, self._saga_services
        )
        self.running[entry.id] = attempt
        self._meter.began(attempt.kind, entry.tier, started.waited_ms, attempt.traceparent)
        attempts.create_task(self._run(entry, attempt, started), name=f"job {attempt.token}")
        return attempt

    async def _run(self, entry: ReadyEntry, attempt: Attempt, started: Started) -> None:
        """Run an attempt, and give back its slot and its place when its handler has ended."""
        try:
            try:
                await attempt.run(self._runners)
                if attempt.outcome_label:
                    run_ms, total_ms = attempt.ended_ms - started.started_ms, attempt.ended_ms - started.submitted_ms
                    where = (attempt.kind, entry.tier, attempt.outcome_label)
                    self._meter.ended(where, run_ms, total_ms, attempt.traceparent)
            except Exception:
                # A defect of the worker. Another worker takes the job over when the lease ends, and tries again.
                log.exception("attempt_broke")
            finally:
                # A worker that was taken for dead may have the job again, in another attempt.
                if self.running.get(entry.id) is attempt:
                    del self.running[entry.id]
                self._capacity.freed.set()
            if attempt.handler_runs:
                # An abandoned handler keeps its slot until it ends: so there are never more of them than slots.
                await attempt.handler_ended()
        finally:
            if attempt.has_parent:
                self.child_events.wake_relay()
            if attempt.mode != "async":
                self._capacity.give_back({attempt.mode: 1})
            self._capacity.end(entry.tier)

    # Jobs that this worker cannot run.

    def _job_of(self, envelope: Envelope) -> Job[Any, Any] | None:
        """Return the kind of a job; None: this worker does not serve it, or not in its version."""
        job = self._jobs.get(envelope.kind)
        return job if job is not None and job.upcasts.takes(envelope.version) else None

    def _has_version(self, envelope: Envelope) -> bool:
        """Return whether a job is of the version that this worker's handler has itself."""
        job = self._jobs.get(envelope.kind)
        return job is not None and job.upcasts.version == envelope.version

    def _unserved(self, envelope: Envelope) -> Unserved:
        """Return of which kind and version a job is that this worker does not serve, or by an upcast; log each once."""
        if self._job_of(envelope) is not None:
            return Unserved(envelope.kind, envelope.version, 1)
        found = Unserved(envelope.kind, envelope.version)
        if found not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(found)
            log.info(
                "kind_not_served",
                kind=found.kind,
                version=found.version,
                queue=self._store.partition,
                help="its jobs wait for a worker that serves it; `tidings status` shows whether one does",
            )
        return found

    def _end_unreadable(self, entry: ReadyEntry, started: Started, attempts: asyncio.TaskGroup) -> None:
        """Fail a job whose entry no Tidings process has written; other jobs must not suffer from it."""
        queue = self._store.partition
        error = _fault_of(entry)
        _limited.error("entry_not_understood", cause=queue, queue=queue, job=entry.id, error=error)
        end = self._reporter(entry, started).end(outcomes.failed(outcomes.unreadable_record()))
        attempts.create_task(end, name="end unreadable")

    def _hand_on(self, entry: ReadyEntry, started: Started, envelope: Envelope, attempts: asyncio.TaskGroup) -> None:
        """Leave a job of a lane to the workers that serve it: its record did not say its version."""
        end = self._reporter(entry, started).end(outcomes.not_served(envelope.kind, envelope.version))
        attempts.create_task(end, name=f"hand on {envelope.kind}")

    def _reporter(self, entry: ReadyEntry, started: Started) -> Reporter:
        """Return a reporter for an outcome alone: no handler runs that could be stopped."""
        return Reporter(self._store, entry.id, started.fence, self._settings.progress_per_s, lambda _: None)


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _decode(entry: ReadyEntry) -> Envelope | None:
    """Return what a job was queued with; None: it is a lane's turn, or no Tidings process has written it."""
    if entry.is_turn:
        return None
    try:
        return decode_envelope(entry.envelope)
    except _UNREADABLE:
        return None


def _fault_of(entry: ReadyEntry) -> str:
    """Return why an entry cannot be read."""
    try:
        decode_envelope(entry.envelope)
    except _UNREADABLE as error:
        return str(error)
    return ""
