"""How the deliveries to webhooks of all queues stand, for operators."""

from collections.abc import Iterable

import msgspec
from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.webhook_store import DeliveryCounts, WebhookStore


class QueueDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """The deliveries of one queue."""

    queue: str
    pending: int
    """Those that are not over."""
    oldest: float | None
    """How long ago the oldest of them was made, s; None: there is none."""
    overdue: float
    """How long one has been due that no worker took, s."""
    dead: int
    """Those that were given up."""
    paused: int
    """Hosts that operators paused."""


async def count_deliveries(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> list[QueueDeliveries]:
    """Return how the deliveries of some queues stand; a queue that has none, and no paused host, is left out.

    Raises:
        StoreError: the store is unavailable.

    """
    names = sorted(queues)
    counts = await WebhookStore(store, keys).counts(names)
    found = [_of_queue(queue, one) for queue, one in zip(names, counts, strict=True)]
    return [one for one in found if one.pending or one.dead or one.paused]


def _of_queue(queue: str, one: DeliveryCounts) -> QueueDeliveries:
    return QueueDeliveries(
        queue=queue,
        pending=one.pending,
        oldest=max(one.now_ms - one.oldest_ms, 0) / 1000 if one.oldest_ms else None,
        overdue=one.overdue_ms / 1000,
        dead=one.dead,
        paused=one.paused,
    )
