"""Where a Python file stands among modules: alone in its folder, or in a package."""

from pathlib import Path
from typing import NamedTuple


class ModuleLocation(NamedTuple):
    """How a file is imported."""

    root: Path
    """The folder in which imports of it begin."""
    name: str
    """Its dotted name from there; of a file alone its stem."""
    in_package: bool


def module_location(path: Path) -> ModuleLocation:
    """Return the place of a Python file: a folder with an `__init__.py` is a package, and so are those above it."""
    path = path.resolve()
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ModuleLocation(folder, ".".join(parts), folder != path.parent)


def import_folder_of(module: str) -> Path:
    """Return the folder whose files a module named on the command line may import beside itself.

    Args:
        module: a dotted name, or the path of a Python file.

    """
    path = Path(module)
    if path.suffix != ".py" and "/" not in module:
        return Path.cwd()
    place = module_location(path)
    return place.root / place.name.partition(".")[0] if place.in_package else place.root
