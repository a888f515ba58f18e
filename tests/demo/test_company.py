from hypothesis import given
from hypothesis import strategies as st

from texts.company import LEAST_PAIRS, Company

sentences = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=9), max_size=30)


def company(*texts: str, times: int = 1) -> Company:
    made = Company()
    for text in texts * times:
        made.add(text.split())
    return made


def test_words_that_keep_company_are_near() -> None:
    made = company("raise exception", "sort list", times=LEAST_PAIRS)
    assert made.near("exception", 5) == ["raise"]


def test_words_met_too_seldom_are_not_near() -> None:
    assert company("raise exception", "sort list", times=LEAST_PAIRS - 1).near("exception", 5) == []


def test_words_too_far_apart_are_not_near() -> None:
    assert "exception" not in company("raise a b c d e exception", times=9).near("raise", 9)


def test_words_in_the_same_company_are_alike_though_they_never_meet() -> None:
    made = company("red apple tree", "red pear tree", "grey stone wall", times=6)
    assert made.alike("apple", 1) == ["pear"]
    assert "stone" not in made.alike("apple", 9)


def test_an_unknown_word_has_no_company() -> None:
    assert company("red apple").near("stone", 5) == []
    assert company("red apple").alike("stone", 5) == []


@given(sentences, st.integers(0, 4))
def test_a_word_is_never_its_own_company_and_no_more_come_than_asked_for(texts: list[list[str]], most: int) -> None:
    made = Company()
    for sentence in texts:
        made.add(sentence)
    for word in "abcdefgh":
        for found in (made.near(word, most), made.alike(word, most)):
            assert word not in found
            assert len(found) <= most


@given(sentences)
def test_the_order_of_sentences_does_not_matter(texts: list[list[str]]) -> None:
    forth, back = Company(), Company()
    for one, other in zip(texts, reversed(texts), strict=True):
        forth.add(one)
        back.add(other)
    assert [forth.near(word, 3) for word in "abc"] == [back.near(word, 3) for word in "abc"]
