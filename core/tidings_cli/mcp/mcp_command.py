"""`tidings mcp`."""

import sys
import urllib.error
import urllib.request
from typing import Annotated

import typer

from tidings.client.connection.address import DEFAULT_URL
from tidings_cli.command_errors import CommandError
from tidings_cli.job_commands import Url
from tidings_cli.redirect_refusal import RedirectRefusal

from .client_settings import CLIENTS, VARIABLE

TIMEOUT_S = 5.0
"""How long a server may take to say whether it asks for a credential, s."""


def mcp(
    *,
    client: Annotated[str, typer.Option("--client", help=f"For which client: {', '.join(CLIENTS)}.")] = next(
        iter(CLIENTS)
    ),
    auth: Annotated[
        bool | None,
        typer.Option(
            "--auth/--no-auth",
            show_default=False,
            help="Whether the server asks for a credential; without this the command asks the server.",
        ),
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Print the configuration with which an MCP client finds this server: kinds with @job(mcp=True) are its tools."""
    found = CLIENTS.get(client)
    if found is None:
        raise CommandError(f"--client {client} is not known; take {', '.join(CLIENTS)}")
    address = _address(url)
    needed = asks_for_credential(address) if auth is None else auth
    print(found.write(f"{address}/mcp", needed))  # noqa: T201 - this is the command line
    lines = [f"This goes into {found.file}."]
    if needed:
        lines.append(f"{found.hint[:1].upper()}{found.hint[1:]}." if found.hint else f"Set {VARIABLE} for the client.")
    print(" ".join(lines), file=sys.stderr)  # noqa: T201


def _address(url: str) -> str:
    address = url.rstrip("/")
    if address.startswith("ws"):
        address = f"http{address.removeprefix('ws')}"
    if not address.startswith(("http://", "https://")):
        raise CommandError(f"{url} is no address of a server: it begins with http:// or https://")
    return address


def asks_for_credential(address: str) -> bool:
    """Return whether a server asks for a credential; true where none answers, so that nothing is forgotten."""
    request = urllib.request.Request(f"{address}/v1/kinds")  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(RedirectRefusal).open(request, timeout=TIMEOUT_S) as answer:
            return bool(answer.status != 200)
    except (urllib.error.URLError, OSError, ValueError):
        return True
