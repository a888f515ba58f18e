"""Importing users' modules beside each other, beside the standard library, and beside this program.

Python knows one module of each name. Two files `a/jobs.py` and `b/jobs.py` are two modules all the same when each is
loaded from its path; a file `random.py` is loaded so too, and stays apart from the standard library's `random`. Such
files import each other by name: where two folders hold a file of one name and both are imported, one of them would
silently stand for the other, so the loader refuses that.
"""

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tidings.process.module_location import module_location

FOLDERS: list[str] = []
"""The folders that were added to `sys.path` for users' modules."""

CLAIMED: dict[str, Path] = {}
"""Names by which users' files import each other, and the file that each means."""


class UsersModuleError(Exception):
    """A module cannot be imported: there is none, or another has its name. The text says which."""


class _Claims(MetaPathFinder):
    """Finds the files that users' files mean by a name, also if `sys.path` has another of that name first."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a claimed name is loaded; see `importlib.abc.MetaPathFinder`."""
        file = CLAIMED.get(fullname) if path is None else None
        return importlib.util.spec_from_file_location(fullname, file) if file is not None else None


def import_users(name: str) -> ModuleType:
    """Return a module of a user's, loaded once in this process.

    Args:
        name: a dotted name, found from the working directory; or the path of a Python file.

    Raises:
        ModuleNotFoundError: there is no such module.
        UsersModuleError: there is no such file, or another module has its name.
        Exception: what the module raised.

    """
    path = Path(name)
    if path.suffix != ".py" and "/" not in name:
        return _by_name(name)
    if not path.is_file():
        raise UsersModuleError(f"there is no file {name}")
    place = module_location(path)
    _claim_siblings(path.resolve(), place.root)
    _add(place.root)
    if place.in_package:
        return _in_package(path.resolve(), place.name)
    return _alone(path.resolve(), place.name)


def _by_name(name: str) -> ModuleType:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        here = Path.cwd() / f"{top}.py"
        hint = f"write {top}.py for the file" if here.is_file() else "the modules with your jobs need another name"
        raise UsersModuleError(f"{name} is a module of Python's standard library; {hint}")
    _add(Path.cwd())
    return importlib.import_module(name)


def _in_package(path: Path, name: str) -> ModuleType:
    """Import a file of a package by its dotted name, so that its relative imports work."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        raise UsersModuleError(
            f"{path} is in the package {top!r}, which has the name of a module of Python's standard library; rename "
            "the folder"
        )
    module = importlib.import_module(name)
    if _file_of(module) != path:
        raise UsersModuleError(
            f"{path} and {_file_of(module) or module} are both the module {name!r}, and Python can import one of them; "
            "rename a file or a folder, or run a worker for each"
        )
    return module


def _alone(path: Path, stem: str) -> ModuleType:
    """Load a file from its path: under its own name if that is free, else under one that nothing else has."""
    known = sys.modules.get(stem)
    if known is not None and _file_of(known) == path:
        return known
    free = (
        known is None
        and stem.isidentifier()
        and stem not in sys.stdlib_module_names
        and CLAIMED.get(stem, path) == path
    )
    name = stem if free else f"{stem.replace('.', '_')}__{hashlib.sha256(bytes(path)).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    if free:
        _claim(path, stem, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "it ends in .py"  # noqa: PT018
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _add(folder: Path) -> None:
    """Have imports look into a folder: after the standard library, before installed packages."""
    text = str(folder)
    if text in FOLDERS:
        return
    if not FOLDERS:
        sys.meta_path.insert(0, _Claims())
    FOLDERS.append(text)
    while text in sys.path:
        sys.path.remove(text)
    if "" in sys.path and folder == Path.cwd():
        sys.path.remove("")
    sys.path.insert(_after_standard_library(), text)


def _after_standard_library() -> int:
    """Return the place in `sys.path` where the standard library has ended."""
    library = str(Path(ast.__file__).parent)
    ends = [number for number, path in enumerate(sys.path) if path.startswith(library) and "-packages" not in path]
    return max(ends, default=-1) + 1


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


# Imports between files of one folder.


def _claim_siblings(path: Path, folder: Path) -> None:
    """Have the imports of a file find the files of its own folder, and not files of those names elsewhere.

    Raises:
        UsersModuleError: another module has one of the names.

    """
    for name, sibling in _siblings(path, folder, set()):
        _claim(sibling, name, path)


def _claim(file: Path, name: str, importer: Path) -> None:
    known = sys.modules.get(name)
    other = CLAIMED.get(name) or (_file_of(known) if known is not None else None)
    if other is not None and other != file:
        raise UsersModuleError(
            f"{importer} imports {file}, and {other} has the same name, {name!r}: Python knows one module of each "
            "name. Rename one of the two, make packages of their folders, or run a worker for each"
        )
    CLAIMED[name] = file


def _siblings(path: Path, folder: Path, seen: set[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the files of a folder that a file imports by name, and what those import, each with its name."""
    for name in _imported(path):
        for file in (folder / f"{name}.py", folder / name / "__init__.py"):
            if file.is_file() and file != path and file not in seen and name not in sys.stdlib_module_names:
                seen.add(file)
                yield name, file
                yield from _siblings(file, folder, seen)


def _imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports, wherever in it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return set()  # the import itself reports what is wrong with the file
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names
