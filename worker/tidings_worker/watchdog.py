"""The watchdog: a thread that notices when the event loop is blocked, logs by what, and keeps the worker's leases.

A handler that is `async def` and blocks (a long computation, a call that waits and is not awaited) keeps the loop from
its heartbeats. Its worker lives all the same, and so does its job: while the loop does not turn, the watchdog renews
the leases of everything that runs here, over a connection of its own. It does so for `TIDINGS_BLOCKED_S` at the most,
as a loop that never turns again must not keep jobs for ever; then their leases run out, and other workers take them.

The watchdog cannot run while a call holds the interpreter's lock; most calls that wait or compute for long release it.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple, Self

import structlog

from tidings.logging.log_setup import LOG_SUBJECT
from tidings.store.attempts.blocking_store import BlockingStore
from tidings.store.availability.store_errors import StoreError

from .attempt.attempt import Attempt
from .attempt.blocked_loop import BLOCKED_LOOP_MEMO, BlockedLoop, encode_blocked_loop
from .outcome.error_text import MAX_TRACEBACK
from .queue.queue import Queue

log = structlog.get_logger()

HELP = "a handler that is `async def` must await what takes long; make it a plain function, or run that in a thread"


class BlockingCode(NamedTuple):
    """The code that keeps the loop from turning."""

    token: str
    """Of the job; empty: the job is not known."""
    kind: str
    attempt: int
    where: str
    """Function, file and line."""
    stack: str


class Watchdog:
    """Watches the loop in which it is made; use it as `with`."""

    def __init__(
        self,
        store: BlockingStore,
        queues: Mapping[str, Queue],
        *,
        heartbeat_s: float,
        lease_s: float,
        blocked_s: float,
        warn_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            store: for the watchdog's thread alone.
            queues: the worker's; the watchdog keeps the leases of what runs in them.
            heartbeat_s: time between two heartbeats, s: a loop that has not turned for so long is blocked.
            lease_s: how long a job is left to a worker without a heartbeat, s.
            blocked_s: how long the leases of a blocked loop are renewed, s.
            warn_s: how long the loop may be blocked before the log says by what, s; at the latest after a heartbeat.
            clock: seconds, never going back.

        """
        self._store = store
        self._queues = queues
        self._heartbeat_s = heartbeat_s
        self._warn_s = min(warn_s, heartbeat_s)
        self._lease_s = lease_s
        self._blocked_s = blocked_s
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._turned = True
        self._over = threading.Event()
        self._blocked = 0.0
        """For how long the loop has not turned, s, while this process ran."""
        self._culprit: BlockingCode | None = None
        """Known once the loop counts as blocked."""
        self._due = 0.0
        """The blocked time at which the next heartbeat is due, s."""
        self._recorded = False
        self._given_up = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _run(self) -> None:
        interval = self._warn_s / 2
        looked = self._clock()
        while not self._over.wait(interval):
            before, looked = looked, self._clock()
            if self._turned:
                self._end()
                self._turned = False
                try:
                    self._loop.call_soon_threadsafe(self._turn)
                except RuntimeError:  # the loop is closed
                    break
                continue
            # A process that was stopped (SIGSTOP, a suspended machine) finds that much time has passed; in that time
            # the loop was not blocked.
            self._blocked += min(looked - before, 2 * interval)
            if self._blocked >= self._warn_s:
                self._bridge(self._named_culprit())
        self._store.close()

    def _turn(self) -> None:
        """Show that the loop turns; runs there."""
        self._turned = True

    def _named_culprit(self) -> BlockingCode:
        """Return what blocks the loop; log it once."""
        if self._culprit is None:
            self._culprit = self._find_culprit()
            self._log("loop_blocked", stack=self._culprit.stack, help=HELP)
        return self._culprit

    def _bridge(self, culprit: BlockingCode) -> None:
        """Send the heartbeats in place of the loop, and record what blocks it."""
        if self._blocked < self._heartbeat_s:
            return
        try:
            if self._blocked <= self._blocked_s:
                self._beat()
            elif not self._given_up:
                self._given_up = True
                self._log("loop_given_up", help="the leases of what runs here are no longer renewed")
            if self._blocked >= min(self._lease_s, self._blocked_s):
                self._record(culprit)
        except StoreError as error:
            log.debug("watchdog_not_heard", error=str(error))  # the next turn tries again

    def _beat(self) -> None:
        if self._blocked < self._due:
            return
        for partition, queue in list(self._queues.items()):
            if running := list(queue.attempts):
                self._store.beat(partition, [attempt.beat for attempt in running])
        self._due = self._blocked + self._heartbeat_s

    def _record(self, culprit: BlockingCode) -> None:
        """Record once for every attempt why this worker will perhaps be lost."""
        if self._recorded:
            return
        for partition, queue in list(self._queues.items()):
            if running := list(queue.attempts):
                self._store.record(partition, [self._record_of(attempt, culprit) for attempt in running])
        self._recorded = True

    def _record_of(self, attempt: Attempt, culprit: BlockingCode) -> tuple[str, int, str, str]:
        """Return the record of an attempt, which ends its job with this cause should the worker be lost."""
        whose = "its own handler" if attempt.token == culprit.token else f"kind {culprit.kind or 'unknown'}"
        text = f"in attempt {attempt.attempt} the event loop of its worker was blocked, by {whose}, {culprit.where}"
        beat = attempt.beat
        return beat.id, beat.fence, BLOCKED_LOOP_MEMO, encode_blocked_loop(BlockedLoop(text, culprit.stack))

    def _end(self) -> None:
        """Take note that the loop turns again."""
        if self._culprit is not None:
            self._log("loop_unblocked")
            self._store.close()
        self._culprit = None
        self._blocked = self._due = 0.0
        self._recorded = self._given_up = False

    def _log(self, event: str, **fields: object) -> None:
        assert self._culprit is not None
        culprit = self._culprit
        log.warning(
            event,
            kind=culprit.kind or None,
            token=culprit.token or None,
            attempt=culprit.attempt or None,
            where=culprit.where,
            seconds=round(self._blocked, 1),
            **fields,
        )

    def _find_culprit(self) -> BlockingCode:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - documented, for debuggers of this sort
        token, kind, attempt = self._subject(frame)
        stack = "" if frame is None else "".join(traceback.format_stack(frame))
        stack = stack[-MAX_TRACEBACK:].encode("utf-8", "backslashreplace").decode()
        return BlockingCode(token, kind, attempt, "at an unknown place" if frame is None else _place(frame), stack)

    def _subject(self, frame: FrameType | None) -> tuple[str, str, int]:
        """Return token, kind and attempt of the job whose code runs in the loop, as far as that can be found.

        The context of the running task says it best, then the name of the task, then the code on its stack.
        """
        task = asyncio.current_task(self._loop)
        running = [attempt for queue in self._queues.values() for attempt in list(queue.attempts)]
        context = getattr(task, "get_context", None)  # Python 3.12
        if context is not None and (subject := context().get(LOG_SUBJECT)):
            token, kind, attempt, *_ = subject
            return token, kind, attempt
        name = "" if task is None else task.get_name()
        for one in running:
            if name.endswith(one.token):
                return one.token, one.kind, one.attempt
        codes = set()
        while frame is not None:
            codes.add(frame.f_code)
            frame = frame.f_back
        for one in running:
            if one.code in codes:
                return one.token, one.kind, one.attempt
        return "", "", 0


def _place(frame: FrameType) -> str:
    """Return the place of the handler's own code: the innermost frame that belongs to no library."""
    own: FrameType | None = frame
    while own is not None and _is_library(own):
        own = own.f_back
    shown = own or frame
    return f"in {shown.f_code.co_qualname} ({Path(shown.f_code.co_filename).name}, line {shown.f_lineno})"


def _is_library(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith(("<", sys.prefix, sys.base_prefix)) or frame.f_globals.get("__name__", "").startswith(
        ("tidings.", "tidings_worker.")
    )
