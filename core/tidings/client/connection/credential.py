"""The credential: a fixed one, or a callable that is asked for a fresh one each time."""

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tidings.client.client_errors import ConnectionFailed

CredentialSource = str | Callable[[], str | Awaitable[str]]
"""An API key or a JWT; or what returns one, called for each connection and when one is about to run out."""


VARIABLE = "TIDINGS_CREDENTIAL"

NONE_GIVEN = f"the server wants a credential, and none was given: give `credential`, or set {VARIABLE}"
"""What a client says where a server asks for a credential, and it has none."""


def text_or_file(text: str | None, where: str) -> str | Callable[[], str] | None:
    """Return a credential that was given as text, or of `@FILE` what reads the file; None: none was given.

    Args:
        text: what was given.
        where: how the error begins: with the variable or the flag that has it.

    Raises:
        ConnectionFailed: there is no such file.

    """
    if text is None or not text.startswith("@"):
        return text
    path = Path(text[1:])
    if not path.is_file():
        raise ConnectionFailed(f"{where} {text}: there is no such file")
    return lambda: path.read_text(encoding="utf-8").strip()


def credential_of_environment() -> str | Callable[[], str] | None:
    """Return the credential of `TIDINGS_CREDENTIAL`; as `text_or_file`.

    Raises:
        ConnectionFailed: there is no such file.

    """
    return text_or_file(os.environ.get(VARIABLE), f"{VARIABLE} is")


class Credential:
    """What the client presents; never printed."""

    def __init__(self, source: CredentialSource | None) -> None:
        """Take a credential.

        Raises:
            ConnectionFailed: it is neither text that can be sent nor a callable.

        """
        self._source = source if callable(source) else _check(source) or None

    def __repr__(self) -> str:
        return "<credential>" if self._source is not None else "<no credential>"

    @property
    def given(self) -> bool:
        """Whether there is one at all."""
        return self._source is not None

    @property
    def renewable(self) -> bool:
        """Whether asking again may bring another."""
        return callable(self._source)

    async def fetch(self, within_s: float) -> str | None:
        """Return the credential to present now; None if there is none.

        A plain callable is run in a thread, because it may well do I/O.

        Raises:
            TimeoutError: it did not come in time.
            ConnectionFailed: it is no text that can be sent.
            Exception: the callable raised it.

        """
        if not callable(self._source):
            return self._source
        async with asyncio.timeout(within_s):
            source: Callable[[], Any] = self._source
            found = source() if inspect.iscoroutinefunction(source) else await asyncio.to_thread(source)
            return _check(await found if inspect.isawaitable(found) else found)


def _check(credential: Any) -> str | None:
    """Return a credential that can be sent; its text is never part of an error."""
    if credential is None:
        return None
    if not isinstance(credential, str):
        raise ConnectionFailed(f"the credential is a {type(credential).__qualname__}; it must be text")
    text = credential.strip()  # files and secrets end in a line break as a rule
    if not text.isprintable():
        raise ConnectionFailed("the credential is not one line of printable text")
    return text
