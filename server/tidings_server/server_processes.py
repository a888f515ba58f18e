"""`tidings serve --workers N`: servers that share one port.

The parent listens, and each server accepts connections from the same sockets: where one ends, none waits for it.
"""

import asyncio
import os
import socket
from collections.abc import Mapping

from tidings.process.parent_death import LISTEN_VARIABLE
from tidings.process.port import listen_on
from tidings.process.unknown_variables import log_unknown_variables
from tidings.store.requirements.start_check import require_store
from tidings_cli.processes.process_group import ProcessGroup, numbered_environments, tidings_command

from .settings import ServerSettings


def run_servers(settings: ServerSettings, count: int, environment: Mapping[str, str]) -> int:
    """Run servers until a signal stops them; return the exit code.

    Args:
        settings: of each.
        count: how many.
        environment: what the flags say, as variables.

    Raises:
        PortError: the address cannot be listened on; one line says what to do.
        StoreUnavailableError: no store answers; one line says what to do.
        StoreUnsuitableError: the store is not what the settings need; a line for each reason.

    """
    log_unknown_variables()
    listening = listen_on(settings.host, settings.port)
    asyncio.run(require_store(settings, tell=False))
    descriptors = [one.fileno() for one in listening]
    shared = {**os.environ, **environment, LISTEN_VARIABLE: ",".join(map(str, descriptors))}
    port = settings.server_metrics_port
    environments = numbered_environments(shared, "TIDINGS_SERVER_METRICS_PORT", port, count)
    return ProcessGroup(tidings_command("serve"), environments, descriptors=descriptors).run()


def inherited_sockets() -> list[socket.socket] | None:
    """Return the sockets on which the parent listens; None: this server has no such parent."""
    descriptors = os.environ.pop(LISTEN_VARIABLE, "")
    if not descriptors:
        return None
    listening = [socket.socket(fileno=int(one)) for one in descriptors.split(",")]
    for one in listening:
        one.set_inheritable(False)
    return listening
