"""The command `tidings serve`."""

from typing import Any

from tidings.cli.flag import with_flags
from tidings.log import configure
from tidings.settings import from_env

from .run import run
from .settings import ServerSettings


@with_flags(ServerSettings)
def serve(**flags: Any) -> None:
    """Run the push server: WebSocket, server-sent events, HTTP and the pages."""
    settings = from_env(ServerSettings, overrides=flags)
    configure(settings.log_format, settings.log_level)
    run(settings)
