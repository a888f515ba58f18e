"""The rooms of the code: the page that shows them names each."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "how-it-works.md"
PACKAGES = ("core/tidings", "core/tidings_cli", "server/tidings_server", "worker/tidings_worker")
ROOMS = [
    room.relative_to(ROOT).as_posix()
    for package in PACKAGES
    for room in sorted((ROOT / package).iterdir())
    if (room / "__init__.py").exists()
]


@pytest.mark.parametrize("room", ROOMS)
def test_the_page_of_rooms_names_each_and_says_what_it_holds(room: str) -> None:
    row = f"(../../{room}/) | "
    assert row in PAGE.read_text(), f"give {room} a row with a sentence in {PAGE.relative_to(ROOT)}"
