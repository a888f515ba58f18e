"""Upcasts: how the input of a job that was queued under an older version of its kind becomes one of the newest.

::

    def with_currency(old: dict) -> dict:
        return {**old, "currency": "EUR"}


    @job(version=2, upcast={1: with_currency})
    async def place_order(ctx: Context, amount: int, currency: str) -> None: ...
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

MAX_VERSION = 1_000_000
"""The newest version that a kind may have."""

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns an input of the next version for one of its own: what JSON gives, in and out. It must not wait."""


class UpcastError(Exception):
    """An input could not be brought up; the text says from which version, and why."""


class Upcasts:
    """The versions of one kind that its handler can take."""

    def __init__(self, version: int, upcasts: Mapping[int, Upcast]) -> None:
        """Bind upcasts to the version of their kind.

        Args:
            version: the newest, 1 to `MAX_VERSION`.
            upcasts: an older version → what makes its input one of the next version; every version from the oldest one
                up to the newest must have one.

        Raises:
            ValueError: a version is missing or out of bounds, or its function is async; says which.
            TypeError: what stands for a version is no function.

        """
        if not 1 <= version <= MAX_VERSION:
            raise ValueError(f"version is {version}; it must be 1 to {MAX_VERSION}")
        self.version = version
        self.oldest: int = min(upcasts, default=version)
        """The oldest version whose inputs the handler can take."""
        self._steps = [_checked(number, version, upcasts) for number in range(self.oldest, version)]
        for number in upcasts:
            if not 1 <= number < version:
                raise ValueError(f"upcast has the version {number!r}; it takes older versions: 1 to {version - 1}")

    def takes(self, version: int) -> bool:
        """Return whether the handler can take an input of a version."""
        return self.oldest <= version <= self.version

    def bring_up(self, raw: bytes | msgspec.Raw, version: int) -> bytes | msgspec.Raw:
        """Return an input as one of the newest version.

        Args:
            raw: JSON text of an object.
            version: of which it is; one that `takes` allows.

        Raises:
            UpcastError: an upcast raised an error, or returned something that is no JSON object.

        """
        if version == self.version:
            return raw
        value = msgspec.json.decode(raw)
        for number in range(version, self.version):
            try:
                value = self._steps[number - self.oldest](value)
            except Exception as error:
                raise UpcastError(
                    f"the upcast of version {number} raised an error; its text is in the worker's log"
                ) from error
            if not isinstance(value, dict):
                raise UpcastError(f"the upcast of version {number} returned {type(value).__name__}, not a dict")
        try:
            return msgspec.json.encode(value)
        except (TypeError, ValueError) as error:
            raise UpcastError("what the upcasts made of the input has no form in JSON") from error


def _checked(number: int, version: int, upcasts: Mapping[int, Upcast]) -> Upcast:
    found = upcasts.get(number)
    if found is None:
        raise ValueError(
            f"upcast has no function for version {number}: an input of version {min(upcasts)} must pass every version "
            f"up to {version}"
        )
    if not callable(found):
        raise TypeError(f"upcast[{number}] is {found!r}; it must be a function that takes and returns a dict")
    if inspect.iscoroutinefunction(found):
        raise ValueError(f"upcast[{number}] is an async function; it must be a plain one: an upcast does not wait")
    return found
