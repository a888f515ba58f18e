"""The store as deliveries use it: workers take them and report on them, operators read them and act on them."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from redis.asyncio import Redis

from tidings.protocol.timestamps import whole_ms

from .availability.retry_delay import store_retry_delay
from .keys import StoreKeys
from .queue_pages import in_pages
from .redis.batcher import Batcher, Batchers, BatchOptions
from .redis.script import Script

MAX_DEAD_DELIVERIES = 10_000
"""Dead deliveries that a partition keeps."""

PageName = Literal["job", "pending", "done", "dead"]
WebhookAct = Literal["replay", "drop", "pause", "resume"]


class TakenDelivery(msgspec.Struct, array_like=True, frozen=True):
    """A delivery that a worker has taken; texts that are missing are empty."""

    name: str
    """`<job>_<seq>_<n>`."""
    fence: int
    tries: int
    """How often it was tried before."""
    place: str
    url: str
    format: str
    id: str
    """The client's name for the webhook."""
    created_ms: int
    event: str
    seq: int
    tail: str
    """Of the event's frame, from `"event"` on; empty: it was too large."""
    kind: str
    correlation_id: str
    tags: str
    owner: str
    traceparent: str
    field: str = ""
    """`result` or `problem`, where the tail is missing."""
    value: str = ""
    """Its JSON text; empty: it is too large, or the job's record has left."""
    size: int = 0
    """Its size, bytes; 0: the job's record has left."""
    left_out: int = 0
    """Events of the job that got no delivery, as it had too many."""

    def __repr__(self) -> str:
        return f"TakenDelivery({self.name!r})"  # neither the URL nor what is delivered is for logs

    @property
    def job(self) -> str:
        """The id of its job."""
        return self.name.rsplit("_", 2)[0]

    @property
    def webhook_id(self) -> str:
        """The header `webhook-id`, the same in each try."""
        return webhook_id_of(self.name, self.id)


class DeliveryReport(msgspec.Struct, array_like=True, frozen=True):
    """How a try ended; one item of `webhook_report.lua`."""

    name: str
    fence: int
    outcome: Literal["delivered", "again", "dead", "back"]
    delay_ms: int = 0
    """Until the next try."""
    attempt: str = ""
    """JSON text of a `DeliveryTry`; empty: it was not tried."""
    rest_ms: int = 0
    """How long the place gets no deliveries; 0: it does not rest."""


class DeliveryRow(msgspec.Struct, array_like=True, frozen=True):
    """A delivery as the store shows it."""

    name: str
    state: str
    tries: int
    at_ms: int
    """When it is due, or when it came into its state."""
    place: str
    url: str
    format: str
    id: str
    created_ms: int
    event: str
    bytes: int
    tried: str
    """JSON lines."""

    def __repr__(self) -> str:
        return f"DeliveryRow({self.name!r})"


class PlaceRow(msgspec.Struct, array_like=True, frozen=True):
    """A place as the store shows it."""

    place: str
    due: int
    held: int
    rest_ms: int
    """Until when it rests, ms since the epoch; -1: until an operator resumes it; 0: it does not."""


class DeliveryCounts(msgspec.Struct, array_like=True, frozen=True):
    """How many deliveries a partition has."""

    now_ms: int
    pending: int
    oldest_ms: int
    """When the oldest pending was made; 0: there is none."""
    dead: int
    places: int
    paused: int
    overdue_ms: int = 0
    """How long a delivery has been due that no worker took."""


_REPORTS = BatchOptions(pause=store_retry_delay)

_WEBHOOK_TAKE = Script("webhook_take", tuple[int, int, list[TakenDelivery]])
_WEBHOOK_REPORT = Script("webhook_report", list[str])
_WEBHOOK_ACT = Script("webhook_act", list[str], acknowledged=True)
_WEBHOOK_LIST = Script("webhook_list", tuple[int, list[DeliveryRow]])
_WEBHOOK_PLACES = Script("webhook_list", tuple[int, list[PlaceRow]])
_WEBHOOK_COUNT = Script("webhook_count", DeliveryCounts)


