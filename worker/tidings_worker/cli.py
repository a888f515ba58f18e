"""The command `tidings work`."""

from typing import Annotated, Any

import typer

from tidings.cli.error import CommandError
from tidings.cli.flag import with_flags
from tidings.log import configure
from tidings.settings import from_env

from .listener import ListenError
from .loader import LoadError
from .run import run
from .settings import WorkerSettings

Modules = Annotated[
    list[str] | None,
    typer.Argument(help="Modules with jobs: dotted names, or paths of Python files. [env: TIDINGS_MODULES]"),
]


@with_flags(WorkerSettings, leave_out=("modules",))
def work(modules: Modules = None, **flags: Any) -> None:
    """Run a worker that serves the jobs of some modules."""
    settings = from_env(WorkerSettings, overrides={**flags, "modules": tuple(modules) if modules else None})
    if not settings.modules:
        raise CommandError("name a module with jobs, such as: tidings work jobs.py")
    configure(settings.log_format, settings.log_level)
    try:
        run(settings)
    except (LoadError, ListenError) as error:
        raise CommandError(str(error)) from None
