"""The company words keep: which words stand near a word, and which are used as it is."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

REACH: Final = 5
"""Words that stand at most so far apart are near each other."""

LEAST_PAIRS: Final = 3
"""How often two words must stand near each other for it to be no accident."""

LEAST_USE: Final = 10
"""How much company a word must have had to be compared."""

MAX_PEERS: Final = 400
"""The most words that a word is compared with: those with the most company."""

LEAST_LIKENESS: Final = 0.2
"""The cosine from which two words count as used alike."""


class Company:
    """Counts which words stand near which, and compares them by it.

    "You shall know a word by the company it keeps" (Firth, 1957). Weights are positive pointwise
    mutual information; words are alike whose weighted companions point the same way.

    Source: Jurafsky and Martin, "Speech and Language Processing", the chapter on vector semantics.
    """

    def __init__(self) -> None:
        self._near: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._totals: Counter[str] = Counter()
        self._total = 0

    def add(self, sentence: Sequence[str]) -> None:
        """Count the words of a sentence (stop words left out)."""
        for place, word in enumerate(sentence):
            for other in sentence[place + 1 : place + 1 + REACH]:
                if other != word:
                    self._near[word][other] += 1
                    self._near[other][word] += 1
                    self._totals[word] += 1
                    self._totals[other] += 1
                    self._total += 2

    def near(self, word: str, most: int) -> list[str]:
        """Return the words that stand near it more often than chance has it, by how much."""
        weights = {
            other: weight * self._near[word][other]
            for other, weight in self._weights(word).items()
            if self._near[word][other] >= LEAST_PAIRS
        }
        return sorted(weights, key=lambda other: (-weights[other], other))[:most]

    def alike(self, word: str, most: int) -> list[str]:
        """Return the words used most as it is: in the same company, though maybe never side by side."""
        if self._totals[word] < LEAST_USE:
            return []
        own = self._weights(word)
        likeness = {
            peer: _cosine(own, self._weights(peer))
            for peer, uses in self._totals.most_common(MAX_PEERS)
            if peer != word and uses >= LEAST_USE
        }
        close = [peer for peer, cosine in likeness.items() if cosine >= LEAST_LIKENESS]
        return sorted(close, key=lambda peer: (-likeness[peer], peer))[:most]

    def _weights(self, word: str) -> dict[str, float]:
        """Return by how much (natural logarithm) each companion is more frequent than by chance."""
        own = self._totals[word]
        weights: dict[str, float] = {}
        for other, count in self._near.get(word, Counter()).items():
            weight = math.log(count * self._total / (own * self._totals[other]))
            if weight > 0:
                weights[other] = weight
        return weights


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    if len(one) > len(other):
        one, other = other, one
    product = sum(weight * other[word] for word, weight in one.items() if word in other)
    return product / (math.hypot(*one.values()) * math.hypot(*other.values())) if product else 0.0
