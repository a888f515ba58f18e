"""Where a mutant is made: the one definition of a name, in whatever file it stands."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .fault import DoesNotApplyError
from .javascript_language import JavaScript
from .language import Language, Span
from .lua_language import Lua
from .python_language import Python


class Place(NamedTuple):
    """A part of a file."""

    file: Path
    text: str
    span: Span


@dataclass(frozen=True)
class Symbol:
    """A definition, or with an empty name a whole file.

    Where several files define the name, the end of the file's path tells them apart: `run:main`, `client/run:main`.
    """

    language: Language
    file: str
    name: str

    def find(self, root: Path) -> Place:
        """Return where it is defined in a tree; it must be defined there once."""
        found = [
            (file, span)
            for file, span in _index(root, self.language).get(self.name, ())
            if f"/{file.relative_to(root).with_suffix('').as_posix()}".endswith(f"/{self.file}" if self.file else "")
        ]
        if len(found) != 1:
            files = ", ".join(str(file.relative_to(root)) for file, _ in found)
            raise DoesNotApplyError(f"{self} is defined {len(found)} times, not once: {files}")
        file, span = found[0]
        return Place(file, file.read_text(), span)

    def __str__(self) -> str:
        return f"{self.file}:{self.name}" if self.file else self.name


PYTHON = Python()
LUA = Lua()
JAVASCRIPT = JavaScript()


@cache
def _index(root: Path, language: Language) -> dict[str, list[tuple[Path, Span]]]:
    """Return where each name is defined; '' is the name of each whole file."""
    index: dict[str, list[tuple[Path, Span]]] = {}
    for folder in language.folders:
        for file in sorted((root / folder).rglob(f"*{language.suffix}")):
            text = file.read_text()
            index.setdefault("", []).append((file, Span(0, len(text))))
            for name, span in language.symbols(text):
                index.setdefault(name, []).append((file, span))
    return index
