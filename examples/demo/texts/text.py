"""Texts, cut into sections, sentences and words; and the long text that every Python carries."""

import dataclasses
import platform
import re
from collections.abc import Iterator
from pydoc_data.topics import topics
from typing import Final

PART_CHARS: Final = 3_000
"""A section longer than this is cut at a paragraph into parts, so that each is quickly worked on."""

HEADING_CHARS: Final = 120
"""A longer line is no heading."""

_TITLE: Final = rf"\S[^\n]{{0,{HEADING_CHARS - 1}}}"
_MARKED: Final = rf"\#{{1,6}}[ \t]+(?P<marked>{_TITLE})"
_UNDERLINED: Final = rf"(?P<underlined>{_TITLE})\n(?P<line>[*=~^-])(?P=line){{2,}}[ \t]*"
_HEADING: Final = re.compile(rf"^(?:{_MARKED}|{_UNDERLINED})$", re.MULTILINE)
_PARAGRAPH_END: Final = re.compile(r"\n\s*\n")

_CLOSING: Final = '["\u2019\u201d)\\]]*'
_OPENING: Final = '["\u2018\u201c(\\[]*'
# A full stop ends a sentence if what follows does not begin with a small letter, as after "e.g.".
_SENTENCE_END: Final = re.compile(rf"(?<=[.!?]){_CLOSING}\s+(?={_OPENING}[^\Wa-z])|\n\s*\n")
_WORD: Final = re.compile("\\w+(?:['\u2019-]\\w+)*")


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A piece of a text: what stands under one heading, or a part of it."""

    title: str
    """The heading; of a later part, with its number; of what precedes the first heading, "Beginning"."""
    body: str
    """Without the heading; empty where one heading follows another."""
    begins: bool
    """Whether `title` stands here in the text: not so in later parts, nor in what has no heading."""
    end: int
    """Where it ends: characters from the beginning of the text."""


def reference() -> tuple[str, str]:
    """Return title and text of the Python language reference, as `help()` shows it.

    Source: the standard library's `pydoc_data.topics`, 450,000 to 700,000 characters. Many of its
    topics contain others whole; text that appeared before is left out.
    """
    seen: set[str] = set()
    kept: list[str] = []
    for text in topics.values():
        for section in sections(text):
            piece = f"{section.title}\n===\n\n{section.body}" if section.begins else section.body
            if piece not in seen:
                seen.add(piece)
                kept.append(piece)
    return f"The Python {platform.python_version()} language reference", "\n\n".join(kept)


def sections(text: str) -> Iterator[Section]:
    """Cut a text at its headings, in order; all its words are in the headings and bodies.

    Headings are lines that a row of `* = - ~ ^` underlines, or that begin with `#` as in Markdown.
    What is longer than `PART_CHARS` is cut further, so a text without headings has sections too.
    """
    title, begins, start = "Beginning", False, 0
    for heading in _HEADING.finditer(text):
        yield from _parts(title, text, start, heading.start(), begins=begins)
        title, begins, start = (heading["marked"] or heading["underlined"]).strip(), True, heading.end()
    yield from _parts(title, text, start, len(text), begins=begins)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each on one line; a paragraph's end ends a sentence."""
    return [" ".join(part.split()) for part in _SENTENCE_END.split(text) if part and not part.isspace()]


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, those joined by hyphen or apostrophe as one."""
    return [word.lower() for word in _WORD.findall(text)]


def _parts(title: str, text: str, start: int, end: int, *, begins: bool) -> Iterator[Section]:
    number = 1
    while start < end or begins:
        stop = _cut(text, start, end)
        body = text[start:stop].strip()
        if body or begins:
            name = title if number == 1 else f"{title} ({number})"
            yield Section(name, body, begins, stop)
            number, begins = number + 1, False
        start = stop


def _cut(text: str, start: int, end: int) -> int:
    """Return where a part that begins at `start` ends: after the first paragraph past `PART_CHARS`."""
    if end - start <= PART_CHARS:
        return end
    # A paragraph may be endless: then the part ends at twice the length, at a word's end if there is one.
    latest = min(end, start + 2 * PART_CHARS)
    found = _PARAGRAPH_END.search(text, start + PART_CHARS, latest)
    if found:
        return found.end()
    if latest == end:
        return end
    blank = text.rfind(" ", start + PART_CHARS, latest)
    return latest if blank < 0 else blank
