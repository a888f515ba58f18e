"""Secrets on the command line: every user of a machine can read the arguments of all its processes."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tidings.settings.settings import STORE_URL
from tidings.settings.store_url import show_store_url


def _holds_secret(url: str) -> bool:
    """Return whether an address holds a password, or may: of a malformed one no part is known to be harmless."""
    return "@" in url or "?" in url or "***" in show_store_url(url)


class _SecretFlag(NamedTuple):
    variable: str
    """The environment variable that says the same."""
    is_secret: Callable[[str], bool]


_SECRET_FLAGS: Mapping[str, _SecretFlag] = {
    "--store-url": _SecretFlag(STORE_URL, _holds_secret),
    "--credential": _SecretFlag("TIDINGS_CREDENTIAL", lambda credential: credential[:1] not in ("", "@")),
}


def split_secrets(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return a command line without its secrets, and the variables that hold them instead. Pure."""
    left: list[str] = []
    environ: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*left, argument, *rest], environ
        name, equals, value = argument.partition("=")
        flag = _SECRET_FLAGS.get(name)
        if flag is None:
            left.append(argument)
            continue
        value = value if equals else next(rest, "")
        if flag.is_secret(value):
            environ[flag.variable] = value
        else:
            left += [argument] if equals else [argument, value]
    return left, environ


def hide_secrets() -> None:
    """Restart this process with the secrets of its arguments, if there are any, in its environment instead.

    Only the process's own user can read the environment. The process keeps its id. Other users could read the arguments
    until this call, so that variables and files remain the better way.
    """
    arguments, environ = split_secrets(sys.orig_argv)
    if environ:
        os.execve(sys.executable, [sys.executable, *arguments[1:]], os.environ | environ)  # noqa: S606 - ourselves
