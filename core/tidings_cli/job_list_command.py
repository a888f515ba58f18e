"""The command `tidings jobs`: the caller's own jobs, the newest first."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from tidings.client import Client, ClientError
from tidings.client.connection.address import DEFAULT_URL
from tidings.logging.printable import printable_json_line
from tidings.protocol.frames.listing_messages import ListedJob

from .command_errors import CommandError
from .job_commands import Credential, Url, credential_source
from .terminal import cell, error_console, open_console

SECOND_CHARACTERS = 19
"""Of a moment: to the second, without the offset (it is UTC)."""


def jobs(
    *,
    tag: Annotated[str | None, typer.Option(help="Only jobs with this tag.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only jobs in this state: queued, running, waiting, succeeded, failed, …")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Whose jobs, if not your own: wants the scope admin.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many at the most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    url: Url = DEFAULT_URL,
    credential: Credential = None,
) -> None:
    """List your jobs, the newest first. Without authentication jobs have no owner: name a --tag."""

    async def read() -> tuple[list[ListedJob], bool]:
        client = Client(url, credential=credential_source(credential))
        found: list[ListedJob] = []
        async for job in client.jobs(tag=tag, kind=kind, state=state, owner=owner):
            if len(found) == limit:
                return found, True
            found.append(job)
        return found, False

    try:
        found, more = asyncio.run(read())
    except ClientError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if as_json:
        for job in found:
            print(printable_json_line(job))  # noqa: T201 - this is the command line
    elif found:
        open_console().print(_table(found))
    else:
        open_console().print("There is no such job.")
    if more:
        error_console().print(f"There are more than {limit}: narrow it down, or give a larger --limit.")


def _table(found: list[ListedJob]) -> Table:
    table = Table()
    table.add_column("token", no_wrap=True)  # one copies it
    for name in ("kind", "status", "attempt", "submitted (UTC)", "finished (UTC)", "tags"):
        table.add_column(name, overflow="fold")
    for job in found:
        moments = (_to_the_second(job.submitted), _to_the_second(job.finished or ""))
        table.add_row(*map(cell, (job.token, job.kind, job.status, job.attempt, *moments, " ".join(job.tags))))
    return table


def _to_the_second(moment: str) -> str:
    return moment[:SECOND_CHARACTERS].replace("T", " ")
