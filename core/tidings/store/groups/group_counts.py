"""Where all groups stand in all queues, for operators and metrics."""

from collections.abc import Iterable

import msgspec
from redis.asyncio import Redis

from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.queue_pages import in_pages

from .group_admin import GroupAdmin, GroupView


class GroupCount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a group stands in one queue."""

    group: str
    queue: str
    follows: list[str]
    """Such as `order.*: succeeded, failed`."""
    behind: int | None
    """Events that it has not handled; None: not known."""
    oldest: float | None
    """How long ago the first of them happened, s; None: there is none."""
    in_hand: int
    """Jobs of which workers handle an event, or an event waits for its next try."""
    handled: int
    missed: int
    """Events that the store trimmed before the group had taken them."""
    missed_at_ms: int
    """When it found that, ms since the epoch; 0: never."""
    dead: int
    paused: bool
    position: str


async def count_groups(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> list[GroupCount]:
    """Return where the groups stand in some queues; a store without groups is asked once.

    Raises:
        StoreError: the store is unavailable.

    """
    if not (await GroupAdmin(store, keys, REGISTRY).read()).groups:
        return []

    async def count(queue: str) -> list[GroupCount]:
        events = await GroupAdmin(store, keys, queue).read()
        return [_group_count(one, queue, events.now_ms) for one in events.groups]

    found = [one async for page in in_pages(sorted(queues), count) for queue in page for one in queue]
    return sorted(found, key=lambda one: (one.group, one.queue))


def _group_count(view: GroupView, queue: str, now_ms: int) -> GroupCount:
    return GroupCount(
        group=view.name,
        queue=queue,
        follows=[f"{one.kinds}: {', '.join(one.names)}" for one in view.patterns],
        behind=None if view.behind < 0 else view.behind,
        oldest=max(now_ms - view.oldest_ms, 0) / 1000 if view.oldest_ms else None,
        in_hand=view.jobs,
        handled=view.handled,
        missed=view.missed,
        missed_at_ms=view.missed_at_ms,
        dead=view.dead,
        paused=view.paused_ms > 0,
        position=view.position,
    )
