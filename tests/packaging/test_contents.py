"""What is published: the sources, the pages and the examples, and nothing that only lies beside them."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (("core", "tidings"), ("core", "tidings_cli"), ("server", "tidings_server"), ("worker", "tidings_worker"))
"""Folders, each with a package in it."""
SOURCES = ("core", "server", "worker", "static", "examples", "deploy/compiled")
DOCUMENTS = {"CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "pyproject.toml", ".gitignore"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def files(folder: str) -> set[str]:
    """Return the files of a folder of the checkout, by their path in it."""
    paths = (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(ROOT / folder).as_posix() for path in paths}


def test_the_sdist_holds_the_sources_and_nothing_else(folder: Path) -> None:
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {f"{part}/{file}" for part in SOURCES for file in files(part)}
    assert names == sources | DOCUMENTS | {"PKG-INFO"}


def test_the_wheel_holds_the_packages_the_pages_and_nothing_else(folder: Path) -> None:
    (wheel,) = folder.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in names if name.startswith("tidings-") and name.partition("/")[0].endswith(".dist-info")}
    assert {name.partition("/")[2] for name in about} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE",
    }  # fmt: skip
    sources = {f"{package}/{file}" for part, package in PARTS for file in files(f"{part}/{package}")}
    assert names - about == sources | {f"tidings_server/static/{file}" for file in files("static")}
