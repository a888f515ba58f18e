"""Which words and phrases a text uses, and which of them stand out in one section of it."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

LONGEST_PHRASE: Final = 3
"""Words of the longest phrase that counts as a term."""

LEAST_COUNT: Final = 3
"""How often a term must occur in a section to stand out in it."""

LEAST_Z: Final = 2.6
"""Standard errors above nothing from which a term stands out: one chance in 200 for a single term."""

LEAST_COMPARED: Final = 500
"""With fewer occurrences of terms elsewhere there is nothing to compare with, and no `LEAST_Z`."""

PRIOR: Final = 0.5
"""Occurrences of every term that are taken for granted, here and elsewhere, so that none has zero."""

STOP_WORDS: Final = frozenset(
    """
    a about above after again against all also although always am an and another any are aren't as at
    away back be because been before being below between both but by can can't cannot could couldn't did
    didn't do does doesn't doing don't done down during each either else even ever every few first for
    from further get given gives go had has hasn't have haven't having he her here hers him himself his
    how however i i'm i've if in instead into is isn't it it's its itself just last later least less let
    let's like made make makes many may maybe me means might mine more most much must my myself neither
    never no nor not nothing now of off often on once one ones only or other others otherwise ought our
    ours out over own per perhaps quite rather s said same see seen shall she should shouldn't since so
    some something still such t than that that's the their theirs them themselves then there there's
    these they they're this those though three through thus to too two under until up upon us use used
    uses using usually very via was wasn't we we're well were weren't what when where whether which while
    who whole whom whose why will with within without won't would wouldn't yes yet you you're your yours
    """.split()  # noqa: SIM905 - as a list it would be 200 lines
)
"""English words that say how a sentence is built, not what it is about."""


def content(word: str) -> bool:
    """Return whether a word (in lower case) says what a text is about."""
    return len(word) > 1 and word not in STOP_WORDS and not word.isdecimal()


def phrases(words: Sequence[str]) -> Iterator[str]:
    """Yield the terms of one sentence: content words, and phrases that begin and end with one.

    A phrase may have one small word inside ("order of evaluation").
    """
    for start, word in enumerate(words):
        if not content(word):
            continue
        yield word
        for end in range(start + 2, min(start + LONGEST_PHRASE, len(words)) + 1):
            if content(words[end - 1]):
                yield " ".join(words[start:end])


class Usage:
    """How often a text uses each of its terms."""

    def __init__(self, terms: Iterable[str] = ()) -> None:
        self.counts = Counter(terms)
        self.total = self.counts.total()
        """All occurrences; kept, since a sum over all terms for every section would take longest of all."""

    def add(self, other: "Usage") -> None:
        """Add another text's usage."""
        self.counts.update(other.counts)
        self.total += other.total


def prominent(here: Usage, elsewhere: Usage, most: int) -> list[str]:
    """Return the terms that a section uses more than other text does, the most striking first.

    The measure is the log-odds ratio over a flat Dirichlet prior, in standard errors. Of terms that
    contain each other only one is named: the phrase, if it makes up half of the word's occurrences.

    Source: Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 16:4, 2008), equations
    16 to 22.

    Args:
        here: the section's usage.
        elsewhere: the usage of what it is compared with; may be none.
        most: how many to return at most.

    """
    scores = _scores(here, elsewhere)
    found: list[str] = []
    for term in sorted(scores, key=lambda term: (-scores[term], -len(term), term)):
        if len(found) == most:
            break
        fullest = _fullest(term, scores, here)
        if not any(_overlap(fullest, other) for other in found):
            found.append(fullest)
    return found


def most_common(counts: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    """Return the most frequent terms with their counts; equal counts in alphabetical order."""
    return heapq.nsmallest(most, counts.items(), key=lambda item: (-item[1], item[0]))


def _scores(here: Usage, elsewhere: Usage) -> dict[str, float]:
    """Return by how many standard errors each term stands out, if it does."""
    known = len(elsewhere.counts) + len(here.counts.keys() - elsewhere.counts.keys())
    prior_mass = PRIOR * (known + 1)  # one more for the term not met yet: nothing is ever all there is
    least = LEAST_Z if elsewhere.total >= LEAST_COMPARED else -math.inf
    scores: dict[str, float] = {}
    for term, count in here.counts.items():
        if count >= LEAST_COUNT:
            a, b = count + PRIOR, elsewhere.counts[term] + PRIOR
            odds_here = a / (here.total + prior_mass - a)
            odds_elsewhere = b / (elsewhere.total + prior_mass - b)
            z = math.log(odds_here / odds_elsewhere) / math.sqrt(1 / a + 1 / b)
            if z >= least:
                scores[term] = z
    return scores


def _fullest(term: str, scores: Mapping[str, float], here: Usage) -> str:
    """Return the longest striking phrase that half of a term's occurrences are part of, or the term."""
    phrases = [
        phrase for phrase in scores if f" {term} " in f" {phrase} " and 2 * here.counts[phrase] >= here.counts[term]
    ]
    return max(phrases, key=lambda phrase: (phrase.count(" "), here.counts[phrase], phrase))


def _overlap(one: str, other: str) -> bool:
    return f" {one} " in f" {other} " or f" {other} " in f" {one} "
