"""What the symbols and statements of one programming language are."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


class Language(ABC):
    """How to find one's way in the files of a language."""

    folders: tuple[str, ...]
    """Where the tree keeps what is shipped of it."""
    suffix: str
    true: str
    false: str
    nothing: str
    """A statement that does nothing."""

    @abstractmethod
    def symbols(self, text: str) -> Iterator[tuple[str, Span]]:
        """Yield the name of each definition of a file, and all its text."""

    @abstractmethod
    def statement(self, text: str, part: Span) -> Span:
        """Return the innermost statement that holds a part of a text."""

    @abstractmethod
    def condition(self, text: str, part: Span) -> Span:
        """Return the innermost condition that holds a part of a text."""
