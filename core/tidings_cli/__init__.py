"""The command line: `tidings dev`, `tidings serve`, `tidings submit` and the others; main.py lists them.

The wheel holds this package, but `pip install tidings` does not bring typer and rich: a program that only submits jobs
has no use for them. So this module imports neither, and `main` looks for both first.
"""

import sys
from importlib.util import find_spec

from .command_errors import ERROR_PREFIX, EXIT_SETTING

__all__ = ["main"]

_REQUIRED_PACKAGES = ("typer", "rich")
"""Packages that every command needs; the extra `cli` installs them."""


def main() -> None:
    """Run the command line of this process; without the extra `cli`, say in one line what to install."""
    for package in _REQUIRED_PACKAGES:
        if find_spec(package) is None:
            lack = f"the command line is not installed ({package} is missing): pip install 'tidings[cli]'"
            print(f"{ERROR_PREFIX}{lack}", file=sys.stderr)  # noqa: T201 - this is the command line
            raise SystemExit(EXIT_SETTING)
    from .main import main as run  # noqa: PLC0415 - imports typer

    run()
