"""Errors that a user of the command line can cause, and the exit codes."""

ERROR_PREFIX = "tidings: "
"""How the one line of an error begins, on standard error."""

EXIT_MISTAKE = 1
"""The exit code of a user's mistake, and of a job that failed."""
EXIT_SETTING = 2
"""The exit code of a wrong setting or flag; typer uses the same."""
EXIT_STORE = 3
"""The exit code of a store that cannot be used."""
EXIT_NO_WORKER = 4
"""The exit code of `tidings status` where the store answers and no worker lives."""


class CommandError(Exception):
    """A command cannot do what the user asked; the message says why, and what to do."""
