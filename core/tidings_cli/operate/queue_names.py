"""The names of queues that operators give on the command line."""

from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from tidings.protocol.tokens import queue_of
from tidings.store.admin.queue_stats import MissingParts
from tidings.store.reachable_queues import reachable_queues
from tidings.store.redis.store_client import keys_of
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError
from tidings_cli.terminal import cell, error_console

from .missing_view import missing_parts


async def known_queues(store: Redis) -> list[str]:
    """Return the queues of all kinds that workers have registered, sorted, and each further partition of them."""
    found = await Registry(store, keys_of(store)).read()
    return sorted(found.placements.all_partitions({kind.queue for kind in found.records.values()}))


async def listed_queues(store: Redis, queues: Iterable[str]) -> list[str]:
    """Return those of some queues whose nodes answer; standard error says what is missing without the others.

    Raises:
        StoreError: no node of the cluster answers, or none that holds one of these queues.

    """
    found = await reachable_queues(store, keys_of(store), queues)
    if found.missing_queues:
        for line in missing_parts(
            MissingParts(nodes=found.silent_nodes, queues=found.missing_queues, registry=False, breakers=False)
        ):
            error_console().print(cell(line, style="yellow"))
    return found.names


async def require_queue(store: Redis, queue: str) -> None:
    """Check that workers have registered kinds of a queue.

    Raises:
        CommandError: there is no such queue.

    """
    known = sorted({queue_of(partition) for partition in await known_queues(store)})
    if queue not in known:
        raise unknown_queue(queue, known)


def unknown_queue(queue: str, known: Sequence[str]) -> CommandError:
    """Return the error of a name that no queue has."""
    return CommandError(f"there is no queue {queue!r}; known: {', '.join(known) or 'none'}")


async def chosen_queues(store: Redis, queue: str) -> list[str]:
    """Return the partitions of the queue that an operator names, or of all that are known where the name is empty.

    The name of one partition stands for that alone. Those on nodes of a cluster that do not answer are left out, and
    standard error says so.

    Raises:
        CommandError: no queue has the name.

    """
    known = await known_queues(store)
    if queue and queue not in known:
        raise unknown_queue(queue, known)
    return await listed_queues(store, [name for name in known if queue in ("", name, queue_of(name))])
