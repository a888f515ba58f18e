"""Where a new job goes: which partition of its queue."""

import random
import time
from typing import NamedTuple

import anyio

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.timestamps import whole_ms
from tidings.store.placement.partition_names import partition_names
from tidings.store.placement.placement import UNSPREAD_QUEUES, Placements, earlier_places, place_of

LEARN_WITHIN_S = 5.0
"""How long a submission that the store has refused as stale waits for a newer placement."""

SLACK_MS = 600_000
"""For so much longer than keys are remembered the partitions of earlier placements are asked: for servers that learned
of a change late, and for clocks that differ."""


class KeyPlace(NamedTuple):
    """Where one placement sends a job with an idempotency key; its parts belong together."""

    partition: str
    epoch: int
    asked_first: tuple[str, ...]
    """Other partitions, in which the key may be known by earlier placements."""


class PartitionChoice:
    """The placements as this server knows them; a queue that has none costs a submission one look-up."""

    def __init__(self, dedup_window_s: float) -> None:
        """Know no placement yet.

        Args:
            dedup_window_s: how long the store remembers a key, s.

        """
        self.placements: Placements = UNSPREAD_QUEUES
        self._window_ms = whole_ms(dedup_window_s) + SLACK_MS
        self._ahead: dict[str, int] = {}
        """Partition → how many jobs were ahead of the newest, as far as acks have said."""
        self._news = anyio.Event()

    def use(self, placements: Placements) -> None:
        """Place by these from now on; this server reads its inbox in all their partitions."""
        self.placements = placements
        news, self._news = self._news, anyio.Event()
        news.set()

    def epoch_of(self, queue: str) -> int:
        """Return the epoch of a queue's placement; 0: it has none."""
        placement = self.placements.of_queues.get(queue)
        return 0 if placement is None else placement.epoch

    def partition_of(self, record: KindRecord) -> str:
        """Return the partition of a new job without an idempotency key: of two lines the shorter."""
        queue = record.queue
        placement = self.placements.of_queues.get(queue)
        if placement is None or placement.count == 1 or record.kind in placement.home:
            return queue
        one, other = random.sample(partition_names(queue, placement.count), 2)
        if self._ahead.get(other, 0) < self._ahead.get(one, 0):
            one, other = other, one
        # What is known of the one that was not chosen grows old: it is to be tried again some time.
        if known := self._ahead.get(other, 0):
            self._ahead[other] = known - 1
        return one

    def place_key(self, queue: str, kind: str, key: str) -> KeyPlace:
        """Return where a job with an idempotency key goes.

        Args:
            queue: the job's.
            kind: its kind.
            key: with owner and kind, as the store has it.

        """
        placement = self.placements.of_queues.get(queue)
        if placement is None:
            return KeyPlace(queue, 0, ())
        since_ms = int(time.time() * 1000) - self._window_ms
        asked = tuple(earlier_places(queue, placement, kind, key, since_ms)) if placement.before else ()
        return KeyPlace(place_of(queue, placement, kind, key), placement.epoch, asked)

    def note(self, partition: str, ahead: int) -> None:
        """Take note of how many jobs were ahead of a new one."""
        self._ahead[partition] = ahead

    async def newer(self, queue: str, epoch: int) -> bool:
        """Wait until this server knows a newer placement of a queue; return whether it came in time."""
        with anyio.move_on_after(LEARN_WITHIN_S):
            while self.epoch_of(queue) <= epoch:
                await self._news.wait()
            return True
        return False
