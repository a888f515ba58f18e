"""Pieces of Markdown that all pages are made of."""

import re
from collections.abc import Iterable, Sequence

HEAD = "<!-- Made by docs/generate.py; change the definitions it reads instead. -->\n\n"

_CODE = re.compile(r"(`+[^`]*`+)")


def cell(text: str) -> str:
    """Return a text as the cell of a table: on one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return a text as code, or nothing for none."""
    return f"`{text}`" if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with an empty line after it; nothing if it has no rows."""
    lines = ["| " + " | ".join(cell(one) for one in row) + " |\n" for row in rows]
    if not lines:
        return ""
    return "".join(["| " + " | ".join(head) + " |\n", "|" + "---|" * len(head) + "\n", *lines, "\n"])


def indented(text: str) -> str:
    """Return a text as a block of code."""
    return "".join(f"    {line}\n" if line else "\n" for line in text.rstrip().splitlines()) + "\n"


def anchor(heading: str) -> str:
    """Return how a link names a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def prose(text: str) -> str:
    """Return the text of a docstring as Markdown: a paragraph that ends in `::` has code below it."""
    paragraphs = []
    for paragraph in text.strip("\n").split("\n\n"):
        stripped = paragraph.rstrip()
        if stripped == "::":
            continue
        paragraphs.append(stripped[:-1] if stripped.endswith("::") else stripped)
    return "\n\n".join(one if one.startswith("    ") else _plain(one) for one in paragraphs) + "\n\n"


def _plain(text: str) -> str:
    """Return a paragraph whose characters outside of code mean themselves."""
    parts = _CODE.split(text)
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", "\\*").replace("__", "\\_\\_")
        for part in parts
    )
