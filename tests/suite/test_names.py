"""Names of the shipped code: a class name is one class, and a file name is one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = [path for folder in ("core", "server", "worker") for path in sorted((ROOT / folder).rglob("*.py"))]

SAME_EVERYWHERE = {"__init__", "__main__", "errors", "run", "settings"}
"""Names of files that mean the same in each package (docs/decisions/0026-names-and-rooms.md)."""


def repeated(named: Iterable[tuple[str, Path]]) -> dict[str, list[str]]:
    places = defaultdict(list)
    for name, path in named:
        places[name].append(path.relative_to(ROOT).as_posix())
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_class_name_occurs_twice() -> None:
    classes = (
        (node.name, path)
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    )
    assert repeated(classes) == {}, "give one of them a longer name, which says how it differs"


def test_no_file_name_stands_for_two_things() -> None:
    files = ((path.stem, path) for path in MODULES if path.stem not in SAME_EVERYWHERE)
    assert repeated(files) == {}, "give one of them a longer name, which says how it differs"
