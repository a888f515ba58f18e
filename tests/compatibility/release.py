"""The release before this checkout, built as its users got it: a wheel and an npm package.

They are built from the revision that `released.toml` names. A clone that lacks it (one without history) asks for that
one revision where it was cloned from; where that fails, the tests that need it are skipped, and say so.
"""

import io
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from support.timeouts import scaled

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORD = HERE / "released.toml"


class Release(NamedTuple):
    """One release, unpacked."""

    version: str
    python: Path
    """What stands in PYTHONPATH, so that `python -m tidings` is of this release."""
    npm: Path
    """The folder of the npm package."""


@cache
def recorded() -> dict[str, str]:
    """Return version and revision of the release before."""
    return tomllib.loads(RECORD.read_text())


def build_release(folder: Path) -> Release:
    """Build the release before into a folder; skip the test where the revision cannot be had."""
    version, revision = recorded()["version"], recorded()["revision"]
    source = folder / "source"
    with tarfile.open(fileobj=io.BytesIO(_archive(revision))) as archive:
        archive.extractall(source, filter="data")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source), cwd=source)
    (wheel,) = folder.glob("*.whl")
    assert wheel.name.startswith(f"tidings-{version}-")
    with zipfile.ZipFile(wheel) as built:
        built.extractall(folder / "python")  # noqa: S202 - built here
    packed = _run("npm", "pack", "--json", "--ignore-scripts", "--pack-destination", str(folder), cwd=source)
    with tarfile.open(folder / json.loads(packed)[0]["filename"]) as package:
        package.extractall(folder / "npm", filter="data")
    return Release(version, folder / "python", folder / "npm/package")


def _archive(revision: str) -> bytes:
    """Return the files of a revision, as a tar archive."""
    if not _has(revision):
        subprocess.run(
            ["git", "fetch", "--quiet", "--depth=1", "origin", revision],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=scaled(60),
        )
    if not _has(revision):
        pytest.skip(f"this clone lacks the release before, {revision[:12]}: git fetch --unshallow")
    return subprocess.run(
        ["git", "archive", "--format=tar", revision], cwd=ROOT, capture_output=True, check=True, timeout=scaled(60)
    ).stdout


def _has(revision: str) -> bool:
    found = subprocess.run(
        ["git", "cat-file", "-e", f"{revision}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    return found.returncode == 0


def _run(*command: str, cwd: Path) -> str:
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=scaled(90))
    assert run.returncode == 0, run.stderr
    return run.stdout
