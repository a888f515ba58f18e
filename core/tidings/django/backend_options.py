"""What a project says of the back end in `TASKS[…]["OPTIONS"]`."""

from typing import Any

import msgspec
from django.tasks.exceptions import InvalidTaskBackend

from tidings.protocol.decoding.name_suggestions import name_hint

MAX_TIMEOUT_S = 300.0
"""Longer no request waits for an ack."""

MAX_RETRIES = 1_000


class BackendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options, by the names that stand in the settings in capital letters."""

    url: str | None = None
    """Where the server is; None: `TIDINGS_URL`."""
    credential: str | None = None
    """An API key with the scopes `submit` and `watch`; None: `TIDINGS_CREDENTIAL`."""
    on_commit: bool = False
    """Whether a task that is enqueued in a transaction is submitted when that commits, and else not at all."""
    timeout_s: float = 10.0
    """How long a call waits for the server's answer, s; at most 300."""
    modules: tuple[str, ...] = ()
    """Modules with tasks beside the module `tasks` of each installed application."""
    retries: int = 0
    """How often workers repeat a failed attempt, 0 to 1,000."""
    run_timeout_s: float | None = None
    """Seconds that one attempt may take; None: no limit."""

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise ValueError(f"TIMEOUT_S is {self.timeout_s:g}; it must be above 0 and at most {MAX_TIMEOUT_S:g}")
        if not 0 <= self.retries <= MAX_RETRIES:
            raise ValueError(f"RETRIES is {self.retries}; it must be 0 to {MAX_RETRIES}")
        if self.run_timeout_s is not None and not self.run_timeout_s > 0:
            raise ValueError(f"RUN_TIMEOUT_S is {self.run_timeout_s:g}; it must be above 0")


OPTION_NAMES = tuple(name.upper() for name in BackendOptions.__struct_fields__)


def backend_options(alias: str, given: dict[str, Any]) -> BackendOptions:
    """Return the options of a back end.

    Args:
        alias: the back end's name in `TASKS`.
        given: its `OPTIONS`.

    Raises:
        InvalidTaskBackend: one is unknown, of another type or out of bounds; the text names it and says what to do.

    """
    where = f"TASKS[{alias!r}]['OPTIONS']"
    for name in given:
        if name not in OPTION_NAMES:
            raise InvalidTaskBackend(f"{where}: there is no option {name!r} ({name_hint(str(name), OPTION_NAMES)})")
    try:
        return msgspec.convert({name.lower(): value for name, value in given.items()}, BackendOptions)
    except ValueError as error:
        raise InvalidTaskBackend(f"{where}: {_in_capitals(str(error))}") from error


def _in_capitals(text: str) -> str:
    """Return a fault of msgspec with the names of the settings."""
    for name in BackendOptions.__struct_fields__:
        text = text.replace(f"$.{name}", name.upper())
    return text
