"""The jobs that live, listed for operators: from the ready streams, in which those that run lie too, and the schedule.

What is in neither is not listed, and found by its token alone: sagas that wait for a signal without a time limit, and
jobs that wait for a place of a limit.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.protocol.states import State
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script

LANES = 16

NEEDS = ("thread", "process")
"""As in `lua/lib/waiting/lanes.lua`."""


class JobRow(msgspec.Struct, array_like=True, frozen=True):
    """One job; what is missing is an empty text. Times are ms since the epoch."""

    id: str
    state: str
    kind: str
    tier: str
    attempt: str
    submitted: str
    correlation_id: str
    worker: str
    finished: str
    owner: str = ""
    tags: str = ""
    """With a space between each two."""


class JobSource(NamedTuple):
    """Where jobs lie."""

    kind: Literal["ready", "held", "scheduled"]
    """`held`: those of a ready stream that workers hold, so those that run."""
    queue: str
    tier: str = ""
    lane: str = ""


class JobFilter(NamedTuple):
    """Which jobs are meant; what is empty does not matter."""

    state: str = ""
    kind: str = ""
    correlation_id: str = ""
    since: int = 0
    """ms since the epoch, of the submission."""
    until: int = 0
    owner: str = ""
    tag: str = ""


class ListedJobs(NamedTuple):
    """Some jobs, and where to go on."""

    rows: list[JobRow]
    at: int
    """Number of the place, from 0; that of all places: there are no more."""
    after: str
    """Where in it; empty: at its beginning."""


_LIST = Script("list", tuple[list[JobRow], int, str])

_PLACES: dict[str, tuple[str, ...]] = {
    State.RUNNING: ("held",),
    State.SCHEDULED: ("scheduled",),
    State.WAITING: ("scheduled",),
}
"""In which places those of a state lie, where not in all."""


def job_sources(tiers: dict[str, list[str]], state: str = "") -> Iterator[JobSource]:
    """Yield the places in which jobs of some queues lie, always in one order.

    Args:
        tiers: queue → its tiers.
        state: of which state; empty: of any.

    """
    places = _PLACES.get(state, ("ready", "scheduled"))
    kind: Literal["ready", "held"] = "held" if "held" in places else "ready"
    for queue in sorted(tiers):
        if kind in places:
            for tier in sorted(tiers[queue]):
                yield JobSource(kind, queue, tier)
                yield from (JobSource(kind, queue, tier, str(lane)) for lane in range(LANES))
                yield from (JobSource(kind, queue, tier, need) for need in NEEDS)
        if "scheduled" in places:
            yield JobSource("scheduled", queue)


class JobListing:
    """Lists jobs; whatever asks the store raises `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def page(
        self, places: Sequence[JobSource], found: ListedJobs, wanted: JobFilter, count: int, look: int
    ) -> ListedJobs:
        """Return up to `count` jobs, from where `found` ends, of the places of one queue, and where to go on.

        Args:
            places: all there are; those of one queue stand together.
            found: what the page before gave.
            wanted: which jobs are meant.
            count: jobs at the most, from 1.
            look: jobs and places that are looked at, from 2, whether they are meant or not.

        """
        queue = places[found.at].queue
        beside = [place for place in places[found.at :] if place.queue == queue]
        args = ([(one.kind, one.tier, one.lane) for one in beside], 1, found.after, count, look, tuple(wanted))
        rows, at, after = await _LIST(self._store, self._keys.root(queue), args)
        return ListedJobs(rows, found.at + at - 1, after)

    async def some(self, queue: str, jobs: Iterable[str]) -> list[JobRow]:
        """Return some jobs by their ids, as far as they are known."""
        ids = list(jobs)
        args = ([("ids", ids, "")], 1, "", len(ids) + 1, 2, tuple(JobFilter()))
        rows, _, _ = await _LIST(self._store, self._keys.root(queue), args)
        return rows
