"""The names of queues that operators give on the command line."""

from collections.abc import Sequence

from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError


async def known_queues(store: Redis) -> list[str]:
    """Return the queues of all kinds that workers have registered, sorted."""
    return sorted({kind.queue for kind in (await Registry(store, StoreKeys()).kinds()).values()})


def unknown_queue(queue: str, known: Sequence[str]) -> CommandError:
    """Return the error of a name that no queue has."""
    return CommandError(f"there is no queue {queue!r}; known: {', '.join(known) or 'none'}")


async def chosen_queues(store: Redis, queue: str) -> list[str]:
    """Return the queue that an operator names, or all that are known where the name is empty.

    Raises:
        CommandError: no queue has the name.

    """
    known = await known_queues(store)
    if queue and queue not in known:
        raise unknown_queue(queue, known)
    return [queue] if queue else known
