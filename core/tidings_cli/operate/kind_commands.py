"""The commands `tidings kinds …`: look at what workers have registered, and remove what no worker serves."""

import difflib
from typing import Annotated, Any

import msgspec
import typer
from redis.asyncio import Redis
from rich.table import Table

from tidings.logging.printable import printable_json_line
from tidings.schema.validation import NoEngineError, compile_schema
from tidings.store.admin.queue_stats import count_queue
from tidings.store.kind_records import RegisteredKinds
from tidings.store.redis.store_client import keys_of
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .dead_letters.letter_view import utc_text
from .local_operator import operator_actions

kinds = typer.Typer(help="Look at the kinds that workers registered, and remove some.", no_args_is_help=True)


class KindRow(msgspec.Struct, kw_only=True):
    """One kind as `tidings kinds list --json` prints it."""

    kind: str
    queue: str | None = None
    workers: int = 0
    served_at: int | None = None
    """When a worker last served it, ms since the epoch; null: the store has no record of one."""
    left_out: str | None = None
    """Why servers cannot use it; null: they can."""


@kinds.command("list")
@store_flags
def list_(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, **flags: Any) -> None:
    """List the kinds, their workers, and why servers leave some out; with --json one object a line."""

    async def run(store: Redis) -> None:
        lines = await _lines(store)
        if as_json:
            for line in lines:
                print(printable_json_line(line))  # noqa: T201 - this is the command line
        elif lines:
            open_console().print(_table(lines))
        else:
            open_console().print("No worker has registered any kind yet: start one with `tidings work MODULE`.")

    with_store(flags, run)


@kinds.command("remove")
@store_flags
def remove(
    names: Annotated[list[str], typer.Argument(metavar="KIND...", help="The kinds.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Remove them even where jobs of their queue wait.")] = False,
    **flags: Any,
) -> None:
    """Remove kinds that no worker serves: servers then refuse their jobs."""

    async def run(store: Redis) -> None:
        registry = Registry(store, keys_of(store))
        found = await registry.read()
        known = found.records.keys() | found.left_out.keys()
        for name in names:
            if name not in known:
                raise CommandError(_unknown(name, sorted(known)))
        serving = {kind: worker.worker for worker in await registry.workers() for kind in worker.kinds}
        for name in names:
            if name in serving:
                raise CommandError(
                    f"the worker {serving[name]} serves {name}, and would register it again: stop its workers first"
                )
            if not force:
                await _refuse_waiting(store, found, name)
        await operator_actions(store).remove_kinds(names)
        open_console().print(cell(f"Removed: {', '.join(names)}."))

    with_store(flags, run)


async def _refuse_waiting(store: Redis, found: RegisteredKinds, name: str) -> None:
    record = found.records.get(name)
    if record is None:
        return
    waiting = 0
    for partition in found.placements.partitions(record.queue):
        counts = await count_queue(store, keys_of(store), partition, list(record.tiers))
        waiting += sum(one.waiting + one.running for one in counts) + max((one.scheduled for one in counts), default=0)
    if waiting:
        raise CommandError(
            f"{waiting} jobs wait or run in {record.queue}, the queue of {name}: no worker could run those of {name}; "
            "--force removes it all the same"
        )


async def _lines(store: Redis) -> list[KindRow]:
    registry = Registry(store, keys_of(store))
    found = await registry.read()
    last = await registry.last_served([*found.records, *found.left_out])
    workers = await registry.workers()
    lines = [
        *(KindRow(kind=name, left_out=why) for name, why in found.left_out.items()),
        *(KindRow(kind=one.kind, queue=one.queue, left_out=_fault(one.input)) for one in found.records.values()),
    ]
    for line in lines:
        line.served_at = last.get(line.kind)
        line.workers = sum(line.kind in worker.kinds for worker in workers)
    return sorted(lines, key=lambda line: line.kind)


def _fault(schema: msgspec.Raw) -> str | None:
    """Return why a server would leave the kind out; None: it would not, or the engine is not installed here."""
    try:
        compile_schema(msgspec.json.decode(schema))
    except ValueError as error:
        return f"input: {error}"
    except NoEngineError:
        return None
    return None


def _table(lines: list[KindRow]) -> Table:
    table = Table("kind", "queue", "workers", "last served (UTC)", "left out")
    for line in lines:
        served = utc_text(line.served_at) if line.served_at else ""
        table.add_row(*map(cell, (line.kind, line.queue or "", str(line.workers), served, line.left_out or "")))
    return table


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known[:10]) or 'none'}"
    return f"there is no kind {name}; {hint}"
