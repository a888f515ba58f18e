"""Tests ask again and again in one place, `support/waiting.py`, where each wait has its bound, scaled by the load."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.source import ROOT, shown

TESTS = ROOT / "tests"

ELSEWHERE = {
    "tests/support/waiting.py": "the place itself",
    "tests/deploy/by_hand.py": "a program that measures how soon an image is ready, without the tests' modules",
    "tests/groups/partition/test_joining.py": "in this test every other sleep is noted",
    "tests/unit/client/sync/test_loop_calls.py": "the call under test, which goes on until it is let go of",
}
"""Files that may have such loops, besides those of handlers; why."""


def is_of_handlers(file: Path) -> bool:
    """Return whether workers run what a file holds: it imports nothing of the tests."""
    return file.stem.endswith(("kinds", "handlers", "tasks")) or "handlers" in file.parts


def hand_written_waits(text: str) -> Iterator[int]:
    """Yield the lines of loops that do no more than sleep, and check the time or that a process still runs."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.While) and any(map(_is_sleep, node.body)) and all(map(_is_part_of_wait, node.body)):
            yield node.lineno


def _is_part_of_wait(statement: ast.stmt) -> bool:
    checked = ast.unparse(statement.test) if isinstance(statement, ast.Assert) else ""
    return "monotonic()" in checked or ".poll()" in checked or _is_sleep(statement)


def _is_sleep(statement: ast.stmt) -> bool:
    called = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(called, ast.Await):
        called = called.value
    return isinstance(called, ast.Call) and ast.unparse(called.func).rpartition(".")[2] in ("sleep", "checkpoint")


def test_no_test_waits_in_a_loop_of_its_own() -> None:
    found = [
        f"{shown(file)}:{line}: use `until` or `until_async` of support/waiting.py, or wait for an event"
        for file in sorted(TESTS.rglob("*.py"))
        if shown(file) not in ELSEWHERE and not is_of_handlers(file)
        for line in hand_written_waits(file.read_text())
    ]
    assert found == []


def test_each_place_that_may_wait_by_itself_does() -> None:
    assert [name for name in ELSEWHERE if "sleep(" not in (ROOT / name).read_text()] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("while not done():\n    await anyio.sleep(0.01)", [1]),
        ("x = 1\nwhile a:\n    assert time.monotonic() < end\n    time.sleep(1)", [2]),
        ("while a:\n    await anyio.lowlevel.checkpoint()", [1]),
        ("while a:\n    kill()\n    await anyio.sleep(1)", []),
        ("while a:\n    assert b\n    await anyio.sleep(1)", []),
        ("for a in b:\n    await anyio.sleep(1)", []),
    ],
)
def test_a_loop_that_waits_is_found(text: str, wanted: list[int]) -> None:
    assert list(hand_written_waits(text)) == wanted
