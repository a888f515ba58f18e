"""Which sentences of a section say what the others say too."""

import math
from collections.abc import Collection, Sequence
from typing import Final

DAMPING: Final = 0.85
"""Share of a sentence's rank that comes from its neighbours."""

ROUNDS: Final = 30
"""The rank is refined so often at most; it settles in fewer."""

SETTLED: Final = 1e-4
"""Change of the ranks' sum below which they have settled."""

MAX_RANKED: Final = 100
"""The work grows with the square of the sentences; later ones get no rank."""


def centrality(sentences: Sequence[Collection[str]]) -> list[float]:
    """Return how central each sentence is: above 0, about 1 on average, 0 where it was not ranked.

    Source: Mihalcea and Tarau, "TextRank: Bringing Order into Texts" (EMNLP 2004), section 4:
    PageRank over sentences, which are linked as strongly as they share words.

    Args:
        sentences: the content words of each sentence.

    """
    links = _links([frozenset(words) for words in sentences[:MAX_RANKED]])
    ranks = [1.0] * len(links)
    for _ in range(ROUNDS):
        new = [1 - DAMPING] * len(links)
        for giver, linked in enumerate(links):
            for taker, share in linked.items():
                new[taker] += DAMPING * share * ranks[giver]
        change = sum(abs(old - rank) for old, rank in zip(ranks, new, strict=True))
        ranks = new
        if change < SETTLED:
            break
    return ranks + [0.0] * (len(sentences) - len(ranks))


def _links(sentences: Sequence[frozenset[str]]) -> list[dict[int, float]]:
    """Return for each sentence its neighbours, each with its share of the strength of all links."""
    strengths: list[dict[int, float]] = [{} for _ in sentences]
    for one, words in enumerate(sentences):
        for other in range(one):
            strength = _likeness(words, sentences[other])
            if strength:
                strengths[one][other] = strengths[other][one] = strength
    return [
        {other: strength / total for other, strength in linked.items()}
        for linked in strengths
        for total in [sum(linked.values())]
    ]


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    # One added, as sentences of a single word would make it log(1) + log(1) = 0.
    return shared / (math.log(len(one) + 1) + math.log(len(other) + 1)) if shared else 0.0
