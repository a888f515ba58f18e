"""The commands `tidings pause QUEUE` and `tidings resume QUEUE`: have workers take nothing, or take again."""

import getpass
from typing import Annotated, Any

import typer
from redis.asyncio import Redis

from tidings.settings import StoreSettings
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.keys import StoreKeys
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError
from tidings_cli.setting_flags import with_flags
from tidings_cli.store_command import with_store
from tidings_cli.terminal import cell, open_console

Queue = Annotated[str, typer.Argument(help="The queue's name.")]

_flags = with_flags(StoreSettings, leave_out=("log_format", "log_level", "result_ttl_s", "chronicle"))


@_flags
def pause(queue: Queue, **flags: Any) -> None:
    """Have the workers of a queue take nothing; what runs goes on, and submissions are accepted."""

    async def run(store: Redis) -> None:
        known = sorted({kind.queue for kind in (await Registry(store, StoreKeys()).kinds()).values()})
        if queue not in known:
            raise CommandError(f"there is no queue {queue!r}; known: {', '.join(known) or 'none'}")
        fresh = await PausedQueues(store, StoreKeys()).pause(queue, f"{getpass.getuser()} (tidings pause)")
        if fresh:
            text = f"{queue} is paused: its workers take nothing. `tidings resume {queue}` ends it."
        else:
            text = f"{queue} was paused already."
        open_console().print(cell(text))

    with_store(flags, run)


@_flags
def resume(queue: Queue, **flags: Any) -> None:
    """Have the workers of a paused queue take again."""

    async def run(store: Redis) -> None:
        was_paused = await PausedQueues(store, StoreKeys()).resume(queue)
        text = f"The workers of {queue} take again." if was_paused else f"{queue} was not paused."
        open_console().print(cell(text))

    with_store(flags, run)
