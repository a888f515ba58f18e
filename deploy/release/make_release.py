"""Build what is published, and check it: `python -m release.make_release dist`. Nothing is published.

It leaves in the folder: the wheel, the sdist, the npm package, `sbom.json` (CycloneDX, of an installation with all that
runs in production) and `SHA256SUMS`. It ends with 1 where one of them does not install from a clean folder, where an
index would not show its README, or where the versions differ.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .rendered_readme import description_of, readme_problems
from .staged_source import newest_heading, stage, versions

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

IN_NODE = """
import { Job, Tidings, TidingsError } from "tidings";
import { verify } from "tidings/webhook";
if ([Job, Tidings, TidingsError, verify].some((one) => typeof one !== "function")) process.exit(1);
"""


def main() -> None:
    """Build and check."""
    arguments = argparse.ArgumentParser(description="Build what is published, and check it.")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--repository", default="", help="where the files are shown")
    arguments.add_argument(
        "--final", action="store_true", help="end with 1 if anything is left to do before publishing"
    )
    given = arguments.parse_args()
    folder = given.folder.resolve()
    version = _one_version()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "source")
        stage(ROOT, source, given.repository.rstrip("/"))
        _run([sys.executable, "-m", "build", "--quiet", "--outdir", str(folder), str(source)])
        _run(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder)], cwd=source)
        (wheel,), (sdist,), (package,) = folder.glob("*.whl"), folder.glob("*.tar.gz"), folder.glob("*.tgz")
        _run([str(BIN / "twine"), "check", "--strict", str(wheel), str(sdist)])
        _render(wheel, given.repository.rstrip("/"))
        _install(wheel, Path(place, "environment"), version)
        _install_package(package, Path(place, "page"))
        _list_parts(wheel, Path(place, "production"), folder / "sbom.json")
    _sum(folder)
    left = _left(version, given.repository)
    for line in left:
        print(f"before it is published: {line}")  # noqa: T201
    print(f"{version} is in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")  # noqa: T201
    sys.exit(bool(given.final and left))


def _one_version() -> str:
    found = versions(ROOT)
    if len(set(found.values())) != 1:
        sys.exit(f"the versions differ: {', '.join(f'{name} {one}' for name, one in found.items())}")
    return next(iter(found.values()))


def _left(version: str, repository: str) -> list[str]:
    """Return what is left to do before the release can be published."""
    left = []
    if not repository:
        left.append(
            "name the repository (REPOSITORY=https://…): the README has no links, and the packages no addresses"
        )
    heading = newest_heading((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if heading.split(" ")[0] != version:
        left.append(f"the newest heading of CHANGELOG.md is {heading!r}; it must begin with {version}")
    changed = _run(["git", "status", "--porcelain"], cwd=ROOT)
    if changed.strip():
        left.append("the checkout has changes that are not committed")
    return left


def _render(wheel: Path, repository: str) -> None:
    """Render the README that the wheel holds as an index of packages does; twine looks at its kind alone."""
    from readme_renderer import markdown  # noqa: PLC0415 - of the environment of a release alone

    if found := list(readme_problems(markdown.render(description_of(wheel)), repository)):
        sys.exit("\n".join(found))


def _install(wheel: Path, environment: Path, version: str) -> None:
    """Install the wheel into an empty environment, and have its command say its version."""
    _run([sys.executable, "-m", "venv", str(environment)])
    program = environment / "bin/python"
    _run([str(program), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), f"{wheel}[dev]"])
    said = _run([str(environment / "bin/tidings"), "--version"], cwd=environment).strip()
    if said != f"tidings {version}":
        sys.exit(f"the installed command says {said!r}")
    _run(
        [str(program), "-c", "import tidings_server, tidings_worker; from tidings import Client, job"], cwd=environment
    )


def _install_package(package: Path, folder: Path) -> None:
    """Install the npm package into an empty folder, and import it."""
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "page", "private": True, "type": "module"}))
    _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", str(package)], cwd=folder)
    (folder / "page.js").write_text(IN_NODE)
    _run(["node", "page.js"], cwd=folder)
    if not (folder / "node_modules/tidings/static/types/tidings.d.ts").exists():
        sys.exit("the npm package has no types")


def _list_parts(wheel: Path, environment: Path, target: Path) -> None:
    """List what an installation with all that runs in production consists of."""
    _run([sys.executable, "-m", "venv", str(environment)])
    python = str(environment / "bin/python")
    extras = f"{wheel}[server,worker,embedded,otel]"
    _run([python, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), extras])
    _run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip"])
    _run(
        [str(BIN / "cyclonedx-py"), "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible",
         "--output-format", "JSON", "--output-file", str(target), python]
    )  # fmt: skip
    names = {part["name"] for part in json.loads(target.read_text())["components"]}
    if not {"redis", "starlette", "uvicorn", "aiohttp"} <= names:
        sys.exit(f"the SBOM lists {len(names)} parts, and lacks some that are installed")


def _sum(folder: Path) -> None:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(lines))


def _run(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
