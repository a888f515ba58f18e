"""Each page of the console has its pictures, light and dark, and pages show pictures that are there."""

import re
from pathlib import Path

import pytest
from PIL import Image

from browser.context import CONSOLE_PAGES
from screenshots.take_pictures import FOLDER, MOST_BYTES, PICTURES, SCHEMES, path
from snippets.pages import ROOT, pages

_PAGES = re.compile(r"^  \{ page: (?:\"(\w+)\"|HOME)", re.MULTILINE)
_HOME = re.compile(r"HOME = \"(\w+)\"")
_PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)
_SHOWN = re.compile(r"\ssrc(?:set)?=\"([^\"]+)\"|!\[[^\]]*\]\(([^)\s]+)\)")


def console_pages() -> list[str]:
    """Return the pages that the console has."""
    (home,) = _HOME.findall((ROOT / "static/console/router.js").read_text())
    return [name or home for name in _PAGES.findall((ROOT / "static/console/pages.js").read_text())]


def shown(page: Path) -> set[Path]:
    """Return the pictures that a page shows."""
    return {(page.parent / (one or other)).resolve() for one, other in _SHOWN.findall(page.read_text())}


def test_every_page_of_the_console_has_a_picture_in_each_scheme() -> None:
    assert console_pages() == list(CONSOLE_PAGES)
    missing = [
        f"{scheme} {page}"
        for page in console_pages()
        for scheme in SCHEMES
        if not path(f"console-{page}", scheme).exists()
    ]
    assert missing == [], "make pictures"


def test_there_are_the_pictures_that_the_command_takes_and_no_others() -> None:
    there = {one for scheme in SCHEMES for one in (FOLDER / scheme).iterdir()}
    assert there == {path(name, scheme) for name in PICTURES for scheme in SCHEMES}
    assert sum(one.stat().st_size for one in there) <= MOST_BYTES


@pytest.mark.parametrize("name", PICTURES)
def test_both_pictures_of_a_page_are_as_wide_and_have_their_scheme(name: str) -> None:
    light, dark = (Image.open(path(name, scheme)).convert("L") for scheme in SCHEMES)
    assert light.width == dark.width
    brightness = [sum(one.crop((0, 0, 4, 4)).tobytes()) / 16 for one in (light, dark)]
    assert brightness[0] > 200
    assert brightness[1] < 60


def test_pages_show_pictures_that_are_there_and_every_picture_is_shown() -> None:
    found = {one for page in pages() for one in shown(page)}
    assert [one for one in found if not one.exists()] == []
    assert [one for one in FOLDER.rglob("*.webp") if one not in found] == []


def test_a_picture_in_two_schemes_names_both_of_one_page_and_says_what_it_shows() -> None:
    for page in pages():
        for element in _PICTURE.findall(page.read_text()):
            dark, light = _SHOWN.findall(element)
            assert dark[0].replace("/dark/", "/light/") == light[0], page
            assert re.search(r'alt="[^"]{20,}"', element), page
