"""The pages of the reference as tests read them: their headings, and what stands under each."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"

_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@cache
def page(name: str) -> str:
    """Return the text of a page."""
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def headings(text: str) -> list[str]:
    """Return the headings of a page, as they are written."""
    return _HEADING.findall(text)


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, to the next one of any depth; empty: there is no such heading."""
    found = re.search(rf"^#{{1,6}} {re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def slugs(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in headings(text):
        plain = re.sub(r"\]\([^)]*\)", "]", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (one := slug if number == 0 else f"{slug}-{number}") in found:
            number += 1
        found.add(one)
    return found


def rows(text: str) -> set[str]:
    """Return what the first cells of the tables of a text name as code."""
    return {
        name for cell in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)
    }
