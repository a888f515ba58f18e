"""The lifespans that one process has entered: each in a task of its own, left in the reverse order.

A task of its own keeps a lifespan at arm's length. A background task of the lifespan may fail, and cancel the task in
which the lifespan was entered; that ends neither the other lifespans nor the worker's own tasks. And a lifespan is left
in the task that entered it, as task groups and cancel scopes inside it require.
"""

import asyncio
import inspect
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import structlog

from tidings.declare.job import Job
from tidings.resources.lifespan import Lifespan
from tidings_worker.outcome.error_text import error_name, safe_text, traceback_of

log = structlog.get_logger()

CANCELLED_WITHIN_S = 1.0
"""How long a cancelled lifespan may take to end."""

States = dict[Lifespan[Any], Any]
"""Lifespan → what it yielded."""


def jobs_with_states(jobs: Iterable[Job[Any, Any]], states: States) -> dict[str, Job[Any, Any]]:
    """Return jobs by their kinds, each with what its lifespan yielded."""
    return {
        job.kind: job if job.lifespan is None or job.lifespan not in states else job.with_state(states[job.lifespan])
        for job in jobs
    }


class LifespanError(Exception):
    """A lifespan could not be entered; the text is one line that says which, where and why."""


class RunningLifespans:
    """The lifespans of one process."""

    def __init__(self, lifespans: Sequence[Lifespan[Any]], *, enter_s: float, leave_s: float) -> None:
        """Prepare.

        Args:
            lifespans: in the order in which they are entered.
            enter_s: how long it may take to enter all of them, s.
            leave_s: how long it may take to leave all of them, s.

        """
        self._lifespans = lifespans
        self._enter_s = enter_s
        self._leave_s = leave_s
        self._entered: list[_LifespanTask] = []
        self.broken = asyncio.Event()
        """Set when a lifespan has ended before it was to be left."""

    async def enter(self) -> States:
        """Enter all of them, one after the other, and return what they yielded.

        Those that were entered are left again if one fails, or if the caller is cancelled.

        Raises:
            LifespanError: one raised an error, did not yield, or took too long.

        """
        states: States = {}
        over = asyncio.get_running_loop().time() + self._enter_s
        try:
            for one in self._lifespans:
                task = _LifespanTask(one, self.broken)
                self._entered.append(task)
                states[one] = await task.enter(over, self._enter_s)
        except BaseException:
            await self.leave()
            raise
        return states

    async def leave(self) -> None:
        """Leave all of them, the last first; cancel what takes too long. An error of theirs is logged."""
        over = asyncio.get_running_loop().time() + self._leave_s
        while self._entered:
            await self._entered.pop().leave(over, self._leave_s)


class _LifespanTask:
    """One lifespan, and the task that enters and leaves it."""

    def __init__(self, lifespan: Lifespan[Any], broken: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        self._lifespan = lifespan
        self._broken = broken
        self._yielded: asyncio.Future[Any] = loop.create_future()
        self._leaving = asyncio.Event()
        self._stopped = False
        """Whether the task was cancelled from here."""
        self._task = loop.create_task(self._run(), name=f"lifespan {lifespan.name}")

    async def _run(self) -> BaseException | None:
        """Enter the lifespan, wait until it is to be left, and leave it; return what it raised."""
        try:
            async with self._lifespan() as state:
                self._yielded.set_result(state)
                await self._leaving.wait()
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the loop
            if self._yielded.done() and not self._leaving.is_set():
                log.error(  # noqa: TRY400 - the traceback without our frames
                    "lifespan_failed", lifespan=self._lifespan.name, exception=traceback_of(error)
                )
                self._broken.set()
            return error
        return None

    async def enter(self, over: float, limit_s: float) -> Any:
        """Return what it yields.

        Raises:
            LifespanError: it did not yield, or took too long.

        """
        left = over - asyncio.get_running_loop().time()
        await asyncio.wait({self._yielded, self._task}, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
        if self._yielded.done():
            return self._yielded.result()
        if self._task.done():
            error = self._task.result()
            assert error is not None, "without a `yield` its context manager raises"
            log.debug("lifespan_failed", lifespan=self._lifespan.name, exception=traceback_of(error))
            raise LifespanError(_failure_line(self._lifespan, error))
        raise LifespanError(
            f"the lifespan {self._lifespan.name} ({self._lifespan.place}) has not come to its `yield` after "
            f"{limit_s:g} s: find what it waits for, or raise TIDINGS_LIFESPAN_ENTER_S"
        )

    async def leave(self, over: float, limit_s: float) -> None:
        """End it: have a lifespan that was entered go on after its `yield`, and cancel any other."""
        if self._task.done():
            return
        loop = asyncio.get_running_loop()
        if self._yielded.done():
            self._leaving.set()
            await asyncio.wait({self._task}, timeout=max(0.0, over - loop.time()))
        if not self._task.done():
            late = self._yielded.done()
            self._leaving.set()
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CANCELLED_WITHIN_S)
            if late:
                log.error("lifespan_cancelled", lifespan=self._lifespan.name, after_s=limit_s,
                          help="it took longer than TIDINGS_LIFESPAN_LEAVE_S to close what it had opened")  # fmt: skip
        elif (error := self._task.result()) is not None:
            log.error("lifespan_not_left", lifespan=self._lifespan.name, exception=traceback_of(error))


def _failure_line(lifespan: Lifespan[Any], error: BaseException) -> str:
    """Return one line: the lifespan, the innermost place in the files of its author, and the error."""
    if isinstance(error, RuntimeError) and str(error) == "generator didn't yield":
        return f"the lifespan {lifespan.name} ({lifespan.place}) ended without a `yield`: yield once, at its end"
    text = " ".join(safe_text(error).split())
    said = f"{error_name(error)}: {text}" if text else error_name(error)
    return f"the lifespan {lifespan.name} failed at {_place_of(lifespan, error)}: {said}"


def _place_of(lifespan: Lifespan[Any], error: BaseException) -> str:
    """Return the line of the lifespan's own file in which it failed: the innermost one."""
    file = inspect.unwrap(lifespan.function).__code__.co_filename
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{Path(file)}:{own[-1].lineno}" if own else lifespan.place
