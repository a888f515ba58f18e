"""The check of the snippets' types: it reads every block as the reader's files, and names the line of the page."""

from pathlib import Path

import pytest

from snippets.check_types import check, is_elsewhere, programs
from snippets.pages import ROOT, Block, blocks

JOBS = """# jobs.py
from tidings import Context, job


@job
async def length(ctx: Context, text: str) -> int:
    return len(text)
"""


def block(page: str, number: int, text: str, line: int) -> Block:
    return Block(page, number, "python", text, line)


def test_every_python_block_of_the_pages_is_in_one_file() -> None:
    found = programs(blocks())
    for one in blocks():
        if one.language == "python" and not is_elsewhere(one):
            holding = [part for program in found for part in program.parts if part[1:] == (one.page, one.line)]
            assert len(holding) >= 1, one.name


def test_each_block_begins_in_the_line_that_it_names() -> None:
    for one in blocks():
        lines = (ROOT / one.page).read_text().splitlines()
        assert lines[one.line - 1].strip() == one.text.splitlines()[0].strip(), one.name


@pytest.mark.timeout(300)
def test_a_mistake_is_reported_at_its_line_of_the_page(tmp_path: Path) -> None:
    found = check(
        [
            block("docs/a.md", 0, JOBS, 10),
            block("docs/a.md", 1, "# jobs.py goes on\nwrong: str = 3\n", 40),
            block("docs/b.md", 0, JOBS, 5),
            block("docs/b.md", 1, "from jobs import length\n\ntext: str = length.kind\nkind: int = length.kind\n", 50),
        ],
        tmp_path,
    )
    assert [one.partition(" error: ")[0] for one in found] == ["docs/a.md:41:", "docs/b.md:53:"]
