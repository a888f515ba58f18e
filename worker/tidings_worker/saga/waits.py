"""The branches of a saga that wait: what ends each wait, and when the saga leaves its worker.

A branch waits for a time, a signal or the end of a child. While another branch has something to do, the saga stays in
its worker, and reads its journal whenever the store has woken it. Once every branch waits, the saga leaves: the attempt
ends, and the store queues the job again when one of the waits is over.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tidings.errors import StoppedError
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.stop_reason import StopReason

from .branch import Activity
from .journal_client import JournalClient, JournalHost

RECHECK_S = 600.0
"""A saga that waits for children comes back at least this often to look at them: a store that lost writes may have
forgotten a child, or that the child has ended."""

IN_PLACE_S = 1.0
"""A branch that waits for a shorter time does so in the worker."""


@dataclass(eq=False, slots=True)
class BranchWait:
    """A branch that waits."""

    news: "asyncio.Future[None]"
    """Done when the wait is over."""
    is_news: Callable[[], bool]
    """Returns whether the journal has what the branch waits for."""
    due_ms: int
    """When the wait ends in any case, by the store's clock; 0: never."""
    signal: str
    """The name of the signal for which it waits; empty: it waits for none."""
    child: bool
    """Whether it waits for a child."""
    counts_as_active: bool = False
    """Whether its branch counts as one that has something to do."""

    @property
    def reads_journal(self) -> bool:
        """Whether news in the journal can end it, and not only the time."""
        return self.child or self.signal != ""


class BranchWaits:
    """The waits of the branches of one attempt."""

    def __init__(self, journal_client: JournalClient, host: JournalHost) -> None:
        self.activity = Activity()
        self.on_idle: Callable[[], object] = lambda: host.stop(StopReason.WAITING)
        """Called when every branch waits."""
        self._journal_client = journal_client
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._waits: dict[str, BranchWait] = {}
        self._waits_at_exit: list[BranchWait] = []
        self._woken_at_exit = 0
        self._woken = False
        """Whether the store has woken the saga since the last read of its journal began."""
        self._reading: asyncio.Task[None] | None = None

    def restart(self, on_idle: Callable[[], object]) -> None:
        """Begin with one active branch again: the compensation, after the handler has ended."""
        self.activity = Activity()
        self.on_idle = on_idle

    def look(self) -> None:
        """Take note that the store has woken the saga: read the journal now, or as soon as a branch waits for news."""
        self._woken = True
        self._read_if_wanted()

    def close(self) -> None:
        """Stop reading the journal."""
        if self._reading is not None:
            self._reading.cancel()

    async def wait_until(self, path: str, due_ms: int = 0) -> None:
        """Return at a time by the store's clock; 0: never, the attempt ends first. See `wait_for_news`."""
        await self.wait_for_news(path, lambda: False, due_ms=due_ms)

    async def wait_for_news(
        self, path: str, is_news: Callable[[], bool], *, due_ms: int = 0, signal: str = "", child: bool = False
    ) -> None:
        """Return when the journal has news for a step, or its time has come; leave the worker if every branch waits.

        Args:
            path: the step's.
            is_news: called after each read of the journal.
            due_ms: when to return in any case, by the store's clock; 0: never.
            signal: the name of the signal for which the step waits, if it does.
            child: whether it waits for a child.

        """
        if is_news():
            return
        left_s = max(due_ms - self._journal_client.now_ms(), 0) / 1000
        in_place = due_ms > 0 and left_s <= IN_PLACE_S
        wait = BranchWait(self._loop.create_future(), is_news, due_ms, signal, child, counts_as_active=in_place)
        timer = self._loop.call_later(left_s, self._resolve, wait) if due_ms else None
        self._waits[path] = wait
        try:
            if not in_place:
                self.activity.block()
                self.leave_if_idle()
            self._read_if_wanted()  # the store may have woken the saga before this branch waited
            await wait.news
        finally:
            if timer is not None:
                timer.cancel()
            del self._waits[path]
            self._resolve(wait)  # a branch that is cancelled while it waits has something to do again

    def leave_if_idle(self) -> None:
        """Have the saga leave its worker if every branch waits."""
        # Only the first time: as the saga leaves, its branches are cancelled one by one, and do not wait any more. The
        # next attempt must be woken for what this one reads while it leaves: so the count of this moment is kept.
        if self.activity.idle and not self._host.cancelled:
            self._waits_at_exit = list(self._waits.values())
            self._woken_at_exit = self._journal_client.woken or 0
            self.on_idle()

    def waiting_outcome(self) -> AttemptOutcome:
        """Return the outcome of an attempt that leaves to wait."""
        dues = [wait.due_ms - self._journal_client.now_ms() for wait in self._waits_at_exit if wait.due_ms]
        if any(wait.child for wait in self._waits_at_exit):
            dues.append(int(RECHECK_S * 1000))
        awaits = " ".join(sorted({wait.signal for wait in self._waits_at_exit if wait.signal}))
        return outcomes.waiting(max(min(dues), 0) if dues else -1, self._woken_at_exit, f" {awaits} " if awaits else "")

    # Private.

    @property
    def _read_wanted(self) -> bool:
        return self._woken and any(wait.reads_journal for wait in self._waits.values())

    def _read_if_wanted(self) -> None:
        if self._read_wanted and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(), name=f"read journal {self._host.token}")

    async def _read(self) -> None:
        while self._read_wanted:
            self._woken = False  # what wakes the saga from here on may not be in what the store reads
            try:
                await self._journal_client.reload()
            except StoppedError:
                return
            for wait in list(self._waits.values()):
                if wait.is_news():
                    self._resolve(wait)

    def _resolve(self, wait: BranchWait) -> None:
        if not wait.counts_as_active:
            wait.counts_as_active = True
            self.activity.resume()
        if not wait.news.done():
            wait.news.set_result(None)
