"""Build the site of the documents: `python -m website.make_site build/site`, in the environment of requirements.txt.

It copies the pages into a folder, with their links as the site has them, has Zensical build it, and checks each link of
what came out. It ends with 1 if Zensical warns of anything or if a link leads nowhere.

Sources: https://zensical.org/docs/, https://www.mkdocs.org/user-guide/configuration/
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from website.link_check import broken_links
from website.page_links import Place, with_links

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("mkdocs.yml")
CONTENTS = Path(__file__).with_name("contents.yml")

PARTS = {"tutorial": "Start", "how-to": "Build", "reference": "Reference", "explanation": "Understand"}
"""Folder of pages → the part of the contents that has those which the contents do not name."""

AT_THE_ROOT = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md",
               "CHANGELOG.md": "changelog.md", "AGENTS.md": "agents.md"}  # fmt: skip
"""Files of the repository's root → pages of the site."""


def main() -> None:
    """Build the site."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--repository", default=os.environ.get("REPOSITORY", ""), help="where files are shown")
    given = arguments.parse_args()
    folder = given.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    for path in sources():
        _copy(path, pages, given.repository)
    contents = completed(yaml.safe_load(CONTENTS.read_text(encoding="utf-8")))
    text = CONFIGURATION.read_text(encoding="utf-8") + yaml.safe_dump({"nav": contents})
    (folder / "mkdocs.yml").write_text(text, encoding="utf-8")
    _build(folder)
    if broken := list(broken_links(folder / "site")):
        sys.exit("links that lead nowhere:\n" + "\n".join(broken))
    size = sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file())
    print(f"{len(list((folder / 'site').rglob('*.html')))} pages, {size / 1e6:.1f} MB: {folder / 'site'}/index.html")  # noqa: T201


def sources() -> Iterator[Path]:
    """Yield the files that the site has: pages and pictures, and the list of pages for programs."""
    yield ROOT / "llms.txt"
    for name in AT_THE_ROOT:
        yield ROOT / name
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.suffix in (".md", ".png", ".webp", ".gif", ".svg"):
            yield path


def site_path(path: PurePosixPath) -> PurePosixPath | None:
    """Return where the site has a file of the repository; None: it has none such."""
    if str(path) in AT_THE_ROOT:
        return PurePosixPath(AT_THE_ROOT[str(path)])
    if path == PurePosixPath("llms.txt"):
        return path
    if path.parts[:1] == ("docs",) and path.suffix in (".md", ".png", ".webp", ".gif", ".svg"):
        return PurePosixPath(*path.parts[1:])
    return PurePosixPath("decisions/index.md") if path == PurePosixPath("docs/decisions") else None


def site_pages() -> set[str]:
    """Return the pages of the site, by their path there."""
    found = (site_path(PurePosixPath(path.relative_to(ROOT).as_posix())) for path in sources())
    pages = {str(path) for path in found if path is not None and path.suffix == ".md"}
    return {path for path in pages if not path.startswith("decisions/")}


def completed(contents: list[dict[str, list[Any]]]) -> list[dict[str, list[Any]]]:
    """Return the contents with the pages that they do not name, each at the end of the part of its folder.

    Raises:
        ValueError: they name a page that is not there.

    """
    named = named_pages(contents)
    if gone := named - site_pages() - {"decisions/index.md"}:
        raise ValueError(f"{CONTENTS.name} names pages that are not there: {', '.join(sorted(gone))}")
    parts = {title: pages for part in contents for title, pages in part.items()}
    for page in sorted(site_pages() - named):
        parts[PARTS[page.partition("/")[0]]].append(page)
    return contents


def named_pages(contents: Any) -> set[str]:
    """Return the pages that contents name."""
    if isinstance(contents, str):
        return {contents}
    nested = contents.values() if isinstance(contents, dict) else contents
    return {page for one in nested for page in named_pages(one)}


def _copy(path: Path, pages: Path, repository: str) -> None:
    name = PurePosixPath(path.relative_to(ROOT).as_posix())
    there = site_path(name)
    assert there is not None, name
    target = pages / there
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix not in (".md", ".txt"):
        shutil.copyfile(path, target)
        return
    text = with_links(path.read_text(encoding="utf-8"), name, _placing(there, repository))
    target.write_text(text, encoding="utf-8")
    if name.parent == PurePosixPath("docs/decisions"):
        _list_decision(target)


def _placing(page: PurePosixPath, repository: str) -> Place:
    """Return what says where the links of a page lead, seen from that page."""

    def place(path: PurePosixPath) -> str | None:
        there = site_path(path)
        if there is not None:
            return os.path.relpath(there, page.parent)
        return f"{repository}/blob/main/{path}" if repository else None

    return place


def _list_decision(page: Path) -> None:
    """Put a decision into the list of all."""
    index = page.with_name("index.md")
    if not index.exists():
        index.write_text("# Decisions\n\nWhy things are as they are, each on a page.\n\n", encoding="utf-8")
    title = page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    with index.open("a", encoding="utf-8") as file:
        file.write(f"- [{title}]({page.name})\n")


def _build(folder: Path) -> None:
    program = Path(sys.executable).with_name("zensical")
    command = [str(program), "build", "--strict", "--clean", "--config-file", "mkdocs.yml"]
    done = subprocess.run(  # noqa: S603 - the program of this environment
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    if done.returncode != 0 or "warning" in said.lower() or not (folder / "site/index.html").exists():
        sys.exit(f"zensical:\n{said}")


if __name__ == "__main__":
    main()
