"""The model of a breaker: every transition of `breaker.lua` in plain Python.

A test has the script and the model take the same operations and compares every answer. Production code reads breakers
and never changes them: only the script does.
"""

from typing import Final

import msgspec

from tidings.circuit.breaker_record import (
    MAX_KEPT_FAILURES,
    BreakerRecord,
    BreakerSpec,
    BreakerState,
    BreakerView,
    CallFailure,
    WindowSlice,
)

WINDOW_SLICES: Final = 10
"""Slices of a window."""


class BreakerModel(BreakerRecord):
    """A breaker that takes operations; the caller passes the time."""

    @property
    def record(self) -> BreakerRecord:
        """The breaker as the store holds it."""
        return BreakerRecord(*msgspec.structs.astuple(self))

    def view(self, name: str, now: int) -> BreakerView:
        """Return the announcement of its state."""
        return BreakerView(name, self.state, self.epoch, self.wait_ms(now), self.reason)

    # What calls do.

    def report(
        self, now: int, epoch: int, calls: int, failures: int, slow: int, spec: BreakerSpec, notes: list[CallFailure]
    ) -> str:
        """Count calls that the breaker let through in `epoch`; return `ok`, or `stale`: it ignores them."""
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
        """Ask for a call; return `closed` (go on), `trial` (go on, then call `leave`), or `refused`."""
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
        """Renew the lease of a trial; return `ok`, or `stale`: another call is the trial, or none is."""
        if not self._is_trial(trial):
            return "stale"
        self.trial_until = now + lease_ms
        return "ok"

    def leave(self, now: int, trial: str, result: str, spec: BreakerSpec, notes: list[CallFailure]) -> str:
        """End a trial; return `ok`, or `stale`.

        Args:
            now: the time.
            trial: its id.
            result: `ok`, `failures`, `slow`, or `void`: it says nothing of the service, and another call may try.
            spec: the breaker's numbers.
            notes: the failures.

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
        """Open it, for a time (0: until an operator closes it)."""
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
