"""The list of the modules that pytest begins with names modules."""

from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_module_of_the_list_is_there_once() -> None:
    _, *lines = (TESTS / "slow_modules.txt").read_text().splitlines()
    assert [line for line in lines if not (TESTS / line).is_file()] == []
    assert len(lines) == len(set(lines))
