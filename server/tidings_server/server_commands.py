"""The commands `tidings serve` and `tidings key`."""

import re
from typing import Annotated, Any

import typer

from tidings.logging.log_setup import configure_logging
from tidings.metrics.metrics_server import ListenError
from tidings.process.port import PortError
from tidings.settings.settings import from_env
from tidings_cli.command_errors import CommandError
from tidings_cli.processes.process_group import workers_option
from tidings_cli.setting_flags import environment_of, with_flags

from .auth.api_key import NAME_PATTERN, new_key, setting_line
from .auth.identity import SCOPES
from .run import run
from .server_processes import inherited_sockets, run_servers
from .settings import ServerSettings


@with_flags(ServerSettings)
def serve(*, workers: Annotated[int, workers_option("that share the port")] = 1, **flags: Any) -> None:
    """Run the push server: WebSocket, server-sent events, HTTP and the pages."""
    settings = from_env(ServerSettings, overrides=flags)
    configure_logging(settings.log_format, settings.log_level)
    try:
        if workers == 1:
            run(settings, inherited_sockets())
        else:
            raise typer.Exit(run_servers(settings, workers, environment_of(ServerSettings, flags)))
    except (PortError, ListenError) as error:
        raise CommandError(str(error)) from None


def key(
    name: Annotated[str, typer.Argument(help="Whose key it is: the owner of the jobs that come with it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do: submit, watch, cancel, delegate, feed, admin; give several. "
            "Default: submit, watch, cancel."
        ),
    ] = None,
) -> None:
    """Make an API key: print it, once and for all, and the line for the settings."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise CommandError(f"{name!r} is no name for a key: 1 to 64 letters, digits, `_`, `.` and `-`")
    unknown = set(scope or ()) - SCOPES
    if unknown:
        raise CommandError(f"there is no scope {min(unknown)!r}; there are: {', '.join(sorted(SCOPES))}")
    fresh = new_key()
    typer.echo(f"key      {fresh}\nsetting  {setting_line(name, fresh, scope or ())}")
    typer.echo("Give the key to its owner; add the setting to TIDINGS_API_KEYS, separated by a comma.", err=True)
