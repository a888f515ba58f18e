"""The types of calls by a `@job`: what mypy and pyright know, and what they refuse."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from typed.checkers import Findings, mypy, pyright

CASES = Path(__file__).parent / "cases"
_CODES = re.compile(r"# mypy: (?P<mypy>[\w -]+), pyright: (?P<pyright>[\w ]+)$")

CHECKERS = pytest.mark.parametrize("check", [mypy, pyright], ids=["mypy", "pyright"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    for file in CASES.glob("*.py"):
        shutil.copy(file, folder)
    return folder


def wanted(checker: str) -> Findings:
    """Return the lines of the file of mistakes, with the codes that they name."""
    lines = enumerate((CASES / "wrong.py").read_text().splitlines(), start=1)
    matches = ((number, _CODES.search(line)) for number, line in lines)
    return {("wrong.py", number): set(match[checker].split()) for number, match in matches if match}


@CHECKERS
@pytest.mark.timeout(300)
def test_a_checker_takes_what_is_right_and_finds_each_mistake(folder: Path, check: Callable[..., Findings]) -> None:
    found, mistakes = check(folder, "right.py", "wrong.py"), wanted(check.__name__)
    assert len(mistakes) > 25
    assert found.keys() == mistakes.keys()
    assert {place: codes - found[place] for place, codes in mistakes.items() if not codes <= found[place]} == {}
