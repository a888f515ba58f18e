"""Which queues an operator's list tells of at a moment."""

from collections.abc import Iterable

from tidings.store.reachable_queues import ReachableQueues, reachable_queues
from tidings_server.runtime import ServerRuntime


async def listed_queues(runtime: ServerRuntime, queues: Iterable[str]) -> ReachableQueues:
    """Return those of some queues whose nodes answer, and what a list lacks without the others.

    Args:
        runtime: of the server.
        queues: the queues, and partitions, that the operator means.

    Raises:
        StoreError: no node of the store's cluster answers, or none that holds one of these queues.

    """
    return await reachable_queues(runtime.client, runtime.keys, queues)
