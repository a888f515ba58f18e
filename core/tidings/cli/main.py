"""The entry point: finds the commands, and turns what users can cause into one clear line."""

import sys
from importlib.metadata import entry_points
from typing import Annotated, Any, NoReturn

import typer

import tidings
from tidings.broker.error import StoreError
from tidings.contract.problem import ProblemError
from tidings.parent import end_with_parent_if_asked
from tidings.settings import SettingsError

from .bench.command import bench
from .breaker import breaker
from .client import cancel, show, signal, submit, watch
from .dead import dead
from .dev import dev
from .error import EXIT_MISTAKE, EXIT_SETTING, EXIT_STORE, MISTAKE, CommandError
from .pause import pause, resume
from .status import status
from .top.command import top

EXTRAS = {"serve": "server", "work": "worker", "key": "server"}
"""The extra that each command of another package needs."""


def main() -> None:
    """Run the command line of this process."""
    end_with_parent_if_asked()
    try:
        _app()()
    except (CommandError, ProblemError) as error:
        _end(error, EXIT_MISTAKE)
    except SettingsError as error:
        _end(error, EXIT_SETTING)
    except StoreError as error:
        _end(error, EXIT_STORE)


def _end(error: Exception, code: int) -> NoReturn:
    print(f"{MISTAKE}{error}", file=sys.stderr)  # noqa: T201 - this is the command line
    raise SystemExit(code)


def _app() -> typer.Typer:
    app = typer.Typer(
        name="tidings",
        help="Submit work, get a token at once, have the tidings pushed to you.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_options)
    for command in (dev, *_plugged(), submit, watch, show, signal, cancel, status, pause, resume, top, bench):
        app.command()(command)
    app.add_typer(dead, name="dead")
    app.add_typer(breaker, name="breaker")
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tidings {tidings.__version__}")  # noqa: T201
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


def _plugged() -> list[Any]:
    """Return the commands that the server and the worker bring."""
    found = {point.name: point for point in entry_points(group="tidings.commands")}
    return [_load(found[name], name) if name in found else _missing(name) for name in EXTRAS]


def _load(point: Any, name: str) -> Any:
    try:
        return point.load()
    except ModuleNotFoundError as error:
        return _missing(name, error.name or "")


def _missing(name: str, module: str = "") -> Any:
    def command(arguments: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:  # noqa: ARG001
        lack = f" ({module} is missing)" if module else ""
        raise CommandError(f"`tidings {name}` is not installed{lack}: pip install 'tidings[{EXTRAS[name]}]'")

    command.__name__ = name
    command.__doc__ = f"(Not installed: pip install 'tidings[{EXTRAS[name]}]'.)"
    return command
