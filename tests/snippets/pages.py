"""The fenced blocks of every page that people read."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """One fenced block."""

    page: str
    """Its page's path in the repository."""
    number: int
    """From 0, in the order of the page."""
    language: str
    text: str
    """Without the indentation of a list that it may stand in."""
    line: int
    """Where the page has its first line, from 1."""

    @property
    def name(self) -> str:
        """What it is called in the table and by pytest."""
        return f"{self.page}#{self.number}"


def pages() -> list[Path]:
    """Return all pages; the changelog tells of the past, and the benchmarks' commands are those of measure.md."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")]
    return sorted(page for page in found if page.name != "CHANGELOG.md")


def blocks() -> list[Block]:
    """Return all blocks, page by page in order."""
    return [block for page in pages() for block in _blocks_of(page)]


def _blocks_of(page: Path) -> list[Block]:
    name = str(page.relative_to(ROOT))
    found = []
    text = page.read_text()
    for number, match in enumerate(_FENCE.finditer(text)):
        lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines()]
        line = text[: match.start("text")].count("\n") + 1
        found.append(Block(name, number, match["language"], "\n".join(lines) + "\n", line))
    return found
