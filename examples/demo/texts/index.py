"""An index of a text, built section by section, that reports what it finds as it goes."""

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from texts.company import Company
from texts.rank import centrality
from texts.terms import Usage, content, most_common, phrases, prominent
from texts.text import Section, sentences, words

LONG_SECTION_WORDS: Final = 150
"""A section of so many words may show two terms; a shorter one shows one."""

QUOTE_CHARS: Final = 70
"""What a quote shows before and after its term, at most."""

SUMMARY_CHARS: Final = 160
"""The most of a section's first sentence that goes with its heading."""


NEAR_WORDS: Final = 4
"""How many words of its company a term comes with."""

ALIKE_WORDS: Final = 3
"""How many words that are used like it a term comes with."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One finding: a log chunk."""

    kind: Literal["heading", "term", "quote"]
    """A section begins; it uses a term more than the text before it does; the term in its context."""
    term: str
    """The heading, or the term in lower case."""
    where: str
    """The section's number and heading, such as "12 · The with statement"."""
    text: str
    """How the section begins; how often the term occurs; the quote."""


@dataclasses.dataclass(frozen=True, slots=True)
class IndexReport:
    """What the whole text is like."""

    title: str
    words: int
    """Headings included."""
    sentences: int
    """Headings left out."""
    distinct: int
    """Different words, capitals aside."""
    elapsed_s: float
    terms: list[tuple[str, int]]
    """The most frequent words that are no stop words, with their counts."""


class Index:
    """An index that grows by a section at a time."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._usage = Usage()
        self._company = Company()
        self._sections = 0
        self._sentences = 0
        self._told: set[str] = set()

    @property
    def words(self) -> int:
        """Words so far."""
        return self._words.total()

    def add(self, section: Section) -> list[Finding]:
        """Read a section; return what it brings: its heading, then new terms, each with a quote."""
        self._sections += 1
        where = f"{self._sections} · {section.title}"
        lines = sentences(section.body)
        tokens = [words(line) for line in lines]
        here = Usage(term for line in tokens for term in phrases(line))
        content_words = [[word for word in line if content(word)] for line in tokens]
        for line in content_words:
            self._company.add(line)
        found = [_heading(section, where, lines)] if section.begins else []
        found += self._terms(here, where, lines, tokens)
        self._words.update(word for line in tokens for word in line)
        self._words.update(words(section.title) if section.begins else ())
        self._sentences += len(lines)
        self._usage.add(here)
        return found

    def top(self, most: int) -> list[tuple[str, int]]:
        """Return the most frequent content words so far, with their counts."""
        return most_common({word: count for word, count in self._words.items() if content(word)}, most)

    def report(self, title: str, top: int, elapsed_s: float) -> IndexReport:
        """Return what the text read so far is like.

        Args:
            title: what the text is called.
            top: how many terms to name at most.
            elapsed_s: seconds it took.

        """
        return IndexReport(
            title=title,
            words=self.words,
            sentences=self._sentences,
            distinct=len(self._words),
            elapsed_s=round(elapsed_s, 3),
            terms=self.top(top),
        )

    def _terms(self, here: Usage, where: str, lines: Sequence[str], tokens: Sequence[Sequence[str]]) -> list[Finding]:
        most = 2 if sum(map(len, tokens)) >= LONG_SECTION_WORDS else 1
        new = [term for term in prominent(here, self._usage, most) if term not in self._told]
        if not new:
            return []
        self._told.update(new)
        ranks = centrality([[word for word in line if content(word)] for line in tokens])
        return [
            finding
            for term in new
            for finding in (
                Finding("term", term, where, self._about(term, here)),
                Finding("quote", term, where, _quote(term, lines, tokens, ranks)),
            )
        ]

    def _about(self, term: str, here: Usage) -> str:
        before = self._usage.counts[term]
        parts = [f"{_times(here.counts[term])} here, {_times(before) if before else 'never'} before"]
        if near := self._company.near(term, NEAR_WORDS):
            parts.append(f"near {', '.join(near)}")
        if alike := self._company.alike(term, ALIKE_WORDS):
            parts.append(f"used like {', '.join(alike)}")
        return " · ".join(parts)


def _heading(section: Section, where: str, lines: Sequence[str]) -> Finding:
    return Finding("heading", section.title, where, _shortened(lines[0] if lines else "", SUMMARY_CHARS))


def _quote(term: str, lines: Sequence[str], tokens: Sequence[Sequence[str]], ranks: Sequence[float]) -> str:
    """Return the term in the most central sentence that has it."""
    having = [number for number, line in enumerate(tokens) if f" {term} " in f" {' '.join(line)} "]
    best = max(having, key=lambda number: ranks[number])
    line = lines[best]
    # Its words are separated by characters that words() does not count as part of a word.
    pattern = r"\b" + r"\W+".join(map(re.escape, term.split())) + r"\b"
    spot = re.search(pattern, line, re.IGNORECASE)
    start, end = spot.span() if spot else (0, 0)
    return _before(line[:start]) + line[start:end] + _shortened(line[end:], QUOTE_CHARS)


def _before(text: str) -> str:
    if len(text) <= QUOTE_CHARS:
        return text
    return "…" + text[-QUOTE_CHARS:].partition(" ")[2]


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return text[:most].rpartition(" ")[0] + "…"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
