"""The command `tidings types`: it writes a typed client, in TypeScript or Python."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tidings.client.connection.address import DEFAULT_URL
from tidings_cli.command_errors import CommandError
from tidings_cli.job_commands import Credential, Url, credential_source

from .kind_types import ListedKind
from .listed_kinds import kinds_of_module, kinds_of_server
from .python import python
from .shapes import SchemaTooLargeError
from .typescript import typescript


def types(
    *,
    ts: Annotated[bool, typer.Option("--ts", help="Write TypeScript.")] = False,
    py: Annotated[bool, typer.Option("--py", help="Write Python.")] = False,
    module: Annotated[
        str | None,
        typer.Option("--module", "-m", help="A module of jobs, or its file, in the place of a server."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file; default: standard output.")] = None,
    package: Annotated[str, typer.Option("--import", help="Where the TypeScript imports the client from.")] = "tidings",
    url: Url = DEFAULT_URL,
    credential: Credential = None,
) -> None:
    """Write a typed client of the kinds that a server lists, or that a module has, to standard output or a file."""
    if ts == py:
        raise CommandError("give one of --ts and --py")
    kinds = _of_server(url, credential) if module is None else kinds_of_module(module)
    try:
        text = typescript(kinds, package) if ts else python(kinds)
    except (SchemaTooLargeError, msgspec.DecodeError, RecursionError) as error:
        raise CommandError(f"no types can be written: {error}") from None
    if out is None:
        print(text, end="")  # noqa: T201 - this is the command line
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None


def _of_server(url: str, credential: str | None) -> list[ListedKind]:
    source = credential_source(credential)
    return kinds_of_server(url, source() if callable(source) else source)
