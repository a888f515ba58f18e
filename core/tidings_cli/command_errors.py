"""What a user of the command line can cause."""

ERROR_PREFIX = "tidings: "
"""What the one line of a mistake begins with, on standard error."""


EXIT_MISTAKE = 1
"""The exit code of a mistake of the user's, and of work that failed."""
EXIT_SETTING = 2
"""Of a setting or flag that is wrong; typer's own too."""
EXIT_STORE = 3
"""Of a store that cannot be used."""
EXIT_NO_WORKER = 4
"""Of `tidings status`, where the store answers and no worker lives."""


class CommandError(Exception):
    """A command cannot do what was asked; the message says why and what to do."""
