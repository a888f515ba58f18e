"""No folder holds more files than a reader takes in at once: what is more gets rooms by subject."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.source import ROOT, shown

MOST_FILES = 15

SHIPPED_AND_TESTED = ("bench", "core", "deploy", "docs", "examples", "server", "static", "tests", "worker")

NO_SUBJECT = frozenset({"__init__.py", "__main__.py", "py.typed", "conftest.py"})
"""Files that tools look for in their folder by this name; they add no subject to it."""

LISTS = {
    "docs/decisions": "numbered, and never renamed: each is found by its number",
    "docs/how-to": "pages that readers find by docs/website/contents.yml and by the addresses that others link to",
    "docs/images/dark": "one picture for each page, by its name",
    "docs/images/light": "one picture for each page, by its name",
    "docs/reference": "pages that readers find by docs/website/contents.yml and by the addresses that others link to",
}
"""Folders that are lists of one kind of thing, each found by its name and not by looking through them; why."""


def folders(root: Path) -> Iterator[Path]:
    """Yield the folders of the checkout below one, itself among them, but for what programs make there."""
    yield root
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.is_symlink() and not path.name.startswith((".", "__")) and not made(path):
            yield from folders(path)


def made(folder: Path) -> bool:
    """Return whether programs have made a folder."""
    return folder.name in {"node_modules", "build", "dist"}


def subjects(folder: Path) -> list[str]:
    """Return the names of the files in a folder that have a subject of their own."""
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in NO_SUBJECT)


@pytest.mark.parametrize("top", SHIPPED_AND_TESTED)
def test_no_folder_holds_more_files_than_a_reader_takes_in(top: str) -> None:
    large = {shown(one): found for one in folders(ROOT / top) if len(found := subjects(one)) > MOST_FILES}
    assert {name: found for name, found in large.items() if name not in LISTS} == {}


def test_each_list_is_longer_than_a_room() -> None:
    assert [name for name in LISTS if len(subjects(ROOT / name)) <= MOST_FILES] == []


def test_a_folder_with_too_many_files_is_found(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    for name in (*(f"{number}.py" for number in range(MOST_FILES)), "__init__.py"):
        (room / name).touch()
    (room / "__pycache__").mkdir()
    assert [one.name for one in folders(tmp_path)] == [tmp_path.name, "room"]
    assert len(subjects(room)) == MOST_FILES
    (room / "one_more.py").touch()
    assert len(subjects(room)) == MOST_FILES + 1
