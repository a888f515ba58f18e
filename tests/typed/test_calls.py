"""The types of calls by a `@job` and of what `tidings types` writes, as mypy and pyright know and refuse them."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from typed.checkers import Findings, mypy, pyright

CASES = Path(__file__).parent / "cases"
GOLDEN = Path(__file__).parent / "golden"
_CODES = re.compile(r"# mypy: (?P<mypy>[\w -]+), pyright: (?P<pyright>[\w ]+)$")

CHECKERS = {"mypy": mypy, "pyright": pyright}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    for file in (*CASES.glob("*.py"), GOLDEN / "kinds.py"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module", params=CHECKERS)
def checked(request: pytest.FixtureRequest, folder: Path) -> tuple[str, Findings]:
    """The name of a checker, and what it finds in all files: most of its time goes to the library that they import."""
    name: str = request.param
    return name, CHECKERS[name](folder, "right.py", "wrong.py", "usage.py", "kinds.py")


def of(files: Iterable[str], found: Findings) -> Findings:
    """Return what was found in some of the files."""
    return {place: codes for place, codes in found.items() if place[0] in files}


def wanted(checker: str) -> Findings:
    """Return the lines of the file of mistakes, with the codes that they name."""
    lines = enumerate((CASES / "wrong.py").read_text().splitlines(), start=1)
    matches = ((number, _CODES.search(line)) for number, line in lines)
    return {("wrong.py", number): set(match[checker].split()) for number, match in matches if match}


@pytest.mark.timeout(300)
def test_a_checker_takes_what_is_right_and_finds_each_mistake(checked: tuple[str, Findings]) -> None:
    name, found = checked
    found, mistakes = of({"right.py", "wrong.py"}, found), wanted(name)
    assert len(mistakes) > 25
    assert found.keys() == mistakes.keys()
    assert {place: codes - found[place] for place, codes in mistakes.items() if not codes <= found[place]} == {}


@pytest.mark.timeout(300)
def test_what_is_written_is_checked_strictly_and_refuses_what_a_kind_does_not_take(
    checked: tuple[str, Findings],
) -> None:
    name, found = checked
    lines = (CASES / "usage.py").read_text().splitlines()
    wrong = {("usage.py", number) for number, line in enumerate(lines, start=1) if "# wrong" in line}
    assert len(wrong) >= 4
    assert of({"usage.py"}, found).keys() == wrong
    assert name == "pyright" or of({"kinds.py"}, found) == {}
