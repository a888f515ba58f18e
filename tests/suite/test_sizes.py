"""No file, class or signature grows past what a reader takes in at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.source import Definition, files, lua_functions, python_definitions, shown

MOST_FILE_LINES = 400
MOST_CLASS_LINES = 260
MOST_PARAMETERS = 8

COMMANDS = re.compile(r".*_commands?\.py")
"""Modules whose public functions are commands: there each parameter is a flag or an argument of the command line."""


def too_large(file: str, text: str) -> Iterator[str]:
    """Yield what is too large in a file: the file, and `file name` of its classes and functions."""
    if len(text.splitlines()) > MOST_FILE_LINES:
        yield file
    lua = file.endswith(".lua")
    for one in lua_functions(text) if lua else python_definitions(text):
        if one.is_class:
            large = one.lines > MOST_CLASS_LINES
        else:
            large = one.parameters > MOST_PARAMETERS and not _is_command(file, one)
        if large:
            yield f"{file} {one.name}"


def _is_command(file: str, one: Definition) -> bool:
    return one.at_top and not one.name.startswith("_") and bool(COMMANDS.fullmatch(Path(file).name))


def test_nothing_is_too_large() -> None:
    found = {
        one for suffix in (".py", ".lua") for file in files(suffix) for one in too_large(shown(file), file.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        ("a.py", "x = 1\n" * 400, []),
        ("a.py", "x = 1\n" * 401, ["a.py"]),
        ("a.py", "class A:\n" + "    x = 1\n" * 259, []),
        ("a.py", "class A:\n" + "    x = 1\n" * 260, ["a.py A"]),
        ("a.py", "class A:\n    def f(self, a, b, c, d, e, f, g, h): ...", []),
        ("a.py", "class A:\n    def f(self, a, b, c, d, e, f, *, g, h, **more): ...", ["a.py f"]),
        ("a.py", "def f():\n    async def g(a, b, c, d, e, f, g, h, /, *rest): ...", ["a.py g"]),
        ("dead_letter_commands.py", "def f(a, b, c, d, e, f, g, h, i): ...", []),
        ("dead_letter_commands.py", "def _f(a, b, c, d, e, f, g, h, i): ...", ["dead_letter_commands.py _f"]),
        ("a.lua", "local function f(a, b, c, d,\n e, f, g, h)\nend", []),
        ("a.lua", "local f = function(a, b, c, d, e, f, g, h, i)\nend", ["a.lua "]),
    ],
)
def test_what_is_too_large_is_found(file: str, text: str, wanted: list[str]) -> None:
    assert list(too_large(file, text)) == wanted
