"""The entry point: finds the command, runs it, and turns an error that users can cause into one clear line.

Only the command that the user calls is imported. `tidings status` is a probe that runs every few seconds, and the
imports of the other commands would cost most of its time.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, NoReturn

import typer

import tidings
from tidings.logging.printable import printable
from tidings.process.interpreter import is_compiled
from tidings.process.parent_death import end_with_parent_if_asked
from tidings.process.unknown_variables import unknown_variables
from tidings.protocol.problems import ProblemError
from tidings.settings.settings import SettingsError
from tidings.store.availability.store_errors import StoreError

from .argument_secrets import hide_secrets
from .command_errors import ERROR_PREFIX, EXIT_MISTAKE, EXIT_SETTING, EXIT_STORE, CommandError

EXTRAS = {"serve": "server", "work": "worker", "key": "server", "schema": "worker"}
"""Command of the server's or the worker's package → the extra that installs it."""

COMMANDS = {
    "dev": "dev.dev_command",
    **dict.fromkeys(EXTRAS, ""),
    "submit": "job_commands",
    "watch": "job_commands",
    "show": "job_commands",
    "jobs": "job_list_command",
    "signal": "job_commands",
    "cancel": "job_commands",
    "status": "operate.status_command",
    "doctor": "doctor.doctor_command",
    "capacity": "capacity.capacity_command",
    "pause": "operate.pause_commands",
    "resume": "operate.pause_commands",
    "partitions": "operate.partition_command",
    "top": "top.top_command",
    "bench": "bench.bench_command",
    "dead": "operate.dead_letters.dead_letter_commands",
    "breaker": "operate.breaker_commands",
    "kinds": "operate.kind_commands",
    "types": "client_types.types_command",
    "mcp": "mcp.mcp_command",
    "webhook": "operate.webhook_commands",
    "events": "operate.event_commands",
    "saga": "operate.sagas.saga_commands",
}
"""Command → the module here that defines it under its name; empty: the server's or the worker's package does."""

VERSION = "--version"
"""The option that needs no command."""

COMMANDS_THAT_LOG = frozenset({"serve", "work", "dev"})
"""Commands that log unknown variables of the environment, or whose child processes do."""


def main() -> None:
    """Run the command line of this process."""
    hide_secrets()
    end_with_parent_if_asked()
    try:
        _app(sys.argv[1:])()
    except ProblemError as error:
        _end(_with_all_errors(error), EXIT_MISTAKE)
    except CommandError as error:
        _end(error, EXIT_MISTAKE)
    except SettingsError as error:
        _end(error, EXIT_SETTING)
    except StoreError as error:
        _end(error, EXIT_STORE)


def _with_all_errors(error: ProblemError) -> str:
    """Return what a problem says, and a line for each further error of the input."""
    others = (f"{one['detail']} (at {one['field']})" for one in (error.problem.errors or [])[1:] if "field" in one)
    return "\n".join([str(error), *others])


def _end(error: Exception | str, code: int) -> NoReturn:
    # A second line is indented, so that no text of a client or a job looks like a message of its own.
    text = printable(str(error), lines=True).replace("\n", "\n  ")
    print(f"{ERROR_PREFIX}{text}", file=sys.stderr)  # noqa: T201 - this is the command line
    raise SystemExit(code)


def _app(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line with the called command, or, where none is known, with all: for help and suggestions."""
    app = typer.Typer(
        name="tidings",
        help="Submit work, get a token at once, have the tidings pushed to you.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_options)
    called = next((one for one in arguments if not one.startswith("-")), "")
    for name in _wanted(called, arguments):
        command = _command(name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command()(command)
    return app


def _wanted(called: str, arguments: Sequence[str]) -> Iterable[str]:
    if called in COMMANDS:
        return [called]
    return () if VERSION in arguments and not called else COMMANDS


def _command(name: str) -> Any:
    module = COMMANDS[name]
    if not module:
        return _entry_point_command(name)
    return getattr(import_module(f".{module}", __package__), name)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tidings {tidings.__version__}{' (compiled)' if is_compiled() else ''}")  # noqa: T201
        raise typer.Exit


def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option(VERSION, help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    if context.invoked_subcommand in COMMANDS_THAT_LOG:
        return
    for one in unknown_variables(os.environ):
        print(f"tidings: warning: {one}", file=sys.stderr)  # noqa: T201 - this is the command line


def _entry_point_command(name: str) -> Any:
    """Return a command of the server's or the worker's package."""
    for point in entry_points(group="tidings.commands", name=name):
        return _load(point)
    return _not_installed(name)


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except ModuleNotFoundError as error:
        return _not_installed(point.name, error.name or "")


def _not_installed(name: str, module: str = "") -> Any:
    def command(arguments: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:  # noqa: ARG001
        lack = f" ({module} is missing)" if module else ""
        raise CommandError(f"`tidings {name}` is not installed{lack}: pip install 'tidings[{EXTRAS[name]}]'")

    command.__name__ = name
    command.__doc__ = f"(Not installed: pip install 'tidings[{EXTRAS[name]}]'.)"
    return command
