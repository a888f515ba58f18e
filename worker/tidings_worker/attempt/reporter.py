"""The reports of an attempt: progress, log, streams and outcome on their way to the store, in order, at a bounded pace.

At most one report of an attempt is under way; what the handler says meanwhile goes with the next. So the reporter can
send a report again whose reply was lost, and no report overtakes another.

Only one answer of the store makes a report void: another attempt has the job. After any other error (the store is away,
full or a replica, lacks replicas, denies the command, or says what this process does not know) the reporter keeps the
report and sends it again. What it keeps is bounded: the outcome, progress up to `BUFFER_BYTES`, and as much of log and
streams together (and one chunk). The attempt keeps its slot until then.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from tidings.protocol.events import EventClass
from tidings.store.answers import ReportAnswer
from tidings.store.attempts.attempt_records import ReportedEvent
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.availability.store_errors import ScriptError, StoreClosedError
from tidings.store.streams.stream_records import KEEP, STREAM, KeepChunks, StreamChunks
from tidings.token_bucket import TokenBucket
from tidings_worker.outcome.stop_reason import StopReason

log = structlog.get_logger()

BUFFER_BYTES = 262_144
"""Unsent bytes of log and streams beyond which a handler has to wait. Of progress beyond as many bytes only the newest
is kept."""

TOGETHER_BYTES = 32_768
"""What the chunks of a stream come to that leave in one event: the store publishes an event of 64 KiB whole."""

UNSENT_COST = 14
"""Bytes that an unsent chunk of a stream counts beside what it counts in the store: many small ones take memory too."""


class Reporter:
    """The reports of one attempt."""

    def __init__(
        self,
        store: AttemptStore,
        job: str,
        fence: int,
        rate: float,
        on_answer: Callable[[StopReason], object],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: where the reports go.
            job: the job's id.
            fence: the fence of this attempt.
            rate: progress events a second.
            on_answer: called with `cancel` or `lost` when the store answers that.
            loop: the running event loop, where the caller has it: asking for it costs a system call.

        """
        self._store = store
        self._job = job
        self._fence = fence
        self._on_answer = on_answer
        self._loop = loop or asyncio.get_running_loop()
        self._pace = TokenBucket(rate, max(rate, 1.0), self._loop.time())
        self._open_report = AttemptReport(job, fence, 1)
        self._under_way = False
        self._refused = False
        """Whether the store has refused the report that is under way: it then goes apart from those of other attempts,
        because any item of a batch may be the reason why the store refuses all of it."""
        self._latest_progress: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0
        self._progress_bytes = 0
        """Bytes of progress in the report that is still open."""
        self._room: asyncio.Event | None = None
        """Set when there is room for more chunks again; None: there is."""
        self._closed = False
        self._ended: asyncio.Future[ReportAnswer] = self._loop.create_future()
        self.ended_ms = 0
        """The store's time when it took the outcome; 0: it has not."""

    def progress(self, data: str) -> None:
        """Send progress now, or the newest as soon as the pace allows."""
        if self._closed:
            return
        if self._latest_progress is not None:  # the timer runs
            self._latest_progress = data
            return
        wait = self._pace.take(self._loop.time())
        if wait:
            self._latest_progress = data
            self._timer = self._loop.call_later(wait, self._send_late)
        else:
            self._add_progress(data)

    def log(self, chunk: str) -> None:
        """Send a log chunk."""
        if self._closed:
            return
        self._open().events.append((EventClass.LOG, chunk))
        self._hold(len(chunk))

    def write_chunk(self, stream: str, attempt: int, index: int, text: str, size: int) -> None:
        """Send a chunk of a stream; those that follow each other and leave in one report leave in one event.

        Args:
            stream: its name.
            attempt: the number of this attempt.
            index: the chunk's.
            text: the chunk as JSON.
            size: what it counts among the bytes of the job's streams.

        """
        if self._closed:
            return
        report = self._open()
        report.has_streams = True
        last = report.events[-1] if report.events else None
        if isinstance(last, StreamChunks) and last.stream == stream and last.bytes + size <= TOGETHER_BYTES:
            last.chunks.append(text)
            last.bytes += size
        else:
            report.events.append(StreamChunks(STREAM, stream, attempt, index, size, [text]))
        self._hold(size + UNSENT_COST)

    def keep_chunks(self, stream: str, attempt: int, kept: int, size: int) -> None:
        """Have this attempt take a stream over, with the first chunks of what an earlier attempt said."""
        if self._closed:
            return
        report = self._open()
        report.has_streams = True
        report.events.append(KeepChunks(KEEP, stream, attempt, kept, size))
        self._send()

    async def room(self) -> None:
        """Return when there is room for more chunks."""
        if self._room is not None:
            await self._room.wait()

    async def end(self, outcome: AttemptOutcome, history: str = "") -> ReportAnswer:
        """Report how the attempt ended, after all progress and log before it; return the store's answer.

        The store may be away for a while: this goes on until it answers, or the caller is cancelled.

        Args:
            outcome: how it ended.
            history: as in `AttemptReport`.

        """
        if self._latest_progress is not None:
            self._add_progress(self._latest_progress)
        self.stop_taking()
        report = self._open()
        report.outcome, report.history = outcome, history
        self._send()
        return await self._ended

    def discard_refused(self) -> None:
        """Discard the report that the store refuses, if it does: it has said elsewhere that another has the job."""
        if self._refused:
            self._conclude(ReportAnswer.LOST)

    def stop_taking(self) -> None:
        """Take nothing more from the handler."""
        self._closed = True
        self._latest_progress = None
        self._make_room()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def detach(self) -> None:
        """Call `on_answer` no more: the attempt has ended."""
        self._on_answer = _ignore

    def _hold(self, size: int) -> None:
        """Send what was added; have the handler wait if too much is unsent."""
        self._unsent_bytes += size
        if self._unsent_bytes > BUFFER_BYTES and self._room is None:
            self._room = asyncio.Event()
        self._send()

    def _make_room(self) -> None:
        """Have the handler wait no more."""
        if self._room is not None:
            self._room.set()
            self._room = None

    def _add_progress(self, data: str) -> None:
        report = self._open()
        self._progress_bytes += len(data)
        if self._progress_bytes > BUFFER_BYTES:
            report.events = [event for event in report.events if not _is_progress(event)]
            self._progress_bytes = len(data)
        report.events.append((EventClass.PROGRESS, data))
        self._send()

    def _send_late(self) -> None:
        self._timer = None
        if self._latest_progress is not None:
            data, self._latest_progress = self._latest_progress, None
            self._pace.take(self._loop.time())
            self._add_progress(data)

    def _open(self) -> AttemptReport:
        """Return the report to which events are added: the last, unless it has been sent."""
        if self._open_report.sealed:
            self._open_report = AttemptReport(self._job, self._fence, self._open_report.number + 1)
            self._progress_bytes = 0
        return self._open_report

    def _send(self) -> None:
        if not self._under_way:
            self._under_way = True
            self._put(self._open_report)

    def _put(self, report: AttemptReport) -> None:
        answer = self._store.report(report, apart=True) if self._refused else self._store.report(report)
        answer.add_done_callback(partial(self._answered, report))

    def _answered(self, report: AttemptReport, answer: "asyncio.Future[ReportAnswer]") -> None:
        if self._ended.done():  # the attempt is over, and its reports were discarded
            return
        if answer.cancelled():  # the event loop ends, and cancels everything
            self._conclude(ReportAnswer.LOST)
            return
        error = answer.exception()
        if isinstance(error, StoreClosedError):
            return  # the worker has left, and with it the attempt that waited for this
        if error is None:
            self._refused = False
            self._written(report, answer.result())
            return
        if isinstance(error, ScriptError) and not self._refused:
            self._refused = True
            log.warning("report_refused", error=str(error), help="it is kept, and sent again until the store takes it")
        self._put(report)  # the batcher pauses by itself while the store is away

    def _written(self, report: AttemptReport, answer: ReportAnswer) -> None:
        if report.outcome is not None or answer == ReportAnswer.LOST:
            self.ended_ms = self._store.reported_ms
            self._conclude(answer)
            return
        if answer == ReportAnswer.CANCEL:
            self._on_answer(StopReason.CANCEL)
        if self._unsent_bytes:
            self._unsent_bytes -= sum(_held_size(event) for event in report.events)
            if self._unsent_bytes <= BUFFER_BYTES:
                self._make_room()
        self._under_way = False
        if self._open_report is not report:
            self._send()

    def _conclude(self, answer: ReportAnswer) -> None:
        if self._ended.done():  # stopping the attempt discards its reports, which leads here again
            return
        self.stop_taking()
        self._ended.set_result(answer)
        if answer == ReportAnswer.LOST:
            self._on_answer(StopReason.LOST)


def _is_progress(event: ReportedEvent) -> bool:
    return isinstance(event, tuple) and event[0] is EventClass.PROGRESS


def _held_size(event: ReportedEvent) -> int:
    """Return what an event counts among the bytes for which a handler waits."""
    if isinstance(event, tuple):
        return len(event[1]) if event[0] is EventClass.LOG else 0
    return event.bytes + UNSENT_COST * len(event.chunks) if isinstance(event, StreamChunks) else 0


def _ignore(_: StopReason) -> None:
    """Do nothing."""
