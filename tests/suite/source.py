"""The shipped source as tests of its shape read it: files, classes, functions, and their sizes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("core/tidings", "core/tidings_cli", "server/tidings_server", "worker/tidings_worker")

_LUA_FUNCTION = re.compile(r"\bfunction\b\s*([\w.:]*)\s*\(([^)]*)\)")


class Definition(NamedTuple):
    """A class or a function."""

    name: str
    lines: int
    parameters: int
    """Of a function, without `self` and `cls`; of a class 0."""
    is_class: bool
    at_top: bool
    """Whether it stands in the module itself."""


def files(suffix: str) -> Iterator[Path]:
    """Yield the shipped files with a suffix."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob(f"*{suffix}"))


def shown(file: Path) -> str:
    """Return a file's path in the repository."""
    return file.relative_to(ROOT).as_posix()


def python_definitions(text: str) -> Iterator[Definition]:
    """Yield the classes and functions of a Python file, inner ones too."""
    module = ast.parse(text)
    for node in ast.walk(module):
        at_top = node in module.body
        if isinstance(node, ast.ClassDef):
            yield Definition(node.name, _lines(node), 0, True, at_top)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Definition(node.name, _lines(node), _parameters(node.args), False, at_top)


def lua_functions(text: str) -> Iterator[Definition]:
    """Yield the functions of a Lua file, without their lines: where a function ends takes a parser."""
    for name, parameters in _LUA_FUNCTION.findall(text):
        yield Definition(name, 0, sum(bool(one.strip()) for one in parameters.split(",")), False, True)


def _lines(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def _parameters(found: ast.arguments) -> int:
    named = [one.arg for one in (*found.posonlyargs, *found.args)]
    bound = named[:1] in (["self"], ["cls"])
    return len(named) - bound + len(found.kwonlyargs) + bool(found.vararg) + bool(found.kwarg)
