"""The commands `tidings saga export` and `tidings saga replay`: try new code on sagas that run, before its deploy."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer
from redis.asyncio import Redis
from rich.table import Table

import tidings
from tidings.logging.printable import printable_json_line
from tidings.saga.recorded_saga import RecordedSaga, end_line, head_line, saga_line
from tidings.store.admin.sagas.running_sagas import SagaFilter
from tidings.store.admin.sagas.saga_recordings import record_sagas
from tidings.store.redis.store_client import keys_of
from tidings_cli.command_errors import EXIT_MISTAKE, CommandError
from tidings_cli.operate.queue_names import chosen_queues
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, error_console, open_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidings.testing import SagaReplay

MAX_BYTES = 268_435_456
"""Bytes of a file, unless the operator says otherwise."""

KindName = Annotated[str, typer.Option("--kind", help="Of this kind.")]
Version = Annotated[int, typer.Option("--version", min=0, help="Of this version of the kind; 0: of every.")]
QueueName = Annotated[str, typer.Option("--queue", help="Of this queue; without it: of all.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="At most so many sagas.")]


@store_flags
def export(
    *,
    output: Annotated[Path | None, typer.Option(help="The file to write; without it: standard output.")] = None,
    queue: QueueName = "",
    kind: KindName = "",
    version: Version = 0,
    limit: Limit = 1_000,
    max_bytes: Annotated[int, typer.Option(min=1_024, help="At most so many bytes.")] = MAX_BYTES,
    **flags: Any,
) -> None:
    """Write the journals of running sagas to a file, with their inputs and results: keep it as you keep those."""
    written, whole = 0, True

    async def run(store: Redis) -> None:
        nonlocal written, whole
        left = max_bytes
        with _opened(output) as file:
            file.write(head_line(tidings.__version__))
            async for saga in _recorded(store, queue, SagaFilter(kind=kind, version=version)):
                line = saga_line(saga)
                left -= len(line)
                if written == limit or left < 0:
                    whole = False
                    break
                file.write(line)
                written += 1
            file.write(end_line(written, whole=whole))

    with_store(flags, run)
    more = "" if whole else "; there are more: --limit and --max-bytes say how many may be written"
    error_console().print(f"{written} sagas{more}.")


@store_flags
def replay(
    modules: Annotated[list[str], typer.Argument(help="Modules with jobs, as they are about to be deployed.")],
    *,
    recorded: Annotated[
        str, typer.Option(help="What is replayed: `store`, or a file of `tidings saga export`.")
    ] = "store",
    queue: QueueName = "",
    kind: KindName = "",
    version: Version = 0,
    limit: Limit = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of each as a line of JSON.")] = False,
    **flags: Any,
) -> None:
    """Replay the journals of running sagas against the code of some modules; exit with 1 if it does not fit one."""
    wanted = SagaFilter(kind=kind, version=version)
    if recorded == "store":
        source: list[RecordedSaga] | Path = _from_store(queue, wanted, limit, flags)
    else:
        source = Path(recorded)
    found = asyncio.run(_replay(source, modules, limit))
    _show(found, as_json=as_json)
    if not all(one.fits for one in found):
        raise typer.Exit(EXIT_MISTAKE)


def _from_store(queue: str, wanted: SagaFilter, limit: int, flags: dict[str, Any]) -> list[RecordedSaga]:
    found: list[RecordedSaga] = []

    async def run(store: Redis) -> None:
        async for saga in _recorded(store, queue, wanted):
            found.append(saga)
            if len(found) == limit:
                break

    with_store(flags, run)
    return found


async def _recorded(store: Redis, queue: str, wanted: SagaFilter) -> AsyncIterator[RecordedSaga]:
    async for saga in record_sagas(store, keys_of(store), await chosen_queues(store, queue), wanted):
        yield saga


async def _replay(source: list[RecordedSaga] | Path, modules: list[str], limit: int) -> "list[SagaReplay]":
    from tidings.testing import TestingError  # noqa: PLC0415 - what it needs comes with the extra `worker`
    from tidings.testing.replays import each_replay  # noqa: PLC0415

    try:
        loader: Any = import_module("tidings_worker.loading.loader")
    except ModuleNotFoundError as error:
        missing = f"`tidings saga replay` needs the worker ({error.name} is missing): pip install 'tidings[worker]'"
        raise CommandError(missing) from None
    found = []
    try:
        async for one in each_replay(source, modules):
            found.append(one)
            if len(found) == limit:
                break
    except (TestingError, loader.LoadError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{source}: {error.strerror}") from None
    return found


def _show(found: "list[SagaReplay]", *, as_json: bool) -> None:
    if as_json:
        for one in found:
            print(printable_json_line(one))  # noqa: T201 - this is the command line
        return
    console = open_console()
    rest = [one for one in found if one.verdict != "fits"]
    if rest:
        table = Table("saga", "kind", "version", "verdict", "step", "why")
        for one in rest:
            table.add_row(*map(cell, (one.token, one.kind, str(one.version), one.verdict, one.path, one.detail)))
        console.print(table)
    console.print(cell(f"{len(found)} sagas replayed, {sum(not one.fits for one in found)} do not fit."))


@contextmanager
def _opened(output: Path | None) -> "Iterator[IO[bytes]]":
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        # It holds what clients have sent: others of the machine do not read it.
        number = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise CommandError(f"{output}: {error.strerror}") from None
    with os.fdopen(number, "wb") as file:
        yield file
