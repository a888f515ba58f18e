"""An attempt's voice: what a handler says, on its way into the store, in order and at a bounded pace.

At most one report of an attempt is under way; what is said meanwhile goes with the next. So a report
whose reply was lost can be sent again, and nothing overtakes it.

Only the store's own word that another attempt has the job makes a report void. Whatever else it says instead of an
answer (it is away, full, a replica, it lacks replicas, denies the command, or says what this process does not know),
the report is kept and sent again. What is kept is bounded: the result, and log and progress up to `ROOM_BYTES` each
(and one chunk); and the attempt keeps its slot until then.
"""

import asyncio
from collections.abc import Callable

import structlog

from tidings.broker.error import BrokerClosedError, ScriptError
from tidings.broker.worker import Outcome, Report, WorkerStore
from tidings.contract.event import EventClass

from .pace import Pace

log = structlog.get_logger()

ROOM_BYTES = 262_144
"""Log bytes that may wait unsent before a handler has to wait; progress beyond as many is left out for the newest."""


class Voice:
    """The reports of one attempt."""

    def __init__(
        self,
        store: WorkerStore,
        job: str,
        fence: int,
        rate: float,
        on_answer: Callable[[str], None],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: where the reports go.
            job: the job's id.
            fence: the fence of this attempt.
            rate: progress events a second.
            on_answer: gets `cancel` or `lost` when the store says so.
            loop: the running event loop, from one who knows it: asking for it costs a system call.

        """
        self._store = store
        self._job = job
        self._fence = fence
        self._on_answer = on_answer
        self._loop = loop or asyncio.get_running_loop()
        self._pace = Pace(rate, self._loop.time())
        self._next = Report(job, fence, 1)
        self._under_way = False
        self._refused = False
        """Whether the store has refused the report that is under way: it then goes without those of others."""
        self._late: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._shown = 0
        """Bytes of progress in the report that takes what is said now."""
        self._room = asyncio.Event()
        self._room.set()
        self._silent = False
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self.ended_ms = 0
        """The store's time when it took the outcome; 0: it has not."""

    def progress(self, data: str) -> None:
        """Send progress now, or the newest as soon as the pace allows."""
        if self._silent:
            return
        now = self._loop.time()
        if self._late is None and self._pace.allow(now):
            self._add_progress(data)
            return
        self._late = data
        if self._timer is None:
            self._timer = self._loop.call_later(self._pace.wait(now), self._send_late)

    def log(self, chunk: str) -> None:
        """Send a log chunk."""
        if self._silent:
            return
        self._open().events.append((EventClass.LOG, f'"event":"log","status":"running","data":{chunk}}}', chunk))
        self._unsent += len(chunk)
        if self._unsent > ROOM_BYTES:
            self._room.clear()
        self._send()

    async def room(self) -> None:
        """Return when more log chunks may be said."""
        await self._room.wait()

    async def end(self, outcome: Outcome) -> str:
        """Write how the attempt ended, after everything said before; return the store's answer.

        The store may be away for a while: this goes on until it answers, or the caller is cancelled.
        """
        if self._late is not None:
            self._add_progress(self._late)
        self.fall_silent()
        self._open().outcome = outcome
        self._send()
        return await self._ended

    def lost(self) -> None:
        """Keep nothing more of what the store refuses: it says elsewhere that another attempt has the job."""
        if self._refused:
            self._conclude("lost")

    def fall_silent(self) -> None:
        """Take nothing more from the handler."""
        self._silent = True
        self._late = None
        self._room.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def let_go(self) -> None:
        """Tell nobody of the store's answers any more: whoever was told has ended."""
        self._on_answer = _ignore

    def _add_progress(self, data: str) -> None:
        tail = f'"event":"progress","status":"running","data":{data}}}'
        report = self._open()
        self._shown += len(tail)
        if self._shown > ROOM_BYTES:
            report.events = [event for event in report.events if event[0] != EventClass.PROGRESS]
            self._shown = len(tail)
        report.events.append((EventClass.PROGRESS, tail, ""))
        report.progress = data
        self._send()

    def _send_late(self) -> None:
        self._timer = None
        if self._late is not None:
            data, self._late = self._late, None
            self._pace.allow(self._loop.time())
            self._add_progress(data)

    def _open(self) -> Report:
        """Return the report that takes what is said now: the last, unless it has left."""
        if self._next.sealed:
            self._next = Report(self._job, self._fence, self._next.number + 1)
            self._shown = 0
        return self._next

    def _send(self) -> None:
        if not self._under_way:
            self._under_way = True
            self._put(self._next)

    def _put(self, report: Report) -> None:
        answer = self._store.report(report, apart=True) if self._refused else self._store.report(report)
        answer.add_done_callback(lambda answer: self._answered(report, answer))

    def _answered(self, report: Report, answer: "asyncio.Future[str]") -> None:
        if self._ended.done():  # nothing more is kept
            return
        if answer.cancelled():  # with everything else, by a loop that ends
            self._conclude("lost")
            return
        error = answer.exception()
        if isinstance(error, BrokerClosedError):
            return  # the worker has left, and whoever waited for this with it
        if error is None:
            self._refused = False
            self._written(report, answer.result())
            return
        if isinstance(error, ScriptError) and not self._refused:
            self._refused = True
            log.warning("report_refused", error=str(error), help="it is kept, and told again until the store takes it")
        self._put(report)  # the broker knows how long to leave a lost store alone

    def _written(self, report: Report, answer: str) -> None:
        if report.outcome is not None or answer == "lost":
            self.ended_ms = self._store.reported_ms
            self._conclude(answer)
            return
        if answer == "cancel":
            self._on_answer(answer)
        self._unsent -= sum(len(chunk) for _, _, chunk in report.events)
        if self._unsent <= ROOM_BYTES:
            self._room.set()
        self._under_way = False
        if self._next is not report:
            self._send()

    def _conclude(self, answer: str) -> None:
        self.fall_silent()
        if not self._ended.done():
            self._ended.set_result(answer)
        if answer == "lost":
            self._on_answer(answer)


def _ignore(_: str) -> None:
    """Do nothing."""
