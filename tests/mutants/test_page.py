"""The page of promises: each test it names is where it says, and its list of mutants is the table."""

import re
from pathlib import Path

import pytest

from mutants.page import list_mutants

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "reliability.md"
LINKS = re.findall(r"\[`?([^`\]]+)`?\]\((\.\./\.\./tests/[^)]+)\)", PAGE.read_text())


def test_the_list_of_mutants_is_the_table() -> None:
    assert list_mutants() in PAGE.read_text(), f"`python -m mutants --list` prints it:\n{list_mutants()}"


@pytest.mark.parametrize(("name", "target"), sorted(set(LINKS)))
def test_each_test_it_names_is_where_it_says(name: str, target: str) -> None:
    path = PAGE.parent / target
    text = path.read_text()
    if path.suffix == ".js":
        assert name == path.name or f'test("{name}"' in text
    elif name != path.name:
        assert f"def {name}(" in text


def test_every_promise_and_every_row_names_its_test() -> None:
    promises, _, rest = PAGE.read_text().partition("## What is promised")[2].partition("\n## ")
    lines = re.findall(r"^- .*?(?=^- |\Z)", promises, re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\| (?!what )[^\n]+", rest, re.MULTILINE)
    assert min(len(lines), len(rows)) > 10
    for line in [*lines, *rows]:
        assert "../../tests/" in line, line
