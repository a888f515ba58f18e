"""A breaker's states, and what moves it between them. Pure; the time is passed in.

::

              too many calls failed, or were slow
      closed ────────────────────────────────────> open <──┐
        ^                                           │      │
        │                              its time     │      │ the trial failed,
        │                              has passed:  │      │ or was slow
        │    the trial succeeded       one may try  v      │
        └─────────────────────────────────────── half_open ┘

Rules:

* `epoch` rises with every change, also of who tries: of two messages about a breaker the one with the higher epoch
  is the newer.
* A call belongs to the epoch in which it was let through. What is reported of another changes nothing: a call that
  was on its way when the breaker opened does not count when it has closed again.
* There is at most one trial. It has a lease, which its worker renews: that of a worker that was killed runs out, and
  another may try.
* The window is a row of slices, each a tenth of it long, which begins with the first call after the one before it.
* An operator may open it (for a time, or until it is closed), close it (and hold it closed for a time, in which it
  counts and does not open), and have it forget everything.

`broker/lua/breaker.lua` does the same, step by step, in the store; a test compares the two.
"""

from enum import StrEnum
from typing import Final

import msgspec

WINDOW_SLICES: Final = 10
"""Slices of a window."""

MAX_KEPT_FAILURES: Final = 5
"""Failures that are kept with their text: the newest."""


class BreakerState(StrEnum):
    """The state of a breaker."""

    CLOSED = "closed"
    """Calls go through, and are counted."""
    OPEN = "open"
    """No call goes through."""
    HALF_OPEN = "half_open"
    """One call goes through, or may: the trial."""


class BreakerSpec(msgspec.Struct, array_like=True, frozen=True):
    """What a breaker goes by; see `Breaker`, from which it is made."""

    failure_rate: float = 0.5
    window_ms: int = 30_000
    min_calls: int = 20
    slow_ms: int = 0
    """0: no call is slow."""
    slow_rate: float = 0.5
    open_ms: int = 10_000


class WindowSlice(msgspec.Struct, array_like=True):
    """A part of the window."""

    start: int
    """When it began, ms since the epoch."""
    calls: int = 0
    failures: int = 0
    slow: int = 0


class CallFailure(msgspec.Struct, array_like=True, frozen=True):
    """A failure, for people."""

    at: int
    """ms since the epoch."""
    kind: str
    """The kind of the job that called."""
    worker: str
    text: str


class BreakerView(msgspec.Struct, array_like=True, frozen=True):
    """What all processes need to know of a breaker; also what is announced when it changes."""

    name: str
    state: BreakerState
    epoch: int
    wait_ms: int
    """Until a call may try, from the moment this was written; 0: now; -1: not before an operator says so."""
    reason: str = ""
    """Why it is in this state: `failures`, `slow`, `due`, `trial`, `operator`."""


