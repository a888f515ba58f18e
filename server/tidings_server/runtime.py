"""The gateway: one server process as the service behind all transports.

It owns the connection to the store, the hub, and what is known of the kinds; the sockets, streams
and HTTP routes ask it and nothing else.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

import anyio
import anyio.abc
import msgspec
import structlog

from tidings.metrics.store_collector import StoreCollector
from tidings.metrics.store_gauges import StoreGauges
from tidings.metrics.store_liveness import StoreLiveness
from tidings.protocol.envelope import Envelope, encode_envelope
from tidings.protocol.kind_record import KindRecord
from tidings.protocol.messages import Ack, Limits, Submission
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.timestamps import whole_ms
from tidings.protocol.tokens import Token, new_token, parse_token
from tidings.store.admin.finished_jobs import FinishedJobs
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.breaker_store import BreakerStore
from tidings.store.job_reader import UNBOUNDED_ROOM, ReplyRoom
from tidings.store.job_store import FallbackJob, JobRecord, JobStore, NewJob, QueueingTerms, SubmitReply
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.redis.store_clock import StoreClock
from tidings.store.redis.subscription import Hearing, Subscription
from tidings.store.registry import Registry
from tidings.store.retention import RetentionWatch
from tidings.store.ticket_store import TicketStore
from tidings.tracing.spans import Span
from tidings.tracing.tracing_setup import tracing_of

from .auth.authenticator import authenticator_of
from .auth.identity import Identity
from .auth.ticket_issuer import TicketIssuer
from .jobs.answer_budget import AnswerBudget, AnswerReservation
from .jobs.breaker_admission import BreakerAdmission
from .jobs.client_answers import (
    STORE_RETRY_S,
    UNSERVED,
    acknowledge,
    cancel_problem,
    owner_filter,
    require_visible,
    signal_problem,
    store_problem,
    trace_id_of_submission,
    unknown_token,
    with_trace_id,
)
from .jobs.deadlines import DeadlineExpiry
from .jobs.hub import Hub, JobListener
from .jobs.job_spans import JobSpans, end_submit
from .jobs.kind_catalog import KindCatalog
from .jobs.kind_retirement import KindRetirement
from .jobs.overview_feed import OverviewFeed
from .jobs.quotas import Quotas, quota_key_of
from .jobs.served_kinds import ServedKinds
from .observability.connection_list import OpenConnections
from .observability.error_boundary import unexpected_problem
from .observability.server_meters import NotifyLatency, ServerMeter
from .observability.store_memory import StoreMemoryWatch
from .settings import ServerSettings

log = structlog.get_logger()

VITAL = frozenset({"EVAL", "EVALSHA", "PUBLISH", "SUBSCRIBE"})
"""Commands without which no job is taken, or none of its events heard."""

LEFT_OUT_HELP = "the other kinds are served; start a worker that registers this one anew, or `tidings kinds remove` it"
"""What an operator does about a kind that cannot be used."""

START_WAIT_S = 5.0
"""How long the start waits for the store to tell the kinds; without them everything is refused for now."""


class ServerRuntime:
    """One server process. Use `running` around its life."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.id = secrets.token_urlsafe(9)
        self.kinds = KindCatalog()
        self.authenticator = authenticator_of(settings)
        self.job_spans = JobSpans(tracing_of(settings, "tidings-server", self.id))
        self.draining = False
        self.over = False
        """Whether its own tasks have ended: without them nothing is served."""
        self.on_drain: set[Callable[[], None]] = set()
        """Called when the drain begins, by those who have something to end then."""
        self.limits = Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__})
        self.quotas = Quotas(self.limits, settings.max_connections)
        keys = self.keys = StoreKeys()
        health = self.health = StoreHealth()
        self.client = open_store(settings.store_url, health=health)
        self._listening = open_store(settings.store_url, timeout=None, health=health)
        self.retention = RetentionWatch(self.client)
        self._registry = Registry(self.client, keys)
        self.served_kinds = ServedKinds(self._registry)
        self._kind_retirement = KindRetirement(self.client, keys, self._registry, settings.kind_ttl_s)
        self.tickets = TicketIssuer(TicketStore(self.client, keys), settings.ticket_ttl_s)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._kinds_changed = asyncio.Event()
        self._kinds_known = asyncio.Event()
        self._kinds_channel = keys.kinds_changed
        self._workers_channel = keys.workers_changed
        self._breakers_channel = keys.breakers_changed
        self.breaker_store = BreakerStore(self.client, keys)
        self.breakers = BreakerAdmission(self.breaker_store)
        self.connections = OpenConnections()
        self.finished_jobs = FinishedJobs(self.client, keys, settings.chronicle)
        self.meter = ServerMeter()
        self.overview_feed = OverviewFeed(
            self.client, keys, self.breaker_store, self.connections, self.finished_jobs, self.meter
        )
        self.store = JobStore(
            self.client,
            keys,
            self.id,
            dedup_window_s=settings.dedup_window_s,
            max_backlog=settings.max_backlog,
            max_backlog_per_caller=settings.max_backlog_per_caller,
            max_backlog_bytes_per_caller=settings.max_backlog_bytes_per_caller,
            direct_per_caller=settings.direct_per_caller,
            result_ttl_s=settings.result_ttl_s,
            chronicle=settings.chronicle,
        )
        self._subscription = Subscription(
            self._listening,
            self.client,
            keys.probe(self.id),
            self._on_message,
            self._on_open,
            self._on_change,
            probe_s=settings.probe_s,
        )
        self._clock = StoreClock()
        notify_latency = NotifyLatency(self.meter.notify, self._clock) if settings.metrics else None
        self.answer_budget = AnswerBudget()
        self.hub = Hub(self.store, self._subscription, keys, notify_latency, self.answer_budget)
        store_gauges = StoreGauges(self.client, keys, self.breaker_store, self._records)
        self.collector = StoreCollector(StoreLiveness(self.client, health), store_gauges.read)
        self.deadlines = DeadlineExpiry(self.store, lambda: self.hub.partitions)
        self.memory = StoreMemoryWatch(self.client)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the gateway's own tasks around the body."""
        try:
            async with self.store, self.breaker_store, anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._subscription.run, name="inbox")
                tasks.start_soon(self.retention.run, name="retention")
                tasks.start_soon(self._follow_kinds, name="kinds")
                tasks.start_soon(self._follow_breakers, name="breakers")
                tasks.start_soon(self._kind_retirement.run, name="retirement")
                tasks.start_soon(self._follow_workers, name="workers")
                tasks.start_soon(self.overview_feed.run, name="overview")
                tasks.start_soon(self.authenticator.run, name="authenticator")
                tasks.start_soon(self.deadlines.run, name="deadlines")
                tasks.start_soon(self.memory.run, name="memory")
                if self.settings.metrics:
                    tasks.start_soon(self._clock.follow, self.client, name="store clock")
                    tasks.start_soon(self.collector.run, name="metrics")
                # A client that comes back to a new process must find its jobs known.
                with anyio.move_on_after(START_WAIT_S):
                    await self.retention.looked.wait()
                    await self._kinds_known.wait()
                yield
                tasks.cancel_scope.cancel()
        finally:
            self.over = True
            await self.client.aclose()
            await self._listening.aclose()
            await self.job_spans.close()

    @property
    def ready(self) -> bool:
        """Whether clients should come here."""
        return not self.unready_reasons()

    def unready_reasons(self) -> list[str]:
        """Return why clients should not come here, each reason as a sentence for operators."""
        eviction = self.retention.now.eviction
        refused = self.retention.now.evicts and not self.settings.allow_eviction
        faults = {
            "the process is leaving": self.draining,
            f"the inbox is {self.inbox.value}: events would not be heard": self.inbox is not Hearing.OPEN,
            "the kinds are not known yet": not self._kinds_known.is_set(),
            "the keys of the issuer are not known yet": not self.authenticator.ready,
            f"the store's maxmemory-policy is {eviction}, so it deletes acknowledged jobs when its memory is full: set "
            "noeviction there, or TIDINGS_ALLOW_EVICTION=true here": refused,
        }
        denied = [
            f"the store denies {command} ({said}): grant its user what docs/how-to/production.md lists"
            for command, said in self.health.denied.items()
            if command in VITAL
        ]
        return [fault for fault, true in faults.items() if true] + denied

    @property
    def inbox(self) -> Hearing:
        """Whether what is published for this process is heard."""
        return self._subscription.hearing

    def drain(self) -> None:
        """Take no new work, and have long answers end: this process is leaving."""
        self.draining = True
        for end in list(self.on_drain):
            end()

    # Who.

    def identify(self, credential: str) -> "asyncio.Future[Identity]":
        """Return a future of whose credential it is; it fails with `ProblemError`."""
        assert self._tasks is not None, "use it inside `running`"
        answer: asyncio.Future[Identity] = asyncio.get_running_loop().create_future()
        self._tasks.start_soon(self._identify, credential, answer, name="credential")
        return answer

    async def _identify(self, credential: str, answer: "asyncio.Future[Identity]") -> None:
        try:
            answer.set_result(await self.authenticator.identify(credential))
        except ProblemError as error:
            answer.set_exception(error)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the border of one credential: the task group is everybody's
            answer.set_exception(ProblemError(unexpected_problem("auth", error)))

    # Work.

    def admit(self, submission: Submission, identity: Identity, caller: str) -> tuple[Token, NewJob, Span | None]:
        """Check a submission and give it a token, and if it is traced a span, which `place` ends.

        Args:
            submission: what is asked for.
            identity: who asks; the owner of the job, who alone may watch and cancel it, beside admins.
            caller: whose jobs it counts among (`caller_of`).

        Raises:
            ProblemError: it is refused, with the field and what to do.

        """
        if self.draining:
            raise problem_error("draining", "this server is shutting down; connect again", retry_after=1)
        if submission.watch:
            identity.require("watch")
        identity.require_kind(submission.kind)
        self._check_known()
        record, value = self.kinds.check(submission)
        self.breakers.admit(record)
        token = new_token(record.queue)
        conditions = self.kinds.conditions(record.kind)
        unique = self.kinds.unique_value(record.kind, value)
        traceparent, tracestate, span = self.job_spans.begin(submission, record.kind, token)
        envelope = Envelope(
            kind=record.kind,
            input=submission.input,
            version=record.version,
            correlation_id=submission.correlation_id or "",
            traceparent=traceparent,
            tracestate=tracestate,
            key=submission.key or "",
        )
        job = NewJob(
            id=token.id,
            kind=record.kind,
            tier=conditions.tier(value, len(bytes(submission.input)), submission.tier),
            envelope=encode_envelope(envelope).decode(),
            delay_ms=int((submission.delay or 0) * 1000),
            at_ms=int(submission.at.timestamp() * 1000) if submission.at else 0,
            deadline_ms=whole_ms(submission.deadline or 0),
            key=StoreKeys.dedup_suffix(identity.owner, record.kind, submission.key) if submission.key else "",
            fingerprint=fingerprint(value) if submission.key else "",
            owner=identity.owner,
            caller=caller,
            unique=StoreKeys.unique_suffix(identity.owner, record.kind, unique) if unique else "",
            unique_ms=whole_ms(record.unique_for or 0),
            correlation_id=submission.correlation_id or "",
            watch=int(submission.watch),
            terms=False if conditions.plain else self._terms(record, envelope, value, submission.priority or 0),
            traceparent=traceparent,
        )
        return token, job, span

    def place(self, token: Token, job: NewJob, span: Span | None) -> "asyncio.Future[SubmitReply]":
        """Have what was admitted accepted by the store; a future that fails with `StoreError`."""
        answer = self.store.submit(token.partition, job)
        if job.deadline_ms:
            self.deadlines.note(token.partition, job.deadline_ms)
        if span is not None:
            answer.add_done_callback(partial(end_submit, span))
        return answer

    def _terms(
        self, record: KindRecord, envelope: Envelope, value: dict[str, Any], priority: int
    ) -> QueueingTerms | Literal[False]:
        other = self.kinds.fallback(record, value)
        fallback: FallbackJob | Literal[False] = False
        if other is not None:
            changed = msgspec.structs.replace(envelope, kind=other.kind, version=other.version)
            conditions = self.kinds.conditions(other.kind)
            tier, limit = conditions.tier(value, len(bytes(envelope.input))), conditions.limit(value)
            fallback = FallbackJob(other.kind, tier, encode_envelope(changed).decode(), limit)
        return self.kinds.conditions(record.kind).terms(value, priority, fallback)

    async def submit(
        self, submission: Submission, identity: Identity, caller: str, listener: JobListener | None = None
    ) -> Ack:
        """Accept a submission for a caller that waits (HTTP); without a listener nobody watches.

        Raises:
            ProblemError: it is refused.

        """
        try:
            return await self._submit(submission, identity, caller, listener)
        except ProblemError as error:
            raise ProblemError(with_trace_id(error.problem, submission)) from error

    async def _submit(
        self, submission: Submission, identity: Identity, caller: str, listener: JobListener | None
    ) -> Ack:
        watched = msgspec.structs.replace(submission, watch=listener is not None)
        now = time.monotonic()
        self.quotas.of(quota_key_of(identity, caller), now).submit(now)
        token, job, span = self.admit(watched, identity, caller)
        if listener is None:
            ack = acknowledge(token, await self._submitted(token, job, span), degraded=self.degraded(token, job))
            self._observe_ack(submission, job, now)
            return ack
        listener.token = token
        self.job_spans.follow(listener, token, job)
        self.hub.begin(listener)
        made = False
        try:
            ack = acknowledge(token, await self._submitted(token, job, span), degraded=self.degraded(token, job))
            made = not ack.duplicate
            self._observe_ack(submission, job, now)
        finally:
            if not made:
                self.hub.forget(listener)
        return ack

    def _observe_ack(self, submission: Submission, job: NewJob, since: float) -> None:
        self.meter.ack.of(job.kind, job.tier).observe(time.monotonic() - since, trace_id_of_submission(submission))

    def degraded(self, token: Token, job: NewJob) -> str:
        """Return how the service falls short for a job at the moment; empty: it does not."""
        record = self.kinds.records.get(job.kind)
        if record is not None and self.breakers.is_open(record):
            return "circuit_open"
        return "" if self.served_kinds.serves(job.kind, token.partition, job.tier) else UNSERVED

    async def _submitted(self, token: Token, job: NewJob, span: Span | None) -> SubmitReply:
        try:
            return await self.place(token, job, span)
        except StoreError as error:
            raise ProblemError(store_problem(error)) from error

    def find(self, text: str) -> Token:
        """Return the token that `text` is.

        Raises:
            ProblemError: `unknown_token`: no job here can have it; `store_unavailable`: nobody can tell yet.

        """
        self._check_known()
        token = parse_token(text)
        if token is None or token.partition not in self.hub.partitions:
            raise unknown_token(text)
        return token

    def _check_known(self) -> None:
        if not self._kinds_known.is_set():
            raise problem_error("store_unavailable", "the store has not been reached yet", retry_after=STORE_RETRY_S)

    async def read(
        self, token: Token, identity: Identity, after: int = 0, room: ReplyRoom = UNBOUNDED_ROOM
    ) -> JobRecord:
        """Return what is known of a job that `identity` may see.

        Args:
            token: the job's.
            identity: who asks.
            after: the last number of which nothing more is wanted.
            room: where a large answer is kept.

        Raises:
            ProblemError: `unknown_token`, `store_unavailable`, `unauthenticated`: the credential ended meanwhile, or
                `rate_limited`: there was no room.

        """
        try:
            record = await self.store.read(token, after, room)
        except StoreError as error:
            raise ProblemError(store_problem(error)) from error
        identity.require_valid()
        return require_visible(record, token, identity)

    async def watch(
        self, listener: JobListener, identity: Identity, after: int, room: ReplyRoom = UNBOUNDED_ROOM
    ) -> JobRecord:
        """Return what is known of a job that `identity` may see; its events then go to the listener, once released.

        Raises:
            ProblemError: as `read`; the listener is not kept.

        """
        try:
            record = await self.hub.watch(listener, after, room)
        except StoreError as error:
            self.hub.leave(listener)
            raise ProblemError(store_problem(error)) from error
        except (asyncio.CancelledError, ProblemError):
            self.hub.leave(listener)
            raise
        self.job_spans.follow_earlier(listener, record)
        try:
            identity.require_valid()
            return require_visible(record, listener.token, identity)
        except ProblemError:
            self.hub.leave(listener)
            raise

    async def cancel(self, token: Token, identity: Identity) -> None:
        """Ask that a job that `identity` may see stop.

        Raises:
            ProblemError: `unknown_token`, `already_finished` or `store_unavailable`.

        """
        try:
            answer = await self.store.cancel(token, owner_filter(identity))
        except StoreError as error:
            raise ProblemError(store_problem(error)) from error
        refused = cancel_problem(str(token), answer)
        if refused is not None:
            raise ProblemError(refused)

    async def signal(self, token: Token, identity: Identity, name: str, key: str, value: str) -> None:
        """Give a signal to a job that `identity` may see.

        Args:
            token: the job's.
            identity: who sends it.
            name: the signal's.
            key: idempotency key; empty: none.
            value: what it says, JSON text.

        Raises:
            ProblemError: `unknown_token`, `already_finished`, `too_large` (it has had too many) or `store_unavailable`.

        """
        try:
            answer = await self.store.signal(token, owner_filter(identity), name, key, value)
        except StoreError as error:
            raise ProblemError(store_problem(error)) from error
        refused = signal_problem(str(token), answer)
        if refused is not None:
            raise ProblemError(refused)

    def reservation(self, caller: str) -> AnswerReservation:
        """Return where a caller's large answer is kept; whoever got the answer releases it."""
        return AnswerReservation(self.answer_budget, caller)

    # The kinds.

    def _records(self) -> Iterable[KindRecord]:
        return self.kinds.records.values()

    def _on_message(self, channel: str, data: bytes) -> None:
        if channel == self._kinds_channel:
            self._kinds_changed.set()
        elif channel == self._breakers_channel:
            self.breakers.hear(data)
        elif channel == self._workers_channel:
            self.served_kinds.changed()
        else:
            self.hub.receive(data)

    def _on_open(self) -> None:
        self._kinds_changed.set()
        self.served_kinds.changed()
        self.breakers.reopened()
        self.hub.reopened()

    def _on_change(self, hearing: Hearing) -> None:
        tell = log.info if hearing is Hearing.OPEN else log.warning
        tell(f"inbox_{hearing}", gateway=self.id)

    async def _follow_workers(self) -> None:
        await self._subscription.keep(self._workers_channel)
        await self.served_kinds.follow()

    async def _follow_breakers(self) -> None:
        await self._subscription.keep(self._breakers_channel)
        await self.breakers.follow()

    async def _read_kinds(self) -> None:
        found = await self._registry.read()
        before, self.kinds = self.kinds, KindCatalog(found.records.values(), self.kinds)
        self.kinds.left_out |= found.left_out
        for name, why in self.kinds.left_out.items():
            if before.left_out.get(name) != why:
                log.error("kind_left_out", kind=name, error=why, help=LEFT_OUT_HELP)

    async def _follow_kinds(self) -> None:
        await self._subscription.keep(self._kinds_channel)
        failures = 0
        while True:
            await self._kinds_changed.wait()
            self._kinds_changed.clear()
            try:
                await self._read_kinds()
                self.breakers.serve(self.kinds.records.values())
                self.meter.know(self.kinds.records.values())
                for queue in self.kinds.queues - self.hub.partitions:
                    await self.hub.open(queue)
                self._kinds_known.set()
                failures = 0
            except StoreError:
                failures += 1
                await anyio.sleep(store_retry_delay(failures))
                self._kinds_changed.set()


def fingerprint(value: dict[str, Any]) -> str:
    """Return a digest of the payload: the input's value, however its fields are ordered."""
    return hashlib.blake2b(msgspec.json.encode(value, order="sorted"), digest_size=16).hexdigest()
