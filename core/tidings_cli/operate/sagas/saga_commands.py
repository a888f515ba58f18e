"""The commands `tidings saga …`: look at running sagas, release those that are held, pin them to their version."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from redis.asyncio import Redis
from rich.table import Table

from tidings.logging.printable import printable_json_line
from tidings.protocol.tokens import Token, parse_token
from tidings.store.admin.sagas.running_sagas import RunningSaga, SagaFilter, running_sagas
from tidings.store.admin.sagas.saga_actions import SagaAction
from tidings.store.redis.store_client import keys_of
from tidings_cli.command_errors import EXIT_MISTAKE, CommandError
from tidings_cli.operate.local_operator import operator_actions
from tidings_cli.operate.queue_names import chosen_queues
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .replay_commands import KindName, QueueName, Version, export, replay

saga = typer.Typer(help="Look at running sagas, and say what becomes of them over deploys.", no_args_is_help=True)
saga.command()(export)
saga.command()(replay)

Tokens = Annotated[list[str] | None, typer.Argument(help="Tokens of the sagas; or say --kind.")]

_SAID = {
    "same": "nothing was to do",
    "finished": "it has ended",
    "no_saga": "it is no saga, or has taken no step yet",
    "unknown": "there is no such job",
}


@saga.command("list")
@store_flags
def list_(
    *,
    queue: QueueName = "",
    kind: KindName = "",
    version: Version = 0,
    diverged: Annotated[
        bool, typer.Option("--diverged", help="Those that are held, because the workers' code takes other steps.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as lines of JSON.")] = False,
    **flags: Any,
) -> None:
    """List running sagas: the version with which each began, whether it is pinned to that, and why it is held."""
    console, found = open_console(), []

    async def run(store: Redis) -> None:
        wanted = SagaFilter(kind=kind, version=version, held=diverged)
        async for page in running_sagas(store, keys_of(store), await chosen_queues(store, queue), wanted):
            found.extend(page)
            if len(found) > limit:
                break

    with_store(flags, run)
    if as_json:
        for one in found[:limit]:
            print(printable_json_line(one))  # noqa: T201 - this is the command line
        return
    if not found:
        console.print(cell("No saga is held." if diverged else "No saga runs."))
        return
    console.print(_table(found[:limit]))
    if len(found) > limit:
        console.print(cell("There are more; --limit shows them."))


@saga.command()
@store_flags
def release(tokens: Tokens = None, *, kind: KindName = "", version: Version = 0, **flags: Any) -> None:
    """Have held sagas tried again by whichever worker takes them; one whose code does not fit holds them again."""
    _act(SagaAction.RELEASE, tokens, SagaFilter(kind=kind, version=version, held=True), flags)


@saga.command()
@store_flags
def pin(tokens: Tokens = None, *, kind: KindName = "", version: Version = 0, **flags: Any) -> None:
    """Have sagas run only on workers whose own version of the kind is that with which they began, not by an upcast."""
    _act(SagaAction.PIN, tokens, SagaFilter(kind=kind, version=version), flags)


@saga.command()
@store_flags
def unpin(tokens: Tokens = None, *, kind: KindName = "", version: Version = 0, **flags: Any) -> None:
    """Let pinned sagas run on workers with an upcast for their version again."""
    _act(SagaAction.UNPIN, tokens, SagaFilter(kind=kind, version=version), flags)


def _act(act: SagaAction, tokens: list[str] | None, wanted: SagaFilter, flags: dict[str, Any]) -> None:
    """Do something to the sagas that the tokens, or else kind and version, name; exit with 1 if one could not be."""
    if bool(tokens) == bool(wanted.kind):
        raise CommandError("name the sagas by their tokens, or all of a kind by --kind, and not both")
    named = [_parsed(one) for one in tokens or ()]
    console, failed, done = open_console(), 0, 0

    async def run(store: Redis) -> None:
        nonlocal failed, done
        actions = operator_actions(store)
        chosen = named or await _chosen(store, wanted)
        for queue in sorted({one.partition for one in chosen}):
            jobs = [one.id for one in chosen if one.partition == queue]
            for job, answer in zip(jobs, await actions.act_on_sagas(act, queue, jobs), strict=True):
                done += answer == "ok"
                if named and answer != "ok":
                    failed += answer != "same"
                    said = _SAID.get(answer, answer.removeprefix("!"))
                    console.print(cell(f"{Token(queue, job)}: {said}.", style="yellow"))

    with_store(flags, run)
    console.print(cell(f"{done} sagas: {act} done."))
    if failed:
        raise typer.Exit(EXIT_MISTAKE)


async def _chosen(store: Redis, wanted: SagaFilter) -> list[Token]:
    found: list[Token] = []
    async for page in running_sagas(store, keys_of(store), await chosen_queues(store, ""), wanted):
        found += [_parsed(one.token) for one in page]
    return found


def _parsed(token: str) -> Token:
    found = parse_token(token)
    if found is None:
        raise CommandError(f"{token!r} is no token of a job")
    return found


def _table(sagas: Iterable[RunningSaga]) -> Table:
    table = Table("saga", "kind", "version", "status", "submitted (UTC)", "why it is held")
    for one in sagas:
        marks = [mark for mark, stands in (("pinned", one.pinned), ("undoes its work", one.unwinding)) if stands]
        status = ", ".join(["held" if one.held is not None else one.status, *marks])
        submitted = datetime.fromtimestamp(one.submitted / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        why = "" if one.held is None else one.held.detail
        table.add_row(*map(cell, (one.token, one.kind, str(one.version), status, submitted, why)))
    return table
