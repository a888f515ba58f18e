"""The credential: a fixed one, or a callable that is asked for a fresh one each time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

CredentialSource = str | Callable[[], str | Awaitable[str]]
"""An API key or a JWT; or what returns one, called for each connection and when one is about to run out."""


class Credential:
    """What the client presents; never printed."""

    def __init__(self, source: CredentialSource | None) -> None:
        self._source = source or None

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
            Exception: whatever the callable raises.

        """
        if not callable(self._source):
            return self._source
        async with asyncio.timeout(within_s):
            source: Callable[[], Any] = self._source
            found = source() if inspect.iscoroutinefunction(source) else await asyncio.to_thread(source)
            credential: str = await found if inspect.isawaitable(found) else found
            return credential
