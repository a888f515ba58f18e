"""Each mistake in a module of jobs is one clear line: the file, the line, and what to do."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidings_worker.loading.loader import LoadError, load_modules

from .module_mistakes import HEAD, MODULE_MISTAKES, ModuleMistake


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Path]:
    """Return a file under a name that no other test's has."""
    path = tmp_path / f"jobs_{abs(hash(tmp_path))}.py"
    yield path
    sys.modules.pop(path.stem, None)


def pattern(mistake: ModuleMistake, path: Path) -> str:
    """Return what the line must match."""
    lines = (HEAD + mistake.text).splitlines()
    at = next((number for number, line in enumerate(lines, start=1) if line.endswith("# here")), 0)
    known = {"at": f"{path}:{at}", "file": str(path), "path": str(path), "name": path.name, "module": path.stem}
    parts = re.split(r"\{(any|at|file|path|name|module)\}", mistake.says)
    return "".join(
        re.escape(part) if number % 2 == 0 else r"[\s\S]*" if part == "any" else re.escape(known[part])
        for number, part in enumerate(parts)
    )


def line_of(mistake: ModuleMistake, path: Path) -> str:
    """Return what a worker says to the module."""
    path.write_text(HEAD + mistake.text)
    with pytest.raises(LoadError) as refused:
        load_modules([str(path)])
    return str(refused.value)


@pytest.mark.parametrize("mistake", MODULE_MISTAKES, ids=lambda one: one.what)
def test_a_mistake_in_a_module_is_one_line(mistake: ModuleMistake, module: Path) -> None:
    said = line_of(mistake, module)
    assert re.fullmatch(pattern(mistake, module), said), said
    first, _, rest = said.partition("\n")
    assert len(first) < 400
    assert "tidings_worker" not in rest, "no frame is this program's"
    assert "importlib" not in rest


def test_there_are_fifty_and_no_two_are_the_same() -> None:
    assert len({one.text for one in MODULE_MISTAKES}) == len(MODULE_MISTAKES) >= 50
    assert len({one.what for one in MODULE_MISTAKES}) == len(MODULE_MISTAKES)
