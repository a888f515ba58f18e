"""The site of the documents: links as it has them, every page in its contents, and no link that leads nowhere."""

from pathlib import Path, PurePosixPath

import pytest
import yaml

from reference.pages import ROOT
from website.link_check import broken_links
from website.make_site import CONTENTS, completed, named_pages, site_pages, site_path
from website.page_links import with_links

PAGE = PurePosixPath("docs/how-to/a.md")


def place(path: PurePosixPath) -> str | None:
    return {"docs/reference/b.md": "../reference/b.md", "docs/images/c.png": "../images/c.png"}.get(str(path))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("see [b](../reference/b.md#x)", "see [b](../reference/b.md#x)"),
        ("see [the test](../../tests/t.py), [b](../reference/b.md)", "see the test, [b](../reference/b.md)"),
        ("![c](../images/c.png)", "![c](../images/c.png)"),
        (
            '<picture><source srcset="../images/c.png"><img src="../images/c.png" alt="c"></picture>',
            '<picture><source srcset="../images/c.png"><img src="../images/c.png" alt="c"></picture>',
        ),
        ('<picture><img src="../../a.png" alt="an a"></picture>', "an a"),
        ('`<picture><img src="../../a.png">`', '`<picture><img src="../../a.png">`'),
        (
            "[here](#there) and [there](https://example.com/x.md)",
            "[here](#there) and [there](https://example.com/x.md)",
        ),
        ("`[a](b.md)` is a link", "`[a](b.md)` is a link"),
        ("[`t`](../../t.py) is code", "`t` is code"),
        ("```\n[a](b.md)\n```\n", "```\n[a](b.md)\n```\n"),
        ("    [a](b.md)\n", "    [a](b.md)\n"),
    ],
)
def test_a_link_leads_where_the_place_has_the_file_and_is_text_where_it_has_not(text: str, wanted: str) -> None:
    assert with_links(text, PAGE, place) == wanted


def test_the_contents_name_pages_that_are_there_and_have_a_place_for_each_other() -> None:
    contents = completed(yaml.safe_load(CONTENTS.read_text()))
    assert named_pages(contents) == site_pages() | {"decisions/index.md"}
    with pytest.raises(ValueError, match=r"no_such\.md"):
        completed([{"Start": ["index.md", "no_such.md"]}])


def test_every_page_that_people_read_is_on_the_site() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if site_path(PurePosixPath(page.relative_to(ROOT).as_posix())) is None] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        '<a href="sub/b.html#here">x</a><a href="#top">y</a><img src="gone.png"><source srcset="gone.webp">'
    )
    (tmp_path / "sub/b.html").write_text(
        '<h1 id="there">b</h1><a href="../a.html?q=1">a</a><a href="https://x.y/">z</a>'
    )
    assert list(broken_links(tmp_path)) == [
        "a.html: sub/b.html#here (no such place on the page)",
        "a.html: #top (no such place on the page)",
        "a.html: gone.png",
        "a.html: gone.webp",
    ]
