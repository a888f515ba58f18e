"""mypy and pyright, as an author of jobs runs them: strict."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from support.timeouts import scaled

ROOT = Path(__file__).parents[2]
PYRIGHT = ROOT / "node_modules" / "pyright" / "index.js"
SOURCES = [ROOT / "core", ROOT / "server", ROOT / "worker"]

Findings = dict[tuple[str, int], set[str]]
"""File name and line → the codes of what a checker found there."""


def mypy(folder: Path, *files: str) -> Findings:
    """Return what mypy finds in files of a folder."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-pretty", "--cache-dir", ".cache"]
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, SOURCES))}
    done = _run([*command, "--config-file", os.devnull, *files], folder, environment)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: Findings = defaultdict(set)
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"(?P<file>[^:]+):(?P<line>\d+): error: .*?(?:  \[(?P<code>[\w-]+)\])?", line)
        if match is not None:
            found[Path(match["file"]).name, int(match["line"])].add(match["code"] or "syntax")
    return dict(found)


def pyright(folder: Path, *files: str) -> Findings:
    """Return what pyright finds in files of a folder."""
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [*map(str, SOURCES)],
        "include": list(files),
        "useLibraryCodeForTypes": True,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = _run(["node", str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable], folder, dict(os.environ))
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: Findings = defaultdict(set)
    for one in json.loads(done.stdout)["generalDiagnostics"]:
        if one["severity"] == "error":
            place = Path(one["file"]).name, one["range"]["start"]["line"] + 1
            found[place].add(one.get("rule", "syntax"))
    return dict(found)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=scaled(120)
    )
