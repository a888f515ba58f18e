"""The queues of a cluster of which a list can tell at a moment: those whose nodes answer."""

from collections.abc import Iterable

import msgspec
from redis.asyncio import Redis

from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import store_of


class ReachableQueues(msgspec.Struct, frozen=True):
    """Some queues, and which of them a list has to leave out."""

    names: list[str]
    """Those whose nodes answer, sorted."""
    silent_nodes: list[str] = []
    """The nodes that do not answer (`HOST:PORT`)."""
    missing_queues: list[str] = []
    """The queues that lie on them, sorted."""

    @property
    def told(self) -> dict[str, list[str]]:
        """What an answer says of what it lacks, as fields of `PartialAnswer`."""
        return {"silent_nodes": self.silent_nodes, "missing_queues": self.missing_queues} if self.missing_queues else {}


async def reachable_queues(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> ReachableQueues:
    """Return which of some queues can be asked now. A store alone is not asked whether it answers.

    Args:
        store: a client of it.
        keys: the names of the namespace.
        queues: the names of queues, partitions among them.

    Raises:
        StoreError: no node of the cluster answers, or none that holds one of these queues.

    """
    names = sorted(queues)
    silent = await store_of(store).silent_nodes()
    missing = [name for name in names if silent.hold(keys.root(name))] if silent.addresses else []
    if not missing:
        return ReachableQueues(names)
    if len(missing) == len(names):
        raise StoreUnavailableError(f"{', '.join(silent.addresses)}: no answer; they hold {', '.join(missing)}")
    gone = set(missing)
    return ReachableQueues([name for name in names if name not in gone], list(silent.addresses), missing)
