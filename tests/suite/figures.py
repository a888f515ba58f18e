"""`python -m suite.figures [CHECKOUT…]`: the figures by which the code's shape is judged, a column for each checkout.

Run it with PYTHONPATH=tests. `git worktree add` gives a checkout of any commit.
"""

import ast
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from suite.source import ROOT, python_definitions
from suite.test_folders import MOST_FILES, folders, subjects

SOURCES = ("core", "server", "worker")
"""Folders whose children are the shipped packages."""

LARGE_CLASS_LINES = 200

ACTORLESS = re.compile(r"\b(?:nobody|whoever|is told)\b", re.IGNORECASE)
"""Words of sentences that hide who acts."""


def packages(checkout: Path) -> list[Path]:
    """Return the shipped packages of a checkout."""
    return sorted(path.parent for source in SOURCES for path in (checkout / source).glob("*/__init__.py"))


def modules(package: Path) -> dict[str, Path]:
    """Return the Python files of a package by the names of their modules."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(package: Path) -> int:
    """Return how many pairs of files of a package there are of which one imports the other."""
    known = modules(package)
    return sum(len(set(_imported(name, path, known)) - {name}) for name, path in known.items())


def _imported(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    inside = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(inside.split(".")[: len(inside.split(".")) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            for one in node.names:
                full = f"{base}.{one.name}"
                if full in known or base in known:
                    yield full if full in known else base


def figures(checkout: Path) -> dict[str, str]:
    """Return the figures of a checkout, each as text, by what they say."""
    found = packages(checkout)
    files = [path for package in found for path in sorted(package.rglob("*.py"))]
    lines = [len(path.read_text().splitlines()) for path in files]
    definitions = [one for path in files for one in python_definitions(path.read_text())]
    functions = sorted(one.lines for one in definitions if not one.is_class)
    classes = [one for one in definitions if one.is_class]
    names = Counter(one.name for one in classes)
    written = [path for source in SOURCES for end in ("py", "lua") for path in (checkout / source).rglob(f"*.{end}")]
    written += (checkout / "static").rglob("*.js")
    tops = [checkout / top for top in (*SOURCES, "static", "bench", "deploy", "examples", "tests")]
    rooms = [room for top in tops if top.is_dir() for room in folders(top)]
    shown = {
        "Python files": f"{len(files)}",
        "lines of a file, median": f"{statistics.median(lines):.0f}",
        "lines of the largest file": f"{max(lines)}",
        "functions": f"{len(functions)}",
        "lines of a function, median": f"{statistics.median(functions):.0f}",
        "lines of a function, 90th percentile": f"{functions[len(functions) * 9 // 10]}",
        f"classes of more than {LARGE_CLASS_LINES} lines": f"{sum(one.lines > LARGE_CLASS_LINES for one in classes)}",
        f"folders of more than {MOST_FILES} files": f"{sum(len(subjects(room)) > MOST_FILES for room in rooms)}",
        "files in the largest folder": f"{max(len(subjects(room)) for room in rooms)}",
        "class names that occur twice": f"{sum(count > 1 for count in names.values())}",
        "nobody, whoever, is told": f"{sum(len(ACTORLESS.findall(path.read_text())) for path in written)}",
    }
    for package in found:
        count = arrows(package)
        shown[f"arrows between files of {package.name}"] = f"{count} ({count / len(modules(package)):.1f} a file)"
    return shown


def main(checkouts: list[Path]) -> None:
    """Print the figures as Markdown."""
    columns = [figures(checkout) for checkout in checkouts]
    rows = [["", *(checkout.resolve().name for checkout in checkouts)], ["---", *("---:" for _ in columns)]]
    names = dict.fromkeys(name for column in columns for name in column)
    rows += [[name, *(column.get(name, "none") for column in columns)] for name in names]
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]] or [ROOT])
