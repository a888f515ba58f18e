"""One way to break one promise: a sentence, a change of a symbol, and the tests that must notice."""

from dataclasses import dataclass

from .change import Change


@dataclass(frozen=True)
class Mutant:
    """One way to break one promise."""

    name: str
    change: Change
    tests: tuple[str, ...]
    """What must fail: files, single tests, or files of JavaScript."""
