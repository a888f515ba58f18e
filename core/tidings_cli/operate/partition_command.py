"""The command `tidings partitions QUEUE [N]`: over how many partitions a queue is spread, and spreading it."""

from typing import Annotated, Any

import anyio
import msgspec
import typer
from redis.asyncio import Redis
from rich.table import Table

from tidings.logging.printable import printable_json
from tidings.store.admin.queue_stats import QueueCount, count_queue, queues_of
from tidings.store.kind_records import RegisteredKinds
from tidings.store.placement.partition_names import MAX_PARTITIONS
from tidings.store.placement.placement import Placement
from tidings.store.placement.placement_store import UNSPREAD, ChangeLimitError, PlacementStore
from tidings.store.redis.store_client import keys_of
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .local_operator import operator_actions
from .queue_names import require_queue

WORKERS_WITHIN_S = 30.0
"""How long the workers may take to serve new partitions: they learn of them with a heartbeat."""

ASK_EVERY_S = 0.2


class ShownPartitions(msgspec.Struct, frozen=True):
    """What the command prints as JSON."""

    queue: str
    partitions: int
    home: list[str]
    """Kinds whose jobs stay in the first partition."""
    counts: list[QueueCount]
    """Of each partition, also of those to which no new job goes."""


@store_flags
def partitions(
    queue: Annotated[str, typer.Argument(help="The queue's name.")],
    count: Annotated[
        int | None,
        typer.Argument(metavar="[N]", min=1, max=MAX_PARTITIONS, help="Spread its new jobs over so many partitions."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    **flags: Any,
) -> None:
    """Show over how many partitions a queue is spread, or spread it; jobs that are there stay where they are."""

    async def run(store: Redis) -> None:
        await require_queue(store, queue)
        if count is not None:
            await _spread(store, queue, count)
        shown = await _read(store, queue)
        if as_json:
            print(printable_json(shown))  # noqa: T201
        else:
            _show(shown)

    with_store(flags, run)


async def _spread(store: Redis, queue: str, count: int) -> None:
    placements, registry = PlacementStore(store, keys_of(store)), Registry(store, keys_of(store))
    before = (await placements.read()).of_queues.get(queue, UNSPREAD)
    if count != before.count:
        if count > before.most:
            prepared = await placements.prepare(queue, count)
            await _wait_for_workers(registry, queue, prepared)
        found = await registry.read()
        try:
            await operator_actions(store).spread(queue, count, found.records)
        except ChangeLimitError as error:
            raise CommandError(str(error)) from None


async def _wait_for_workers(registry: Registry, queue: str, prepared: Placement | None) -> None:
    """Return when every worker of a queue serves its new partitions: a job there must find a worker.

    Raises:
        CommandError: one does not.

    """
    found = await registry.read()
    assert prepared is not None
    wanted = set(found.placements.partitions(queue)[1:])
    lacking: list[str] = []
    with anyio.move_on_after(WORKERS_WITHIN_S):
        while True:
            workers = [one for one in await registry.workers() if queue in one.queues]
            lacking = [f"{one.worker} ({one.version})" for one in workers if not wanted <= set(one.partitions or ())]
            if not lacking:
                return
            if any(one.partitions is None for one in workers):
                break
            await anyio.sleep(ASK_EVERY_S)
    raise CommandError(
        f"workers of {queue} do not serve its new partitions: {', '.join(lacking[:10])}; its jobs go on to where they "
        "went. A worker of an earlier release serves none: replace it first. Others may need a moment: try again"
    )


async def _read(store: Redis, queue: str) -> ShownPartitions:
    found = await Registry(store, keys_of(store)).read()
    placement = found.placements.of_queues.get(queue, UNSPREAD)
    counts = [one for name in found.placements.partitions(queue) for one in await _counts(store, found, queue, name)]
    return ShownPartitions(queue, placement.count, placement.home, counts)


async def _counts(store: Redis, found: RegisteredKinds, queue: str, partition: str) -> list[QueueCount]:
    tiers = queues_of(found.records.values()).get(queue, set())
    return await count_queue(store, keys_of(store), partition, sorted(tiers))


def _show(shown: ShownPartitions) -> None:
    console = open_console()
    table = Table(
        "partition", "tier", "waiting", "running", "scheduled", "dead", title=shown.queue, title_justify="left"
    )
    for one in shown.counts:
        table.add_row(*map(cell, (one.queue, one.tier, *map(str, (one.waiting, one.running, one.scheduled, one.dead)))))
    console.print(table)
    names = list(dict.fromkeys(one.queue for one in shown.counts))
    text = f"New jobs of {shown.queue} go to {shown.partitions} partition{'s' * (shown.partitions > 1)}."
    if len(names) > shown.partitions:
        text += f" The other {len(names) - shown.partitions} are served too: jobs from before may lie there."
    console.print(cell(text))
    if shown.partitions > 1 and shown.home:
        console.print(cell(f"Kinds with a limit, a rate or unique values stay in the first: {', '.join(shown.home)}."))
