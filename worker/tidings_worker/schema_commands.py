"""The commands `tidings schema`: what kinds take and give, and whether a change of it breaks anything."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import prometheus_client  # noqa: F401 - of the extra `worker`: without it the command says what to install
import typer
from redis.asyncio import Redis
from rich.table import Table

from tidings.compatibility.kind_changes import KindChange, compare_kinds
from tidings.compatibility.schema_export import ExportError, read_export, write_export
from tidings.logging.printable import printable_json
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.redis.store_client import keys_of
from tidings.store.registry import Registry
from tidings_cli.command_errors import EXIT_MISTAKE, CommandError
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .loading.loader import LoadError, load_jobs

GIT_WITHIN_S = 30.0
"""How long `git show` may take."""

SOURCES = (
    "`store`, a file of `tidings schema export` (FILE.json), its state in a revision (git:REV:FILE.json), or a module"
)

schema = typer.Typer(help="Show what kinds take and give, and whether a change of that breaks anything.")

Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@schema.command()
@store_flags
def export(
    modules: Annotated[
        list[str] | None, typer.Argument(help="Modules with jobs; none: the kinds that the store's registry holds.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write; without it: standard output.")] = None,
    **flags: Any,
) -> None:
    """Write the kinds of some modules, or of a running system, as a file to compare with."""
    data = write_export(_of_modules(modules) if modules else _of_store(flags).values())
    if output is None:
        sys.stdout.write(data.decode())
    else:
        output.write_bytes(data)


@schema.command()
@store_flags
def check(
    modules: Annotated[list[str], typer.Argument(help="Modules with jobs, as they are about to be deployed.")],
    against: Annotated[str, typer.Option(help=f"What they are compared with: {SOURCES}.")] = "store",
    whole: Annotated[
        bool, typer.Option("--whole", help="The modules are all there will be: a kind that they lack is gone.")
    ] = False,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Say whether deploying some modules would break anything; exit with 1 if so."""
    new = {kind.kind: kind for kind in _of_modules(modules)}
    _answer(compare_kinds(_read(against, flags), new, whole=whole), as_json=as_json)


@schema.command()
@store_flags
def diff(
    old: Annotated[str, typer.Argument(help=f"The kinds before: {SOURCES}.")],
    new: Annotated[str, typer.Argument(help="The kinds after, likewise.")] = "store",
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Show what has changed between two states of kinds; exit with 1 if it breaks anything."""
    _answer(compare_kinds(_read(old, flags), _read(new, flags)), as_json=as_json)


def _answer(changes: list[KindChange], *, as_json: bool) -> None:
    if as_json:
        print(printable_json(changes))  # noqa: T201
    elif changes:
        table = Table("kind", "level", "rule", "where", "breaks", "detail", "what to do")
        for one in changes:
            row = (one.kind, one.level, one.rule, one.pointer, ", ".join(one.breaks), one.detail, one.advice)
            table.add_row(*map(cell, row))
        open_console().print(table)
    else:
        open_console().print(cell("Nothing breaks."))
    if any(one.level == "breaking" for one in changes):
        raise typer.Exit(EXIT_MISTAKE)


def _read(source: str, flags: Mapping[str, Any]) -> Mapping[str, KindRecord]:
    if source == "store":
        return _of_store(dict(flags))
    if source.startswith("git:"):
        return _of_file(source, _of_git(source.removeprefix("git:")))
    if source.endswith(".json"):
        try:
            return _of_file(source, Path(source).read_bytes())
        except OSError as error:
            raise CommandError(f"{source}: {error.strerror}") from None
    return {kind.kind: kind for kind in _of_modules([source])}


def _of_file(name: str, data: bytes) -> dict[str, KindRecord]:
    try:
        return read_export(data)
    except ExportError as error:
        raise CommandError(f"{name}: {error}") from None


def _of_git(place: str) -> bytes:
    revision, _, path = place.partition(":")
    if not revision or not path or revision.startswith("-"):
        raise CommandError(f"git:{place} names no file of a revision; write git:REVISION:FILE.json")
    command = ["git", "show", f"{revision}:{path}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_WITHIN_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"`git show` cannot be run: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise CommandError(f"git:{place}: {said}")
    return done.stdout


def _of_modules(modules: list[str]) -> list[KindRecord]:
    try:
        return [job.record() for job in load_jobs(modules)]
    except LoadError as error:
        raise CommandError(str(error)) from None


def _of_store(flags: dict[str, Any]) -> Mapping[str, KindRecord]:
    found: dict[str, KindRecord] = {}

    async def read(store: Redis) -> None:
        found.update(await Registry(store, keys_of(store)).kinds())

    with_store(flags, read)
    return found
