from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from texts.terms import LEAST_COUNT, Usage, content, most_common, phrases, prominent

usages = st.lists(st.sampled_from(["apple", "pear", "apple pear", "plum", "red apple pear"]), max_size=80).map(Usage)


def test_small_words_numbers_and_single_letters_are_no_content() -> None:
    assert [word for word in ("the", "42", "x", "tree", "don't", "x2") if content(word)] == ["tree", "x2"]


def test_phrases_begin_and_end_with_content() -> None:
    assert list(phrases(["the", "order", "of", "evaluation"])) == [
        "order",
        "order of evaluation",
        "evaluation",
    ]


def test_phrases_have_three_words_at_most() -> None:
    found = list(phrases(["big", "red", "warm", "coat"]))
    assert "big red warm" in found
    assert "big red warm coat" not in found


@given(st.lists(usages, max_size=5))
def test_usage_adds_up(parts: list[Usage]) -> None:
    whole = Usage()
    for part in parts:
        whole.add(part)
    assert whole.counts == sum((part.counts for part in parts), Counter())
    assert whole.total == whole.counts.total()


def test_what_is_frequent_here_and_rare_elsewhere_stands_out() -> None:
    here = Usage(["lambda"] * 9 + ["value"] * 9)
    elsewhere = Usage(["value"] * 400 + ["other"] * 600)
    assert prominent(here, elsewhere, 5) == ["lambda"]


def test_what_is_as_frequent_as_elsewhere_does_not_stand_out() -> None:
    assert prominent(Usage(["value"] * 9 + ["other"] * 9), Usage(["value", "other"] * 500), 5) == []


def test_what_occurs_twice_is_an_accident() -> None:
    assert prominent(Usage(["rare"] * (LEAST_COUNT - 1)), Usage(["other"] * 9_000), 5) == []


def test_with_nothing_to_compare_with_the_repeated_stands_out() -> None:
    assert prominent(Usage(["owl"] * 3 + ["fox"]), Usage(), 5) == ["owl"]


def test_a_phrase_is_named_for_its_words_where_it_makes_up_half_of_them() -> None:
    here = Usage(["future statement"] * 8 + ["future"] * 9 + ["statement"] * 12)
    assert prominent(here, Usage(["other"] * 9_000), 5) == ["future statement"]


def test_a_word_is_named_where_its_phrase_is_a_small_part() -> None:
    here = Usage(["future statement"] * 3 + ["future"] * 30)
    assert prominent(here, Usage(["other"] * 9_000), 5) == ["future"]


@given(usages, usages, st.integers(0, 3))
def test_as_many_as_asked_for_each_from_the_section_none_within_another(
    here: Usage, elsewhere: Usage, most: int
) -> None:
    found = prominent(here, elsewhere, most)
    assert len(found) <= most
    assert all(here.counts[term] >= LEAST_COUNT for term in found)
    assert not any(one != other and f" {one} " in f" {other} " for one in found for other in found)


def test_the_most_common_come_first_and_equals_by_alphabet() -> None:
    assert most_common({"b": 2, "a": 2, "c": 3, "d": 1}, 3) == [("c", 3), ("a", 2), ("b", 2)]