class BreakerRecord(msgspec.Struct, array_like=True):
    """One breaker; its record in the store is this, as an array. Times are ms since the epoch, by the store's clock."""

    state: BreakerState = BreakerState.CLOSED
    epoch: int = 0
    since: int = 0
    """When it came into its state; 0: it has never been in another."""
    until: int = 0
    """When a call may try, if it is open; 0: when an operator says so."""
    trial: str = ""
    """Who tries; empty: nobody, and somebody may."""
    trial_until: int = 0
    """When the trial's lease ends."""
    hold_until: int = 0
    """Until then it does not open by itself."""
    opened: int = 0
    """How often it has opened."""
    reason: str = ""
    spec: BreakerSpec = BreakerSpec()
    """What the last call went by."""
    slices: list[WindowSlice] = msgspec.field(default_factory=list)
    notes: list[CallFailure] = msgspec.field(default_factory=list)
    """The last failures, the oldest first."""

    # What calls do.

    def report(
        self, now: int, epoch: int, calls: int, failures: int, slow: int, spec: BreakerSpec, notes: list[CallFailure]
    ) -> str:
        """Count calls that were let through in `epoch`; return `ok`, or `stale`: they do not count any more."""
        if self.state is not BreakerState.CLOSED or epoch != self.epoch:
            return "stale"
        self.spec = spec
        self._keep(notes)
        self._count(now, calls, failures, slow)
        all_calls, all_failures, all_slow = self.totals
        if now >= self.hold_until and all_calls >= spec.min_calls:
            if all_failures >= spec.failure_rate * all_calls:
                self._open(now, now + spec.open_ms, "failures")
            elif spec.slow_ms > 0 and all_slow >= spec.slow_rate * all_calls:
                self._open(now, now + spec.open_ms, "slow")
        return "ok"

    def enter(self, now: int, trial: str, lease_ms: int) -> str:
        """Ask for a call; return `closed` (go on), `trial` (go on, and say how it went), or `refused`."""
        if self.state is BreakerState.CLOSED:
            return "closed"
        if self.trial != trial or self.state is BreakerState.OPEN:
            if self.wait_ms(now) != 0:
                return "refused"
            if self.state is BreakerState.OPEN:
                self._become(now, BreakerState.HALF_OPEN, "due")
            else:
                self.epoch += 1
            self.trial = trial
        self.trial_until = now + lease_ms
        return "trial"

    def renew(self, now: int, trial: str, lease_ms: int) -> str:
        """Renew the lease of a trial; return `ok`, or `stale`: it is not the trial any more."""
        if not self._is_trial(trial):
            return "stale"
        self.trial_until = now + lease_ms
        return "ok"

    def leave(self, now: int, trial: str, result: str, spec: BreakerSpec, notes: list[CallFailure]) -> str:
        """End a trial; return `ok`, or `stale`.

        Args:
            now: the time.
            trial: which.
            result: `ok`, `failures`, `slow`, or `void`: it says nothing of the service, and another may try.
            spec: what it goes by.
            notes: what failed.

        """
        if not self._is_trial(trial):
            return "stale"
        self.spec = spec
        self._keep(notes)
        if result == "void":
            self.trial, self.trial_until = "", 0
            self.epoch += 1
        elif result == "ok":
            self._become(now, BreakerState.CLOSED, "trial")
        else:
            self._open(now, now + spec.open_ms, result)
        return "ok"

    # What operators do.

    def open(self, now: int, for_ms: int) -> str:
        """Open it, for a time (0: until it is closed)."""
        self._open(now, now + for_ms if for_ms > 0 else 0, "operator")
        return "ok"

    def close(self, now: int, for_ms: int) -> str:
        """Close it, and hold it closed for a time (0: it may open again at once)."""
        self._become(now, BreakerState.CLOSED, "operator")
        self.hold_until = now + for_ms if for_ms > 0 else 0
        return "ok"

    def reset(self, now: int) -> str:
        """Forget everything but the epoch."""
        self._become(now, BreakerState.CLOSED, "operator")
        self.opened, self.notes, self.spec = 0, [], BreakerSpec()
        return "ok"

    # What it tells.

    @property
    def totals(self) -> tuple[int, int, int]:
        """Calls, failures and slow calls in the window, as of the last call."""
        return (
            sum(one.calls for one in self.slices),
            sum(one.failures for one in self.slices),
            sum(one.slow for one in self.slices),
        )

    def wait_ms(self, now: int) -> int:
        """Return how long until a call may try; 0: now; -1: not before an operator says so."""
        if self.state is BreakerState.OPEN:
            return max(self.until - now, 0) if self.until > 0 else -1
        if self.state is BreakerState.HALF_OPEN and self.trial:
            return max(self.trial_until - now, 0)
        return 0

    def view(self, name: str, now: int) -> BreakerView:
        """Return what others need to know."""
        return BreakerView(name, self.state, self.epoch, self.wait_ms(now), self.reason)

    # Private.

    def _is_trial(self, trial: str) -> bool:
        return self.state is BreakerState.HALF_OPEN and self.trial == trial

    def _open(self, now: int, until: int, reason: str) -> None:
        self._become(now, BreakerState.OPEN, reason)
        self.until = until
        self.opened += 1

    def _become(self, now: int, state: BreakerState, reason: str) -> None:
        self.state, self.reason, self.since = state, reason, now
        self.epoch += 1
        self.until, self.trial, self.trial_until, self.hold_until = 0, "", 0, 0
        self.slices = []

    def _count(self, now: int, calls: int, failures: int, slow: int) -> None:
        window = self.spec.window_ms
        self.slices = [one for one in self.slices if now - one.start < window]
        if not self.slices or (now - self.slices[-1].start) * WINDOW_SLICES >= window:
            self.slices.append(WindowSlice(now))
        last = self.slices[-1]
        last.calls += calls
        last.failures += failures
        last.slow += slow

    def _keep(self, notes: list[CallFailure]) -> None:
        self.notes = (self.notes + notes)[-MAX_KEPT_FAILURES:]
