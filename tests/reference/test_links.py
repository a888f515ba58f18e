"""Links between the pages lead to headings that are there."""

import re
from pathlib import Path

import pytest

from reference.pages import ROOT, slugs

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_headings_lead_to_headings(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", path.read_text())  # a pattern may look like a link
    for target, anchor in _LINK.findall(text):
        page = (path.parent / target).resolve() if target else path
        if page.suffix == ".md":
            assert anchor in slugs(page.read_text()), f"{target}#{anchor}"


def test_a_heading_has_one_anchor_and_a_repeated_one_another() -> None:
    assert slugs("# A `b.c`: d\n\n## Same\n\n## Same\n") == {"a-bc-d", "same", "same-1"}
