"""What a user of the command line can cause."""


class CommandError(Exception):
    """A command cannot do what was asked; the message says why and what to do."""
