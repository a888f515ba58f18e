"""The calls of one queue to the store: each is made again until the store answers."""

from typing import Any

import anyio
import structlog

from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.availability.retry_delay import LONGEST_S, store_retry_delay
from tidings.store.availability.store_errors import ScriptError, StoreError
from tidings_worker.until_answered import until_answered

from .lease_grace import LeaseGrace
from .upkeep_duty import UpkeepDuty

log = structlog.get_logger()


class StoreCaller:
    """Calls the store for everything that serves one queue, and tells `LeaseGrace` which operations it refuses."""

    def __init__(self, store: AttemptStore, streams: list[str], lease_grace: LeaseGrace) -> None:
        """Prepare.

        Args:
            store: the queue's partition.
            streams: what this worker reads of it.
            lease_grace: learns which operations the store refuses and takes.

        """
        self.store = store
        """The queue's partition."""
        self.streams = streams
        """What this worker reads of it."""
        self.duty: UpkeepDuty = UpkeepDuty()
        """Whether this worker keeps it up at full pace."""
        self._lease_grace = lease_grace

    async def join(self) -> None:
        """Create the consumer group of each stream, where it is missing."""
        await self.ask(self.store.join, self.streams)

    async def ask(
        self, operation: Any, *args: Any, longest_s: float = LONGEST_S, give_up: bool = False, **options: Any
    ) -> Any:
        """Call the store until it answers. The health of the store logs that it is away, and back.

        Args:
            operation: a method of `AttemptStore`.
            args: its arguments.
            longest_s: the longest pause between two tries, s.
            give_up: whether to raise at the first refusal.
            options: more arguments.

        Raises:
            ScriptError: the store refused, and `give_up` was wished.

        """
        name = operation.__name__
        tries = _Tries(self, self._lease_grace, longest_s, give_up=give_up)
        answer = await until_answered(lambda _: operation(*args, **options), tries, operation=name)
        if tries.failed_once:
            self._lease_grace.taken(name)
        return answer


class _Tries:
    """The tries of one call: an `Asker` that never stops by itself; who calls cancels the task instead."""

    __slots__ = ("_caller", "_give_up", "_lease_grace", "_longest_s", "failed_once")

    cancelled = False

    def __init__(self, caller: StoreCaller, lease_grace: LeaseGrace, longest_s: float, *, give_up: bool) -> None:
        self._caller = caller
        self._lease_grace = lease_grace
        self._longest_s = longest_s
        self._give_up = give_up
        self.failed_once = False

    async def failed(self, operation: str, error: StoreError, failures: int, *, apart: bool) -> None:
        """See `Asker`. A closed store counts as one that is away: `pause` interrupts a take in this way.

        Raises:
            ScriptError: the store refused, and is not to be asked again.

        """
        self.failed_once = True
        self._lease_grace.refused(operation)
        if isinstance(error, ScriptError):
            if failures == 1:
                log.warning("store_refused", operation=operation, queue=self._caller.store.partition, error=str(error))
            await self._rejoin()
            if self._give_up:
                raise error
        await anyio.sleep(store_retry_delay(failures, self._longest_s))

    async def _rejoin(self) -> None:
        """Create the consumer groups again: a store that lost its data has forgotten them, and refuses for that."""
        try:
            await self._caller.store.join(self._caller.streams)
        except StoreError:
            return  # the next try fails too, and joins again
