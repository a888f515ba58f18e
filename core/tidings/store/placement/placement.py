"""The placement of a queue: how many partitions it has, and which of them a job goes to. Pure.

Every change of a placement raises its epoch. The placements before the present one stay in the record, because a job
with an idempotency key may lie where one of them put it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, ClassVar, Final

import msgspec

from tidings.protocol.kinds.kind_record import KindRecord

from .partition_names import MAX_PARTITIONS, partition_names

MAX_EARLIER: Final = 64
"""Placements before the present one that a record keeps."""

MAX_CHANGES: Final = 32
"""How often a queue may be spread in `CHANGES_MS`: a server asks all places in which a key may be known still."""

CHANGES_MS: Final = 31 * 86_400_000
"""The time in which these changes count, ms: longer than most servers remember keys."""

MAX_QUEUES: Final = 1_000
"""Queues that may have a placement."""

Count = Annotated[int, msgspec.Meta(ge=1, le=MAX_PARTITIONS)]


class ReplacedPlacement(msgspec.Struct, frozen=True):
    """A placement that another has replaced."""

    count: Count
    home: list[str]
    ended_ms: int
    """When it was replaced, ms since the epoch by the store's clock."""


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """How the jobs of one queue are spread over its partitions."""

    epoch: Annotated[int, msgspec.Meta(ge=0)]
    """The number of this placement; 0: the queue has not been spread yet."""
    count: Count
    """Over how many partitions new jobs are spread."""
    most: Count
    """How many there have ever been: jobs may lie in each, so each is served and listed."""
    home: list[str] = []
    """Kinds whose jobs all go to the first partition, in which alone a limit, a rate or a unique value is exact."""
    before: Annotated[list[ReplacedPlacement], msgspec.Meta(max_length=MAX_EARLIER)] = []
    """The newest first."""

    def changed_since(self, since_ms: int) -> int:
        """Return how often it has changed since a time, ms since the epoch."""
        return sum(earlier.ended_ms > since_ms for earlier in self.before)

    def after(self, count: int, home: Iterable[str], now_ms: int) -> "Placement":
        """Return the placement that replaces this one at a time, ms since the epoch."""
        ended = ReplacedPlacement(self.count, self.home, now_ms)
        return Placement(
            epoch=self.epoch + 1,
            count=count,
            most=max(self.most, count),
            home=sorted(home),
            before=[ended, *self.before][:MAX_EARLIER],
        )


class Placements:
    """The placements of all queues that have one; of all others the first partition is the only one."""

    def __init__(self, of_queues: Mapping[str, Placement] | None = None) -> None:
        self.of_queues: Mapping[str, Placement] = of_queues or {}

    def __bool__(self) -> bool:
        return bool(self.of_queues)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placements) and self.of_queues == other.of_queues

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def partitions(self, queue: str) -> tuple[str, ...]:
        """Return all partitions of a queue in which jobs may lie, the first first."""
        placement = self.of_queues.get(queue)
        return (queue,) if placement is None else partition_names(queue, placement.most)

    def spread(self) -> dict[str, list[str]]:
        """Return the partitions of each queue that has a placement."""
        return {queue: list(partition_names(queue, one.most)) for queue, one in self.of_queues.items()}

    def all_partitions(self, queues: Iterable[str]) -> list[str]:
        """Return all partitions of some queues."""
        return [partition for queue in queues for partition in self.partitions(queue)]

    def shares(self) -> dict[str, int]:
        """Return for each partition of a queue that has a placement by what the bounds of the queue are divided."""
        return {
            partition: placement.count
            for queue, placement in self.of_queues.items()
            for partition in partition_names(queue, placement.most)
        }


UNSPREAD_QUEUES: Final = Placements()


class KnownPlacements:
    """The placements as a process has read them last."""

    def __init__(self) -> None:
        self.now: Placements = UNSPREAD_QUEUES


def place_of(queue: str, placement: "Placement | ReplacedPlacement", kind: str, value: str) -> str:
    """Return the partition to which a placement sends a job: the same for the same value.

    Args:
        queue: the job's.
        placement: of the queue.
        kind: the job's.
        value: what it is placed by: its idempotency key with owner and kind, or its id.

    """
    if placement.count == 1 or kind in placement.home:
        return queue
    return partition_names(queue, placement.count)[_jump(value, placement.count)]


def earlier_places(queue: str, placement: Placement, kind: str, value: str, since_ms: int) -> Iterator[str]:
    """Yield the other partitions to which placements that were replaced after a time would have sent a job, each once.

    Args:
        queue: the job's.
        placement: of the queue.
        kind: the job's.
        value: what it is placed by.
        since_ms: the time, ms since the epoch.

    """
    known = {place_of(queue, placement, kind, value)}
    for earlier in placement.before:
        if earlier.ended_ms > since_ms and (place := place_of(queue, earlier, kind, value)) not in known:
            known.add(place)
            yield place


def kinds_at_home(records: Mapping[str, KindRecord]) -> set[str]:
    """Return the kinds whose jobs must share one partition: those with a limit, a rate or a unique value.

    A kind whose fallback is such a kind is one of them, because the fallback is queued where the job was to be.
    """

    def bound(record: KindRecord) -> bool:
        return record.limit is not None or record.rate is not None or record.unique is not None

    own = {name for name, record in records.items() if bound(record)}
    return own | {name for name, record in records.items() if record.fallback in own}


def _jump(value: str, count: int) -> int:
    """Return a number from 0 to count - 1 for a value; with a greater count it stays, or is one that was added.

    Source: J. Lamping and E. Veach, A Fast, Minimal Memory, Consistent Hash Algorithm, 2014.
    """
    key = int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "big")
    found, place = -1, 0
    while place < count:
        found = place
        key = (key * 2_862_933_555_777_941_757 + 1) & 0xFFFF_FFFF_FFFF_FFFF
        place = int((found + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return found
