"""What is published says where it comes from, has one version, and an index can show its README."""

import json
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from release.rendered_readme import description_of, readme_problems
from release.staged_source import newest_heading, readme_of, stage, versions

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://example.com/tidings"
README = (ROOT / "README.md").read_text()
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_TARGETS = re.compile(r"\]\(([^)\s]+)\)")


def targets(text: str) -> list[str]:
    return _TARGETS.findall(_CODE.sub("", text))


def test_the_version_is_the_same_everywhere() -> None:
    assert len(set(versions(ROOT).values())) == 1, versions(ROOT)


def test_the_readme_of_an_index_has_absolute_links_alone() -> None:
    found = targets(readme_of(README, REPOSITORY))
    assert len(found) == len(targets(README)) > 40
    assert all(target.startswith(("https://", "#")) for target in found)
    assert f"{REPOSITORY}/raw/main/docs/images/recording.webp" in found
    assert f"{REPOSITORY}/blob/main/docs/tutorial/first-job.md" in found


def test_without_a_repository_the_readme_has_no_link_that_leads_nowhere() -> None:
    assert [target for target in targets(readme_of(README, "")) if not target.startswith(("https://", "#"))] == []


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of a few files."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("README.md", "pyproject.toml", "package.json"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "unknown.txt").write_text("git does not know this")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "README.md", "pyproject.toml", "package.json"], cwd=folder, check=True)
    return folder


def test_the_packages_name_their_addresses_and_hold_what_git_knows(checkout: Path, tmp_path: Path) -> None:
    stage(checkout, tmp_path, REPOSITORY)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Source"] == REPOSITORY
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= project["urls"].keys()
    package = json.loads((tmp_path / "package.json").read_text())
    assert package["repository"]["url"] == f"git+{REPOSITORY}.git"
    assert not (tmp_path / "unknown.txt").exists()


def test_without_a_repository_the_packages_name_none(checkout: Path, tmp_path: Path) -> None:
    stage(checkout, tmp_path, "")
    assert "urls" not in tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    assert (tmp_path / "package.json").read_text() == (ROOT / "package.json").read_text()


def test_the_newest_heading_of_a_changelog_is_the_first() -> None:
    assert newest_heading("# Changelog\n\n## 0.2.0 (2027-01-01)\n\n- a\n\n## 0.1.0\n") == "0.2.0 (2027-01-01)"
    assert newest_heading("# Changelog\n") == ""


SHOWN = f'<img src="{REPOSITORY}/raw/main/a.webp"> <a href="{REPOSITORY}/blob/main/b.md">b</a> <a href="#c">c</a>'
NOWHERE = "which leads nowhere on an index"


@pytest.mark.parametrize(
    ("html", "repository", "wanted"),
    [
        (SHOWN, REPOSITORY, []),
        (SHOWN.replace(REPOSITORY, "https://other.example"), "", []),
        (None, REPOSITORY, ["an index cannot render the README"]),
        (
            SHOWN + '<a href="docs/b.md">b</a>',
            REPOSITORY,
            [f"the README has the a docs/b.md, {NOWHERE}"],
        ),
        (SHOWN + '<img src="a.webp">', "", [f"the README has the img a.webp, {NOWHERE}"]),
        ("<p>no link</p>", REPOSITORY, [f"the README has no {tag} that leads to {REPOSITORY}" for tag in ("a", "img")]),
    ],
)
def test_what_an_index_cannot_show_of_a_readme_is_found(html: str | None, repository: str, wanted: list[str]) -> None:
    assert list(readme_problems(html, repository)) == wanted


def test_the_readme_of_a_wheel_is_read_from_its_metadata(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", "Metadata-Version: 2.4\nName: a\n\n# Title: “a”\n\nText: more\n")
    assert description_of(wheel) == "# Title: “a”\n\nText: more\n"
