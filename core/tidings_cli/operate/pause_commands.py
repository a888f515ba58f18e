"""The commands `tidings pause QUEUE` and `tidings resume QUEUE`: stop workers from taking jobs, and let them again."""

from typing import Annotated, Any

import typer
from redis.asyncio import Redis

from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .local_operator import operator_actions
from .queue_names import require_queue

Queue = Annotated[str, typer.Argument(help="The queue's name.")]


@store_flags
def pause(queue: Queue, **flags: Any) -> None:
    """Pause a queue: its workers take no jobs, finish those they run, and servers go on accepting submissions."""

    async def run(store: Redis) -> None:
        await require_queue(store, queue)
        if await operator_actions(store).pause(queue):
            text = f"{queue} is paused: its workers take nothing. `tidings resume {queue}` ends it."
        else:
            text = f"{queue} was paused already."
        open_console().print(cell(text))

    with_store(flags, run)


@store_flags
def resume(queue: Queue, **flags: Any) -> None:
    """Resume a paused queue: its workers take jobs again."""

    async def run(store: Redis) -> None:
        was_paused = await operator_actions(store).resume(queue)
        text = f"The workers of {queue} take again." if was_paused else f"{queue} was not paused."
        open_console().print(cell(text))

    with_store(flags, run)
