"""The command `tidings work`."""

from typing import Annotated, Any

import prometheus_client  # noqa: F401 - of the extra `worker`: without it the command says what to install
import typer

from tidings.logging.log_setup import configure_logging
from tidings.metrics.metrics_server import ListenError
from tidings.settings.settings import from_env
from tidings_cli.command_errors import CommandError
from tidings_cli.processes.process_group import workers_option
from tidings_cli.setting_flags import environment_of, with_flags

from .loading.loader import LoadError
from .loading.schema_check import SchemaRefusedError
from .run import run
from .runner.running_lifespans import LifespanError
from .settings import WorkerSettings
from .webhook.delivery_proxies import ProxyError
from .worker_processes import run_workers

Modules = Annotated[
    list[str] | None,
    typer.Argument(help="Modules with jobs: dotted names, or paths of Python files. [env: TIDINGS_MODULES]"),
]


@with_flags(WorkerSettings, leave_out=("modules",))
def work(
    modules: Modules = None, *, workers: Annotated[int, workers_option("that each work alone")] = 1, **flags: Any
) -> None:
    """Run a worker that serves the jobs of some modules, or delivers to webhooks (--webhooks), or both."""
    settings = from_env(WorkerSettings, overrides={**flags, "modules": tuple(modules) if modules else None})
    if not settings.modules and not settings.webhooks:
        raise CommandError(
            "name a module with jobs, such as: tidings work jobs.py; or deliver: tidings work --webhooks"
        )
    configure_logging(settings.log_format, settings.log_level)
    if workers > 1:
        raise typer.Exit(run_workers(settings, workers, environment_of(WorkerSettings, flags)))
    try:
        run(settings)
    except (LoadError, SchemaRefusedError, LifespanError, ListenError, ProxyError) as error:
        raise CommandError(str(error)) from None
