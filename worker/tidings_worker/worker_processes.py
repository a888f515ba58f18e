"""`tidings work --workers N`: workers that serve the same modules, each in a process of its own."""

import asyncio
import os
from collections.abc import Mapping

from tidings.process.unknown_variables import log_unknown_variables
from tidings.store.requirements.start_check import require_store
from tidings_cli.processes.process_group import ProcessGroup, numbered_environments, tidings_command

from .settings import WorkerSettings


def run_workers(settings: WorkerSettings, count: int, environment: Mapping[str, str]) -> int:
    """Run workers until a signal stops them; return the exit code.

    Args:
        settings: of each.
        count: how many.
        environment: what the flags say, as variables.

    Raises:
        StoreUnavailableError: no store answers; one line says what to do.
        StoreUnsuitableError: the store is not what the settings need; a line for each reason.

    """
    log_unknown_variables()
    asyncio.run(require_store(settings, tell=False))
    shared = {**os.environ, **environment}
    environments = numbered_environments(shared, "TIDINGS_METRICS_PORT", settings.metrics_port, count)
    return ProcessGroup(tidings_command("work", *settings.modules), environments).run()
