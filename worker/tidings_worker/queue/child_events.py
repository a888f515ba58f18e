"""The relay of child events: it informs the sagas of any queue how their children in this queue have ended.

The script that ends a child also puts it into the outbox of its queue, in the same atomic step, so that no crash can
lose the event. A worker drains the outbox after the children that it ran, the workers on duty also when they hear of
others, and every worker from time to time. An event that reaches a saga twice changes nothing.
"""

import asyncio
import random
from collections import Counter

import anyio
import structlog

from tidings.logging.log_limit import LogLimiter
from tidings.store.availability.store_errors import ItemError, ScriptError, StoreError
from tidings.store.saga_store import EndedChild, SagaStore, parent_of
from tidings_worker.saga.children import child_end_of

from .upkeep_duty import UpkeepDuty

log = structlog.get_logger()
_limited = LogLimiter(log)

SWEEP_S = 5.0
"""A worker on duty looks into the outbox about this often, even if no announcement says that something is there."""

LEFT_TO_OTHERS_MS = 2_000
"""How long an event is left to the worker that received the announcement, before other workers send it as well."""

FULL_ANSWER_BYTES = 1_048_576
"""An answer of this size may not be the whole outbox, even if it holds fewer children than were asked for."""

CHILDREN_AT_ONCE = 200
"""Children in one call."""


class ChildEventRelay:
    """One worker's part in draining the outbox of one queue."""

    def __init__(self, store: SagaStore, partition: str, duty: UpkeepDuty) -> None:
        """Prepare.

        Args:
            store: reads outboxes, and wakes sagas.
            partition: whose outbox it drains.
            duty: says whether this worker is one of those that do so at full pace.

        """
        self._store = store
        self._partition = partition
        self._duty = duty
        self._wanted = asyncio.Event()
        duty.watch(self._wanted)

    def wake_relay(self) -> None:
        """Look into the outbox now: a child has ended here."""
        self._wanted.set()

    def announce_children(self) -> None:
        """Look into the outbox now, if this worker is on duty."""
        if self._duty.on:
            self._wanted.set()

    async def run(self) -> None:
        """Drain the outbox, until cancelled."""
        while True:
            if not self._wanted.is_set():
                await self._duty.rest(SWEEP_S * (0.5 + random.random()), self._wanted)  # noqa: S311
            announced = self._wanted.is_set()
            self._wanted.clear()
            try:
                await self._drain(0 if announced else LEFT_TO_OTHERS_MS)
            except StoreError as error:
                if isinstance(error, ScriptError):
                    log.warning("store_refused", operation="relay", queue=self._partition, error=str(error))
                if announced:
                    self._wanted.set()
                await anyio.sleep(random.random())  # noqa: S311

    async def _drain(self, before_ms: int) -> None:
        while True:
            found = await self._store.outbox(self._partition, before_ms, CHILDREN_AT_ONCE)
            if not found:
                return
            answers = await asyncio.gather(*(self._inform_parent(ended) for ended in found))
            await self._store.told(self._partition, [ended.entry for ended in found])
            log.debug("children_told", queue=self._partition, **Counter(answers))
            if len(found) < CHILDREN_AT_ONCE and sum(len(one.result) for one in found) < FULL_ANSWER_BYTES:
                return

    async def _inform_parent(self, ended: EndedChild) -> str:
        parent, path = parent_of(ended)
        try:
            return await self._store.wake(parent.partition, child_end_of(ended, self._partition, parent.id, path))
        except ItemError as error:
            # The parent's record cannot be read. Another try would fail in the same way, and hold up other events.
            _limited.error("parent_not_told", cause=self._partition, queue=self._partition, error=str(error))
            return "broken"
