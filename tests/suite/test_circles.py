"""No circle of imports, of files or of packages: each can be read after those that it stands on."""

from functools import cache
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ("tidings", "tidings_cli", "tidings_server", "tidings_worker")


@cache
def imports() -> dict[str, set[str]]:
    """Return each module of ours with those that it imports, also inside functions."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def packages() -> list[str]:
    """Return every package of ours."""
    return sorted({name.rpartition(".")[0] for name in imports() if "." in name})


def child_of(package: str, module: str) -> str | None:
    """Return which file or folder of a package a module belongs to; None: it is the package itself, or elsewhere."""
    prefix = f"{package}."
    return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else None


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names along one circle, if there is any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other() -> None:
    assert circle({name: found - {name} for name, found in imports().items()}) == []


@pytest.mark.parametrize("package", packages())
def test_the_files_and_folders_of_a_package_stand_above_each_other(package: str) -> None:
    """A package's `__init__` belongs to none of them: it hands names on to those outside."""
    graph: dict[str, set[str]] = {}
    for name, found in imports().items():
        child = child_of(package, name)
        if child is not None:
            below = {other for one in found if (other := child_of(package, one)) is not None}
            graph.setdefault(child, set()).update(below - {child})
    assert circle(graph) == []


def test_a_circle_is_found_and_told_whole() -> None:
    found = circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert set(found) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
