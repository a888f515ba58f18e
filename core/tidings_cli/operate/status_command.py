"""The command `tidings status`: the state of the system at a glance, and for probes by its exit code."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from tidings.logging.printable import printable_json
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX
from tidings.settings.settings import StoreSettings, from_env
from tidings.store.admin.queue_stats import QueueStats, StoreMemory, read_queue_stats, store_memory
from tidings.store.redis.cluster.cluster_store import ClusterStore, NodeView
from tidings.store.redis.store_client import check_store, keys_of, open_store
from tidings_cli.command_errors import EXIT_MISTAKE, EXIT_NO_WORKER, EXIT_STORE
from tidings_cli.store_command import paused_text, store_flags
from tidings_cli.terminal import cell, open_console

from .delivery_view import deliveries_table, delivery_warnings, shown_load
from .group_view import groups_table, warnings_of
from .missing_view import missing_parts


@store_flags
def status(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False, **flags: Any) -> None:
    """Show kinds, workers and queues; exit with 1 if jobs wait that no worker can run, 4 if no worker lives.

    Where nodes of a cluster do not answer it shows the rest, says what is missing, and exits with 3.
    """
    settings = from_env(StoreSettings, overrides=flags)
    stats, memory, nodes, unowned = asyncio.run(_census(settings))
    if as_json:
        print(printable_json({"key_prefix": settings.key_prefix, **msgspec.structs.asdict(stats)}))  # noqa: T201
    else:
        if settings.key_prefix != DEFAULT_KEY_PREFIX:
            open_console().print(cell(f"Key prefix: {settings.key_prefix}"))
        _show(stats, open_console())
        if nodes:
            _show_nodes(nodes, unowned, open_console())
    if memory.nearly_full:
        warning = f"The store holds {memory.used} of {memory.limit} bytes (maxmemory); full, it takes no work."
        Console(stderr=True).print(warning, style="yellow", highlight=False)
    raise typer.Exit(_code(stats))


def _code(stats: QueueStats) -> int:
    if stats.missing is not None:
        return EXIT_STORE
    if stats.unserved or stats.unserved_kinds or stats.held_sagas:
        return EXIT_MISTAKE
    return 0 if any(not one.only_delivers for one in stats.workers) else EXIT_NO_WORKER


async def _census(settings: StoreSettings) -> tuple[QueueStats, StoreMemory, list[NodeView], int]:
    await check_store(settings.store_url)
    store = open_store(settings.store_url, key_prefix=settings.key_prefix)
    try:
        stats = await read_queue_stats(store, keys_of(store), deliveries=True, sagas=True)
        memory = await store_memory(store)
        return (stats, memory, store.views(), store.unowned_slots) if isinstance(store, ClusterStore) else (
            stats, memory, [], 0
        )  # fmt: skip
    finally:
        await store.aclose()


def _show_nodes(nodes: list[NodeView], unowned: int, console: Console) -> None:
    table = Table("node", "slots", title="Nodes of the store", title_justify="left")
    for node in nodes:
        table.add_row(cell(node.address), str(node.slots))
    console.print(table)
    if unowned:
        console.print(cell(f"No node holds {unowned} slots: jobs of their queues wait.", style="red"))


def _recurs(kind: KindRecord) -> str:
    if kind.every is not None:
        return f"every {kind.every:g} s"
    return f"{kind.cron} {kind.timezone}" if kind.cron is not None else ""


def _sagas_table(stats: QueueStats) -> Table:
    table = Table("saga", "version", "queue", "running or waiting", title="Sagas", title_justify="left")
    for one in stats.sagas:
        table.add_row(*map(cell, (one.kind, str(one.version), one.queue, str(one.sagas))))
    return table


def _show(stats: QueueStats, console: Console) -> None:
    columns = ("queue", "tier", "waiting", "oldest", "running", "scheduled", "dead")
    queues = Table(*columns, title="Queues", title_justify="left")
    for one in stats.queues:
        oldest = "" if one.oldest is None else f"{one.oldest:.1f} s"
        counts = map(str, (one.running, one.scheduled, one.dead))
        queues.add_row(cell(one.queue), cell(one.tier), str(one.waiting), oldest, *counts)
    kinds = Table("kind", "version", "queue", "tier", "recurs", "description", title="Kinds", title_justify="left")
    for kind in stats.kinds:
        row = (kind.kind, kind.version, kind.queue, " ".join(kind.tiers), _recurs(kind), kind.description)
        kinds.add_row(*map(cell, row))
    heads = ("worker", "version", "running", "slots", "delivering", "kinds")
    workers = Table(*heads, title="Workers", title_justify="left")
    for worker in stats.workers:
        slots = " ".join(f"{tier}={owned}" for tier, owned in worker.tiers.items()) or str(worker.slots)
        about = (worker.worker, worker.version, worker.running, slots, shown_load(worker), " ".join(worker.kinds))
        workers.add_row(*map(cell, about))
    more = [groups_table(stats.groups)] if stats.groups else []
    more += [deliveries_table(stats.deliveries)] if stats.deliveries else []
    more += [_sagas_table(stats)] if stats.sagas else []
    for table in (queues, kinds, workers, *more):
        console.print(table)
    for text in missing_parts(stats.missing):
        console.print(cell(text, style="red"))
    _warn(stats, console)


def _warn(stats: QueueStats, console: Console) -> None:
    if stats.knows_workers and all(one.only_delivers for one in stats.workers):
        console.print(cell("No worker lives.", style="red"))
    for queue in stats.paused:
        console.print(cell(paused_text(queue), style="yellow"))
    for text in (*warnings_of(stats.groups), *delivery_warnings(stats.deliveries, stats.workers)):
        console.print(cell(text, style="yellow"))
    for queue in stats.unserved:
        console.print(cell(f"Jobs wait in {queue}, and no worker serves it.", style="red"))
    for text in (*_unserved(stats), *_held(stats)):
        console.print(cell(text, style="red"))


def _unserved(stats: QueueStats) -> Iterator[str]:
    for wait in stats.unserved_kinds:
        yield f"{wait.jobs} jobs of {wait.wanted} wait in {wait.queue}, and no worker serves that kind."


def _held(stats: QueueStats) -> Iterator[str]:
    for held in stats.held_sagas:
        yield (
            f"{held.sagas} sagas of {held.kind} in version {held.version} are held in {held.queue}: they have taken "
            "other steps than the code that tried them takes. `tidings saga list --diverged` says which."
        )
