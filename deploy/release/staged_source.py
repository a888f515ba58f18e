"""The files of which a release is built: those of the checkout, with what an index of packages needs otherwise."""

import json
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

from website.page_links import Place, with_links

PICTURES = (".png", ".webp", ".gif", ".svg")


def stage(root: Path, folder: Path, repository: str) -> None:
    """Copy the files that git knows, and complete the README's links and the packages' addresses.

    An index of packages shows the README alone: its relative links lead nowhere there. They become links into the
    repository, or where no address of it is known the text that they have.

    Args:
        root: the checkout.
        folder: where to.
        repository: where its files are shown, such as `https://example.com/tidings`; empty: nowhere yet.

    """
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)  # noqa: S607
    for name in filter(None, listed.stdout.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    readme = folder / "README.md"
    readme.write_text(readme_of(readme.read_text(encoding="utf-8"), repository), encoding="utf-8")
    if repository:
        _add_addresses(folder, repository)


def readme_of(text: str, repository: str) -> str:
    """Return the README as an index of packages shows it."""
    return with_links(text, PurePosixPath("README.md"), _placing(repository))


def _placing(repository: str) -> Place:
    def place(path: PurePosixPath) -> str | None:
        if not repository:
            return None
        return f"{repository}/{'raw' if path.suffix in PICTURES else 'blob'}/main/{path}"

    return place


def _add_addresses(folder: Path, repository: str) -> None:
    project = folder / "pyproject.toml"
    urls = {
        "Homepage": repository,
        "Documentation": f"{repository}/blob/main/README.md#where-to-go",
        "Source": repository,
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }
    table = "[project.urls]\n" + "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("[project.optional-dependencies]", f"{table}\n[project.optional-dependencies]", 1))
    package = folder / "package.json"
    said = json.loads(package.read_text(encoding="utf-8"))
    said |= {
        "homepage": repository,
        "repository": {"type": "git", "url": f"git+{repository}.git"},
        "bugs": {"url": f"{repository}/issues"},
    }
    package.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def versions(root: Path) -> dict[str, str]:
    """Return the version of the release as each place says it."""
    places = {
        "pyproject.toml": r'^version = "([^"]+)"',
        "core/tidings/__init__.py": r'^__version__ = "([^"]+)"',
        "package.json": r'^  "version": "([^"]+)"',
    }
    found = {}
    for name, pattern in places.items():
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[name] = match[1] if match else "none"
    return found


def newest_heading(changelog: str) -> str:
    """Return the first heading of a version in a changelog."""
    found = re.search(r"^## (.+)$", changelog, re.MULTILINE)
    return found[1] if found else ""
