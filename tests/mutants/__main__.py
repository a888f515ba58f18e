"""`python -m mutants`: break a copy of the tree in each way of the table, and see that its tests notice."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode

from .fault import DoesNotApplyError
from .mutant import Mutant
from .page import list_mutants
from .table import MUTANTS

ROOT = Path(__file__).parents[2]
COPIED = (
    "core", "server", "worker", "static", "tests", "bench", "examples", "deploy", "docs", "README.md", "pyproject.toml",
)  # fmt: skip
PACKAGES = ("core", "server", "worker")
MOST_S = 120.0
"""A test that waits for what never comes has noticed too, but should have said so earlier."""

HEAD = "| mutant | caught by | seconds |\n|---|---|---:|"


def main() -> int:
    """Run what the arguments ask; return 1 if a mutant survives or cannot be made."""
    options = _options()
    if options.list:
        _say(list_mutants())
        return 0
    chosen = [mutant for mutant in MUTANTS if options.only.lower() in mutant.name.lower()]
    if not chosen:
        _say("nothing is chosen")
        return 1
    with tempfile.TemporaryDirectory(prefix="tidings-mutants-") as folder:
        tree = Path(folder)
        _copy(tree)
        failed, seconds = _first_failure(tree, sorted({test for mutant in chosen for test in mutant.tests}))
        if failed:
            _say(f"without any mutant: {failed}")
            return 1
        _say(f"Without any mutant all their tests pass ({seconds:.0f} s).\n\n{HEAD}")
        survivors = [mutant for mutant in chosen if not _caught(tree, mutant)]
    _say(f"\n{len(chosen)} mutants, {len(survivors)} survived.")
    return 1 if survivors else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutants", description="Break it on purpose.")
    parser.add_argument("--only", default="", metavar="WORDS", help="those whose sentence contains the words")
    parser.add_argument("--list", action="store_true", help="only print the table of the docs")
    return parser.parse_args()


def _copy(tree: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", ".*", "node_modules")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignored)
        else:
            shutil.copy(source, tree / name)
    # Bytecode that is found by the hash of its source: that of a mutant is another, whenever it is written.
    for name in (*PACKAGES, "tests"):
        compile_dir(tree / name, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def _caught(tree: Path, mutant: Mutant) -> bool:
    """Make a mutant, run its tests, and take it back; say and return whether one of them noticed."""
    try:
        made = mutant.change.make(tree)
    except DoesNotApplyError as error:
        _say(f"| {mutant.name} | **does not apply**: {error} | |")
        return False
    made.place.file.write_text(made.broken)
    try:
        failed, seconds = _first_failure(tree, mutant.tests)
    finally:
        made.place.file.write_text(made.place.text)
    _say(f"| {mutant.name} | {f'`{failed}`' if failed else '**survived**'} | {seconds:.0f} |")
    return bool(failed)


def _first_failure(tree: Path, tests: "tuple[str, ...] | list[str]") -> tuple[str, float]:
    """Run tests of the copy until one fails; return its name, or '', and how long that took, s."""
    began = time.monotonic()
    scripts = [test for test in tests if test.endswith(".js")]
    failed = _failed_script(tree, scripts) if scripts else ""
    if not failed and len(tests) > len(scripts):
        failed = _failed_python(tree, [test for test in tests if test not in scripts])
    return failed, time.monotonic() - began


def _failed_script(tree: Path, tests: list[str]) -> str:
    """Return the name of the first test of some JavaScript files that fails; '': none."""
    command = ["node", "--test", "--test-reporter=tap", *tests]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=MOST_S)
    if done.returncode == 0:
        return ""
    found = re.search(r"^ *not ok \d+ - (.+)$", done.stdout, re.MULTILINE)
    if found is None:
        raise SystemExit(f"node ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return found[1]


def _failed_python(tree: Path, tests: list[str]) -> str:
    """Return the name of the first test of Python that fails; '': none."""
    # The model's examples are the same each time; the first that fails is enough.
    flags = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=1", "--hypothesis-profile=first"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *flags, f"--timeout={MOST_S}", *tests],
        cwd=tree,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(tree / name) for name in PACKAGES),
            # What pytest itself writes is found by time and size: a mutant of the same size in the same second looks
            # unchanged.
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    if done.returncode != 1 or found is None:
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return found[1].partition("[")[0]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
