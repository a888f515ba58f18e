"""One group in one queue as a worker serves it: takes events, has them handled, and says what became of them."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import anyio
import structlog

from tidings.consumer.event_handler import EventHandler
from tidings.protocol.event_pattern import EventPattern
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import ScriptError, StoreError
from tidings.store.groups.group_store import EventReport, GroupStore, StreamBounds, TakenEvent, TakeReply
from tidings_worker.until_answered import until_answered

from .event_call import EventCall, EventServices
from .event_meter import EventMeter

log = structlog.get_logger()

LISTEN_MS = 5_000
"""How long one read waits for an event; below the connection's time limit."""

LOOK_S = 2.0
"""A group that has taken all there is looks again after this time at the latest: an operator may have moved it."""

REPORTS_AT_ONCE = 200
"""Events of which one call says what became of them, at the most."""


class ServedGroup(NamedTuple):
    """A group as this worker serves it."""

    name: str
    handlers: Sequence[EventHandler]
    patterns: Sequence[EventPattern]
    """All patterns of its handlers."""

    def handler_of(self, kind: str, event: str) -> EventHandler | None:
        """Return the handler that names an event most closely; of two alike the first."""
        ranked = [(rank, one) for one in self.handlers if (rank := one.rank_of(kind, event)) is not None]
        return max(ranked, key=lambda pair: pair[0])[1] if ranked else None


class ReaderLimits(NamedTuple):
    """How much a reader has in hand, and how long."""

    slots: int
    lease_s: float
    bounds: StreamBounds


