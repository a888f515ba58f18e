"""`python -m snippets.check_types`: mypy --strict on every Python block of every page, as the reader's files.

A page's parts of `jobs.py` are one file, in their order; each program is a file of its own, which may import the page's
jobs. mypy reads all pages at once, so each page's `jobs` has another name here. A mistake is reported at its line of
the page.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from snippets.application import STAND_INS
from snippets.pages import ROOT, Block, blocks
from snippets.table import COUNTS_WORDS, JOBS, WAYS
from snippets.world import HEAD

SOURCES = ("core", "server", "worker")
_REPORT = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): (?P<message>.*)")
_IMPORTS = (
    (re.compile(r"^from jobs import", re.MULTILINE), "from {} import"),
    (re.compile(r"^import jobs$", re.MULTILINE), "import {} as jobs"),
)
_README_JOBS = "README.md#1"


class Part(NamedTuple):
    """Lines of a file, and where a page has them."""

    text: str
    place: str
    """The page; empty: the part is supposed by the page, and stands in the table."""
    first_line: int = 1


class Program(NamedTuple):
    """A file that mypy reads."""

    name: str
    parts: list[Part]

    @property
    def text(self) -> str:
        """What stands in it."""
        return "".join(part.text for part in self.parts)

    def place(self, line: int) -> str:
        """Return where a page has a line of it."""
        for part in self.parts:
            lines = part.text.count("\n")
            if line <= lines:
                return f"{part.place or self.name}:{part.first_line + line - 1}"
            line -= lines
        return self.name


def programs(found: Iterable[Block]) -> list[Program]:
    """Return the files of all pages."""
    made: dict[str, Program] = {}
    known = list(found)
    readme = next((block for block in known if block.name == _README_JOBS), None)
    for block in known:
        if block.language != "python" or is_elsewhere(block):
            continue
        page = _module_name(block.page)
        text = block.text
        for pattern, instead in _IMPORTS:
            text = pattern.sub(instead.format(f"jobs_of_{page}"), text)
        part = Part(text, block.page, block.line)
        head = HEAD.match(block.text)
        if head is None or head[1] != "jobs.py":
            name = f"{page}_{block.number}.py"
            made[name] = Program(name, [part])
            continue
        name = f"jobs_of_{page}.py"
        if name not in made:
            supposed = [Part(JOBS[block.page] + "\n", "")] if block.page in JOBS else []
            made[name] = Program(name, supposed)
        made[name].parts.append(part)
    for page in COUNTS_WORDS & {block.page for block in known}:
        name = f"jobs_of_{_module_name(page)}.py"
        if readme is not None and name not in made:
            made[name] = Program(name, [Part(readme.text, readme.page, readme.line)])
    return list(made.values())


def is_elsewhere(block: Block) -> bool:
    """Return whether a block is checked where Django is, or is code of another queue."""
    ways = WAYS.get(block.page, "").split()
    return ways[:1] == ["django"] or (block.number < len(ways) and ways[block.number] == "peer")


def check(found: Iterable[Block], cache: Path) -> list[str]:
    """Return what mypy finds, each with its place on the page."""
    files = {program.name: program for program in programs(found)}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**STAND_INS, **{name: program.text for name, program in files.items()}}.items():
            file = Path(folder, name)
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        command = [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--no-pretty",
            "--hide-error-context",
        ]
        done = subprocess.run(
            [*command, "--config-file", os.devnull, "--cache-dir", str(cache), *files],
            cwd=folder,
            env={**os.environ, "MYPYPATH": os.pathsep.join(str(ROOT / source) for source in SOURCES)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1):
        return [done.stdout + done.stderr]
    reports = [_REPORT.fullmatch(line) for line in done.stdout.splitlines()]
    return [f"{files[one['file']].place(int(one['line']))}: {one['message']}" for one in reports if one is not None]


def _module_name(page: str) -> str:
    return re.sub(r"\W", "_", page.removesuffix(".md"))


def main() -> int:
    """Print what mypy finds; return 1 if it finds anything."""
    reports = check(blocks(), ROOT / ".mypy_cache" / "snippets")
    sys.stdout.write("".join(f"{line}\n" for line in reports))
    return int(bool(reports))


if __name__ == "__main__":
    raise SystemExit(main())
