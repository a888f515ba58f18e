"""The page of the command line: each command with its arguments and options, and the exit codes."""

import inspect
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal

import typer

from tidings.settings.settings import StoreSettings, settings_of
from tidings_cli import command_errors
from tidings_cli.main import _app
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings

from .markdown import HEAD, code, prose, table
from .python_source import found, says

SETTINGS: dict[str, type[StoreSettings]] = {"serve": ServerSettings, "work": WorkerSettings}
"""Command → the settings of its process, each of which is a flag too."""

EXIT_CODES = ("EXIT_MISTAKE", "EXIT_SETTING", "EXIT_STORE", "EXIT_NO_WORKER")

OF_THE_STORE = frozenset(one.flag for one in settings_of(StoreSettings) if one.flag)


def commands() -> str:
    """Return the page."""
    parts = [HEAD, _lead()]
    for path, command in command_tree():
        parts.append(f"{'##' if len(path) == 1 else '###'} `tidings {' '.join(path)}`\n\n")
        parts.append(prose(inspect.cleandoc(command.help or "")))
        if not hasattr(command, "commands"):
            parts.append(_parameters(path, command))
    return "".join(parts).rstrip("\n") + "\n"


def command_tree() -> Iterator[tuple[list[str], Any]]:
    """Yield each command and each group of commands, with the words that call it."""

    def below(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
        if path:
            yield path, command
        for name, child in getattr(command, "commands", {}).items():
            yield from below([*path, name], child)

    yield from below([], typer.main.get_command(_app([])))


def _lead() -> str:
    rows = [
        ("0", "Done; of `submit --follow` and `watch`: the job succeeded."),
        *(
            (str(getattr(command_errors, name)), says(found(f"tidings_cli.command_errors.{name}")))
            for name in EXIT_CODES
        ),
        ("130", "Ended by Ctrl-C."),
    ]
    return (
        "# Commands\n\n"
        "`tidings COMMAND --help` says the same, and `tidings --version` the release. Commands for clients "
        "(`submit`, `watch`, `show`, `jobs`, `signal`, `cancel`, `types`, `bench`) talk to a server: `--url`, or "
        "`TIDINGS_URL`. Commands for operators talk to the store: `--store-url`, or `TIDINGS_STORE_URL`. What went "
        "wrong "
        "is one line on standard error, which begins with `tidings: `; what a program may read is on standard "
        "output.\n\n"
        "## Exit codes\n\n" + table(("code", "meaning"), rows)
    )


def _parameters(path: list[str], command: Any) -> str:
    shown = [one for one in command.params if not one.hidden and one.name != "help"]
    settings = _settings_of(path)
    rows = [
        (_names(one), type_name(one), _default(one), one.help or "")
        for one in shown
        if not any(name in settings for name in one.opts)
    ]
    text = table(("argument or option", "type", "default", "meaning"), rows)
    flags = [name for one in shown for name in one.opts if name in settings]
    if flags:
        place = f"tidings-{path[0]}" if path[0] in SETTINGS else "every-process"
        listed = ", ".join(map(code, flags))
        text += f"Settings as flags, with [meaning, unit and default](settings.md#{place}): {listed}.\n\n"
    return text


def _settings_of(path: list[str]) -> frozenset[str]:
    settings = SETTINGS.get(path[0])
    if settings is None:
        return OF_THE_STORE
    return frozenset(one.flag for one in settings_of(settings) if one.flag)


def _names(one: Any) -> str:
    if one.param_type_name == "argument":
        return code(one.name.upper() + ("…" if one.nargs == -1 else ""))
    return ", ".join(map(code, (*one.opts, *one.secondary_opts)))


def type_name(one: Any) -> str:
    """Return what a parameter takes."""
    if getattr(one, "is_flag", False):
        return "flag"
    hint = one.type_descriptor.annotation
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    several = one.multiple or one.nargs == -1
    if typing.get_origin(hint) is not Literal and arguments:
        hint = arguments[0]
    if typing.get_origin(hint) is Literal:
        name = "one of " + ", ".join(map(code, typing.get_args(hint)))
    elif isinstance(hint, type) and issubclass(hint, Enum):
        name = "one of " + ", ".join(code(each.value) for each in hint)
    else:
        name = {"str": "text", "int": "integer", "float": "number", "Path": "path"}.get(hint.__name__, hint.__name__)
    return f"{name}, may repeat" if several else name


def _default(one: Any) -> str:
    if one.required:
        return "required"
    default = one.default
    if default is None or default is False or default == () or callable(default):
        return ""
    return code("true" if default is True else str(default))