class GroupReader:
    """One group in one queue."""

    def __init__(
        self, store: GroupStore, group: ServedGroup, limits: ReaderLimits, services: EventServices, meter: EventMeter
    ) -> None:
        self._store = store
        self._group = group
        self._limits = limits
        self._services = services
        self._meter = meter
        self._held: dict[str, EventCall] = {}
        """The calls under way, by the ids of their jobs: of each job there is one at the most."""
        self._reports: list[EventReport] = []
        self._reported = asyncio.Event()
        self._look = asyncio.Event()
        """Set when there may be something to take."""
        self._freed = asyncio.Event()
        self._moved = asyncio.Event()
        self._position = "0-0"
        self._shaken = False
        """Whether the store has failed a call since events were last taken."""

    @property
    def running(self) -> int:
        """How many events are in hand, or handled and not yet told."""
        return len(self._held)

    # What the worker runs.

    async def join(self) -> None:
        """Say what the group follows here; return when every script follows it."""
        name = self._group.name
        reply = await self._ask(self._store.join, name, self._group.patterns, self._limits.bounds)
        if reply.answer == "full":
            log.error("group_not_registered", group=name, queue=self._store.partition,
                      help="the queue has as many groups as it may: tidings events forget GROUP")  # fmt: skip
        elif reply.answer != "known":
            await anyio.sleep(reply.wait_ms / 1000)
            log.info("group_registered", group=name, queue=self._store.partition,
                     follows=[f"{one.kinds}:{','.join(one.names)}" for one in self._group.patterns])  # fmt: skip

    async def serve(self, calls: asyncio.TaskGroup) -> None:
        """Take events until cancelled; their handlers run in `calls`, which outlives this."""
        await self.join()
        log.info("group_ready", group=self._group.name, queue=self._store.partition)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, name=f"listen {self._group.name}")
            while True:
                await self._take(calls)

    async def keep(self) -> None:
        """Renew the leases of what is in hand, and say what became of events, until cancelled; outlives `serve`."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._renew, name=f"renew {self._group.name}")
            tasks.start_soon(self._settle, name=f"settle {self._group.name}")

    async def idle(self) -> None:
        """Return when nothing is in hand."""
        while self._held:
            self._freed.clear()
            await self._freed.wait()

    def stop(self) -> None:
        """Break off what runs, and hand it back."""
        for call in self._held.values():
            call.stop()

    # Private.

    async def _take(self, calls: asyncio.TaskGroup) -> None:
        while len(self._held) >= self._limits.slots:
            self._freed.clear()
            await self._freed.wait()
        if self._shaken:
            # The leases of all workers may have run out while the store was away: those who hold an event come first.
            await anyio.sleep(self._limits.lease_s / 3)
            self._shaken = False
        self._look.clear()
        room = self._limits.slots - len(self._held)
        reply: TakeReply = await self._ask(
            self._store.take, self._group.name, self._group.patterns, (), self._limits.lease_s, room
        )
        if reply.state == "gone":  # a store that lost its data, or an operator who forgot the group
            await self.join()
            return
        self._note(reply)
        for taken in reply.events:
            self._begin(taken, reply.now_ms, calls)
        if reply.state == "paused" or not (reply.events or reply.more):
            wait_s = LOOK_S if reply.wait_ms < 0 else min(LOOK_S, reply.wait_ms / 1000)
            with anyio.move_on_after(LOOK_S if reply.state == "paused" else wait_s):
                await self._look.wait()
        elif reply.more and not reply.events:
            # It may take nothing before some of what it has is handled.
            with anyio.move_on_after(LOOK_S):
                await self._look.wait()

    def _note(self, reply: TakeReply) -> None:
        if reply.position != self._position:
            self._position = reply.position
            self._moved.set()
        if reply.missed:
            group, queue = self._group.name, self._store.partition
            self._meter.missed(group, queue, reply.missed)
            log.error(
                "events_missed",
                group=group,
                queue=queue,
                events=reply.missed,
                until=reply.position,
                help="the store trimmed them before the group had taken them; raise TIDINGS_EVENTS_MAX_AGE_S or "
                "TIDINGS_EVENTS_MAX_BYTES, or add workers",
            )

    def _begin(self, taken: TakenEvent, now_ms: int, calls: asyncio.TaskGroup) -> None:
        handler = self._group.handler_of(taken.kind, taken.name)
        call = self._held[taken.job] = EventCall(self._services, self._group.name, handler, taken)
        self._meter.began(self._group.name, now_ms - int(taken.entry.partition("-")[0]))
        calls.create_task(self._run(call), name=f"event {taken.entry}")

    async def _run(self, call: EventCall) -> None:
        # It stays in hand, and its lease is renewed, until the store knows what became of it.
        try:
            self._reports.append(await call.run())
        except Exception:
            # A defect of the worker. The event is given again when the lease ends.
            log.exception("event_broke", group=self._group.name, job=call.taken.job, entry=call.taken.entry)
            del self._held[call.taken.job]
            self._freed.set()
        self._reported.set()

    async def _settle(self) -> None:
        while True:
            await self._reported.wait()
            self._reported.clear()
            while self._reports:
                reports = self._reports[:REPORTS_AT_ONCE]
                del self._reports[:REPORTS_AT_ONCE]
                answers = await self._ask(self._store.settle, self._group.name, reports)
                for report, answer in zip(reports, answers, strict=True):
                    self._told(report, answer)

    def _told(self, report: EventReport, answer: str) -> None:
        call = self._held.get(report.job)
        if call is not None and call.taken.entry == report.entry:
            del self._held[report.job]
        self._freed.set()
        self._meter.ended(self._group.name, report.outcome)
        if answer == "next":
            self._look.set()
        elif answer != "ok":
            log.warning(
                "event_lost",
                group=self._group.name,
                queue=self._store.partition,
                job=report.job,
                answer=answer,
                help="its lease ran out, or an operator moved the group; it is handled again",
            )

    async def _renew(self) -> None:
        while True:
            await anyio.sleep(self._limits.lease_s / 3)
            if self._held:
                held = list(self._held)
                reply: TakeReply = await self._ask(
                    self._store.take, self._group.name, (), held, self._limits.lease_s, 0
                )
                for job in reply.lost:
                    if job in self._held:
                        self._held[job].stop()

    async def _listen(self) -> None:
        """Wait in the store for events behind the position, and have the group look."""
        failures = 0
        while True:
            position = self._position
            self._moved.clear()
            try:
                found = await self._store.wait(position, LISTEN_MS)
                failures = 0
            except StoreError:
                failures += 1
                await anyio.sleep(store_retry_delay(failures))
                continue
            if found:
                self._look.set()
                with anyio.move_on_after(LOOK_S):
                    await self._moved.wait()

    async def _ask(self, operation: Any, *args: Any) -> Any:
        tries = _StoreTries(self._store.partition)
        answer = await until_answered(lambda _: operation(*args), tries, operation=operation.__name__)
        self._shaken = self._shaken or tries.failed_once
        return answer


class _StoreTries:
    """The tries of one call: an `Asker` that goes on until its task is cancelled."""

    cancelled = False

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self.failed_once = False

    async def failed(self, operation: str, error: StoreError, failures: int, *, apart: bool) -> None:
        """See `Asker`. The health of the store logs that it is away, and back."""
        self.failed_once = True
        if isinstance(error, ScriptError) and failures == 1:
            log.warning("store_refused", operation=f"group {operation}", queue=self._queue, error=str(error))
        await anyio.sleep(store_retry_delay(failures))
