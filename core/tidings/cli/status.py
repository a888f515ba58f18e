"""The command `tidings status`: what the store knows, at a glance; and for probes, by its exit code."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tidings.broker.census import Census, StoreMemory, store_memory, take_census
from tidings.broker.connection import check_store, open_store
from tidings.broker.keys import Keys
from tidings.contract.kind import KindRecord
from tidings.printable import printable_json
from tidings.settings import StoreSettings, from_env

from .console import cell, open_console
from .error import EXIT_MISTAKE, EXIT_NO_WORKER
from .flag import with_flags


@with_flags(StoreSettings, leave_out=("log_format", "log_level", "result_ttl_s", "chronicle"))
def status(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False, **flags: Any) -> None:
    """Show kinds, workers and queues; exit with 1 if jobs wait that no worker serves, 4 if no worker lives."""
    settings = from_env(StoreSettings, overrides=flags)
    census, memory = asyncio.run(_census(settings.store_url))
    if as_json:
        print(printable_json(census))  # noqa: T201
    else:
        _show(census, open_console())
    if memory.nearly_full:
        warning = f"The store holds {memory.used} of {memory.limit} bytes (maxmemory); full, it takes no work."
        Console(stderr=True).print(warning, style="yellow", highlight=False)
    raise typer.Exit(_code(census))


def _code(census: Census) -> int:
    if census.unserved or census.unserved_kinds:
        return EXIT_MISTAKE
    return 0 if census.workers else EXIT_NO_WORKER


async def _census(url: str) -> tuple[Census, StoreMemory]:
    await check_store(url)
    store = open_store(url)
    try:
        return await take_census(store, Keys()), await store_memory(store)
    finally:
        await store.aclose()


def _recurs(kind: KindRecord) -> str:
    if kind.every is not None:
        return f"every {kind.every:g} s"
    return f"{kind.cron} {kind.timezone}" if kind.cron is not None else ""


def _show(census: Census, console: Console) -> None:
    columns = ("queue", "tier", "waiting", "oldest", "running", "scheduled", "dead")
    queues = Table(*columns, title="Queues", title_justify="left")
    for one in census.queues:
        oldest = "" if one.oldest is None else f"{one.oldest:.1f} s"
        counts = map(str, (one.running, one.scheduled, one.dead))
        queues.add_row(cell(one.queue), cell(one.tier), str(one.waiting), oldest, *counts)
    kinds = Table("kind", "version", "queue", "tier", "recurs", "description", title="Kinds", title_justify="left")
    for kind in census.kinds:
        row = (kind.kind, kind.version, kind.queue, " ".join(kind.tiers), _recurs(kind), kind.description)
        kinds.add_row(*map(cell, row))
    workers = Table("worker", "version", "running", "slots", "kinds", title="Workers", title_justify="left")
    for worker in census.workers:
        slots = " ".join(f"{tier}={owned}" for tier, owned in worker.tiers.items()) or str(worker.slots)
        about = (worker.worker, worker.version, worker.running, slots, " ".join(worker.kinds))
        workers.add_row(*map(cell, about))
    for table in (queues, kinds, workers):
        console.print(table)
    if not census.workers:
        console.print(cell("No worker lives.", style="red"))
    for queue in census.paused:
        text = f"{queue} is paused: its workers take nothing. `tidings resume {queue}` ends it."
        console.print(cell(text, style="yellow"))
    for queue in census.unserved:
        console.print(cell(f"Jobs wait in {queue}, and no worker serves it.", style="red"))
    for wait in census.unserved_kinds:
        text = f"{wait.jobs} jobs of {wait.kind} wait in {wait.queue}, and no worker serves that kind."
        console.print(cell(text, style="red"))
