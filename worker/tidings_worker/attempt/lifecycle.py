"""The life of one attempt: where it stands, why it has to stop, and the wakeups of the task that waits for either."""

import asyncio
from typing import Protocol

from tidings.protocol.problems import Problem
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.runner import Run

from .attempt_state import STOP_EFFECTS, AttemptState, StopEffect


class RefusedReports(Protocol):
    """What a lifecycle asks of the reporter."""

    def discard_refused(self) -> None:
        """Discard the report that the store refuses, if it does."""


class Lifecycle:
    """Where one attempt stands. Everything that may stop the attempt calls `stop`; see `attempt_state`."""

    __slots__ = ("_loop", "_state", "_wakeup", "cancelled", "reason", "refusal", "reporter", "run")

    reporter: RefusedReports
    """The attempt's. The attempt sets it, because each of the two calls the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, unwinding: bool) -> None:
        self._loop = loop
        self._state = AttemptState.REBUILDING if unwinding else AttemptState.STARTING
        self._wakeup: asyncio.Future[None] = loop.create_future()
        self.cancelled = False
        """Whether the handler should stop."""
        self.reason: StopReason | None = None
        """Why the attempt stops; None: no reason has come."""
        self.refusal: Problem | None = None
        """Of the reason `refused`: why the job fails."""
        self.run: Run | None = None
        """The handler, or the compensation, that runs or has run."""

    @property
    def state(self) -> AttemptState:
        """Where the attempt stands now."""
        # A task is done a turn of the loop before it wakes the attempt. A reason that comes in between comes too late:
        # the handler was first. That a handler ends which only rebuilds its undos does not end the attempt.
        if self.run is not None and self._state in _ENDS_WITH_RUN and self.run.ended.done():
            return AttemptState.ENDED
        return self._state

    @property
    def handler_runs(self) -> bool:
        """Whether the handler still runs."""
        return self.run is not None and not self.run.ended.done()

    def must_stop(self) -> bool:
        """Return whether a reason to stop stands."""
        return self.reason is not None

    def follow(self, run: Run, state: AttemptState) -> None:
        """Enter a state in which something runs, whose end wakes the attempt."""
        assert self.reason is None, "an attempt that has to stop starts nothing more"
        self._state, self.run = state, run
        run.ended.add_done_callback(self.wake)

    def stop(self, reason: StopReason) -> StopEffect:
        """Stop the handler, if the attempt still can be stopped for this reason; return what the reason did."""
        effect = STOP_EFFECTS[self.state][reason]
        if StopEffect.DISCARD_REPORT in effect:
            self.reporter.discard_refused()
        if StopEffect.STOP in effect:
            self._state, self.reason, self.cancelled = AttemptState.STOPPING, reason, True
            self.wake()
        return effect

    def refuse(self, refused: Problem) -> None:
        """Stop the handler, and have the job fail for good."""
        if StopEffect.STOP in self.stop(StopReason.REFUSED):
            self.refusal = refused

    def end(self) -> None:
        """The outcome is decided, though the handler may still run: it then learns that it should stop."""
        self._state, self.cancelled = AttemptState.ENDED, True

    def release(self) -> None:
        """Let go of a handler that has ended, which leads back to this object."""
        if not self.handler_runs:
            self.run = None

    # Waiting.

    def wake(self, _: object = None) -> None:
        """Wake the attempt's task, which then looks where the attempt stands."""
        if not self._wakeup.done():
            self._wakeup.set_result(None)

    def expect_wakeup(self) -> None:
        """Forget the wakeups so far: `wakeup` waits for the next."""
        self._wakeup = self._loop.create_future()

    @property
    def wakeup(self) -> "asyncio.Future[None]":
        """Done at the first wakeup since `expect_wakeup`, or since the beginning."""
        return self._wakeup


_ENDS_WITH_RUN = (AttemptState.RUNNING, AttemptState.COMPENSATING)
"""In these states the attempt ends when what runs has ended."""
