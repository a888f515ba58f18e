"""Each table of measured figures says when, at which commit, by which command and on which machine."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from reference.pages import ROOT

LEAST_FIGURES = 5
"""Cells; a table with fewer, or with less than a third of them, tells of something else."""

NO_FIGURES = {
    "docs/reference/breakers.md": "defaults",
    "docs/reference/mcp.md": "codes of JSON-RPC",
    "docs/reference/protocol.md": "codes of HTTP and of closes",
}
"""Pages whose tables have numbers that were not measured."""

PAGES = [
    page
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")])
    if page.name != "CHANGELOG.md" and page.relative_to(ROOT).as_posix() not in NO_FIGURES
]

SAYS = {
    "a date": re.compile(r"\b\d{1,2} [A-Z][a-z]+ 20\d\d\b|\b20\d\d-\d\d-\d\d\b"),
    "a commit or a release": re.compile(r"\bcommit `?[0-9a-f]{8,}|\bat the commit that adds|\brelease \d"),
    "a command": re.compile(r"`(python -m|make|tidings) [^`]+`|`[A-Z_]+=[^`]+`"),
    "a machine": re.compile(r"\bcores?\b"),
}
_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^\|.*\n\|[ :|-]+\|\n(?P<rows>(?:\|.*\n?)+)", re.MULTILINE)
_FIGURE = re.compile(r"[~<≤≥±+−-]?\d[\d.,]*( ?(%|×|ms|µs|s|min|h|[KMG]?i?B|/s))?([ /:–(].*)?")  # noqa: RUF001


class Figures(NamedTuple):
    """A table of figures."""

    line: int
    """Of the page, from 1."""
    text: str
    """What the page says of it: its section, the page's head, and paragraphs that begin with "Measured" or "Made"."""


def figures(page: str) -> Iterator[Figures]:
    """Yield the tables of figures of a page."""
    text = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), page)
    sections = [0, *(match.start() for match in re.finditer(r"^#{2,6} ", text, re.MULTILINE)), len(text)]
    everywhere = [text[: sections[1]], *re.findall(r"^\**(?:Measured|Made)\b.*(?:\n.+)*", text, re.MULTILINE)]
    for table in _TABLE.finditer(text):
        cells = [cell.strip() for row in table["rows"].splitlines() for cell in row.strip("|").split("|")[1:]]
        count = sum(_FIGURE.fullmatch(cell) is not None for cell in cells)
        if count < LEAST_FIGURES or count * 3 < len(cells):
            continue
        begin = max(place for place in sections if place <= table.start())
        section = text[begin : sections[sections.index(begin) + 1]]
        yield Figures(text[: table.start()].count("\n") + 1, "\n".join([section, *everywhere]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_table_of_figures_can_be_made_again(page: Path) -> None:
    missing = [
        f"line {table.line} says nothing of {what}"
        for table in figures(page.read_text())
        for what, form in SAYS.items()
        if not form.search(table.text)
    ]
    assert missing == []


def test_the_benchmarks_and_where_the_time_goes_are_tables_of_figures() -> None:
    found = {page.name: len(list(figures(page.read_text()))) for page in PAGES}
    assert found["benchmarks.md"] >= 7
    assert found["benchmarks-scale.md"] >= 6
    assert found["performance.md"] >= 5
    assert found["settings.md"] == found["glossary.md"] == 0


TABLE = "| load | p50 | p99 |\n|---|---|---|\n" + "| a | 1.5 ms | 20,000 |\n" * 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# A\n\n" + TABLE, {*SAYS}),
        ("# A\n\nMeasured on 3 May 2026 at commit 0123abcd, two cores, by `make bench`.\n\n" + TABLE, set()),
        (
            "# A\n\n## B\n\n" + TABLE + "\nMade by `python -m bench` on two cores, commit 0123abcd on 2026-05-03\n",
            set(),
        ),
        ("# A\n\n## B\n\n" + TABLE + "\n## C\n\nOf 3 May 2026.\n", {*SAYS}),
        ("# A\n\nOn two cores.\n\n" + TABLE, {"a date", "a commit or a release", "a command"}),
        ("# A\n\n```\n" + TABLE + "```\n", None),
        ("# A\n\n| name | bytes |\n|---|---|\n" + "| a | see there |\n" * 6, None),
    ],
)
def test_what_a_table_of_figures_does_not_say_is_found(text: str, wanted: set[str] | None) -> None:
    found = [{what for what, form in SAYS.items() if not form.search(one.text)} for one in figures(text)]
    assert found == ([] if wanted is None else [wanted])