class WebhookStore(Batchers):
    """The deliveries of all partitions, to be used as `async with`; all methods raise `StoreError`."""

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        *,
        lease_s: float = 30.0,
        per_place: int = 16,
        result_ttl_s: float = 86_400.0,
        max_bytes: int = 262_144,
    ) -> None:
        """Bind the operations to a store, which stays the caller's to close.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            lease_s: how long a delivery is left to a worker that does not report, s.
            per_place: how many may be under way to one place, over all workers.
            result_ttl_s: how long the deliveries of a job are kept once all are over, s.
            max_bytes: of a result that is delivered.

        """
        super().__init__()
        self._store = store
        self._keys = keys
        self._lease_ms = whole_ms(lease_s)
        self._per_place = per_place
        self._ttl_ms = whole_ms(result_ttl_s)
        self._max_bytes = max_bytes

    async def take(self, partition: str, most: int) -> tuple[int, list[TakenDelivery]]:
        """Take up to `most` deliveries that are due; return also the ms until there may be more (-1: not known)."""
        args = (self._lease_ms, most, self._per_place, self._max_bytes)
        _, wait_ms, found = await _WEBHOOK_TAKE(self._store, self._keys.root(partition), args)
        return wait_ms, found

    def report(self, partition: str, report: DeliveryReport) -> "asyncio.Future[str]":
        """Write how a try ended, with the next batch: `ok`, or `lost`: another worker has the delivery."""

        def call(items: list[DeliveryReport]) -> "asyncio.Future[list[str]]":
            args = (self._per_place, self._ttl_ms, MAX_DEAD_DELIVERIES, items)
            return _WEBHOOK_REPORT(self._store, self._keys.root(partition), args)

        batcher: Batcher[Any, str] = self.gather(("webhooks", partition), call, _REPORTS)
        return batcher.put(report)

    async def page(
        self, partition: str, what: PageName, which: str = "", after: int = 0, most: int = 100
    ) -> tuple[int, list[DeliveryRow]]:
        """Return deliveries, and how many there are.

        Args:
            partition: whose.
            what: those of a job; those that wait or are sent, the oldest first; or those that ended, the newest first.
            which: the job's id; or the only place.
            after: how many to pass over.
            most: how many to return.

        """
        return await _WEBHOOK_LIST(self._store, self._keys.root(partition), (what, which, after, most))

    async def places(self, partition: str, after: int = 0, most: int = 100) -> tuple[int, list[PlaceRow]]:
        """Return the places that have deliveries, or rest; and how many there are."""
        return await _WEBHOOK_PLACES(self._store, self._keys.root(partition), ("places", "", after, most))

    async def act(self, partition: str, act: WebhookAct, names: Sequence[str]) -> list[str]:
        """Do what an operator asks: replay or drop deliveries, pause or resume places.

        Returns:
            For each name `ok`, `gone`, `busy` (a worker is sending it) or `same` (it was so already).

        """
        return await _WEBHOOK_ACT(self._store, self._keys.root(partition), (act, self._per_place, list(names)))

    async def counts(self, partitions: Sequence[str]) -> list[DeliveryCounts]:
        """Return how many deliveries each of some partitions has; some are asked at once.

        Raises:
            StoreError: the store is unavailable.

        """

        async def count(partition: str) -> DeliveryCounts:
            return await _WEBHOOK_COUNT(self._store, self._keys.root(partition), ())

        return [one async for page in in_pages(partitions, count) for one in page]


def webhook_id_of(name: str, given: str) -> str:
    """Return the header `webhook-id` of a delivery: no full stop may be in it (Standard Webhooks)."""
    job, seq, number = name.rsplit("_", 2)
    return f"{given}_{job}_{seq}" if given else f"msg_{job}_{seq}_{number}"
