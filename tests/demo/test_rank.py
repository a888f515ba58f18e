import pytest
from hypothesis import given
from hypothesis import strategies as st

from texts.rank import DAMPING, MAX_RANKED, centrality

sections = st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=5).map(sorted), max_size=12)


def test_the_sentence_that_shares_words_with_all_others_is_the_most_central() -> None:
    ranks = centrality([["cat", "dog"], ["cat", "dog", "owl", "fox"], ["owl", "fox"]])
    assert max(ranks) == ranks[1]


def test_a_sentence_that_shares_nothing_has_the_least_rank() -> None:
    assert centrality([["cat"], ["dog"]]) == pytest.approx([1 - DAMPING] * 2)


@given(sections)
def test_ranks_are_positive_and_no_more_than_one_on_average(section: list[list[str]]) -> None:
    ranks = centrality(section)
    assert len(ranks) == len(section)
    assert all(rank > 0 for rank in ranks)
    assert sum(ranks) <= len(section) + 1e-6


@given(sections)
def test_ranks_do_not_depend_on_the_order(section: list[list[str]]) -> None:
    assert centrality(section[::-1])[::-1] == pytest.approx(centrality(section), abs=1e-3)


def test_sentences_past_the_limit_have_no_rank() -> None:
    ranks = centrality([["cat", "dog"]] * (MAX_RANKED + 2))
    assert ranks[-3:] == [pytest.approx(1, abs=0.01), 0, 0]


def test_no_sentences_have_no_ranks() -> None:
    assert centrality([]) == []
