import pytest
from hypothesis import given
from hypothesis import strategies as st

from texts import text
from texts.text import reference, sections, sentences, words

LINES = ("# Mark", "Title", "=====", "---", "", "  ", "Some words stand here.", "x" * 200, "#", "***")
texts = st.text(max_size=400) | st.lists(st.sampled_from(LINES), max_size=60).map("\n".join)


def words_of_sections(whole: str) -> list[str]:
    pieces = (f"{one.title}\n{one.body}" if one.begins else one.body for one in sections(whole))
    return [word for piece in pieces for word in words(piece)]


@given(texts)
def test_headings_and_bodies_hold_every_word_in_order(whole: str) -> None:
    assert words_of_sections(whole) == words(whole)


@given(texts)
def test_ends_rise_to_at_most_the_length(whole: str) -> None:
    ends = [section.end for section in sections(whole)]
    assert ends == sorted(ends)
    assert not ends or ends[-1] <= len(whole)


def test_both_kinds_of_headings_begin_sections() -> None:
    found = list(sections("Before.\n\n# First #1\none\n\nSecond\n------\n\ntwo\n"))
    assert [(one.title, one.body, one.begins) for one in found] == [
        ("Beginning", "Before.", False),
        ("First #1", "one", True),
        ("Second", "two", True),
    ]


def test_a_heading_with_nothing_under_it_is_kept() -> None:
    assert [(one.title, one.body) for one in sections("# Part\n## Chapter\ntext")] == [
        ("Part", ""),
        ("Chapter", "text"),
    ]


def test_a_rule_after_a_blank_line_is_no_heading() -> None:
    assert [one.begins for one in sections("text\n\n-----\n\nmore")] == [False]


def test_a_long_section_is_cut_at_paragraphs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text, "PART_CHARS", 20)
    found = list(sections("# Long\n" + "\n\n".join(["twelve chars"] * 4)))
    assert [(one.title, one.begins) for one in found] == [("Long", True), ("Long (2)", False)]
    assert [one.body.count("twelve") for one in found] == [2, 2]


@given(st.lists(st.text("ab", min_size=1, max_size=9)).map(" ".join))
def test_an_endless_paragraph_is_cut_between_words(whole: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "PART_CHARS", 20)
        assert words_of_sections(whole) == words(whole)
        assert all(len(one.body) <= 40 for one in sections(whole))


def test_a_text_without_blanks_is_cut_all_the_same() -> None:
    assert [len(one.body) for one in sections("x" * (10 * text.PART_CHARS))] == [2 * text.PART_CHARS] * 5


@pytest.mark.parametrize("blank", ["", "   ", "\n\n\t\n"])
def test_a_blank_text_has_no_sections(blank: str) -> None:
    assert list(sections(blank)) == []


def test_sentences_end_at_full_stops_and_paragraphs_but_not_in_abbreviations() -> None:
    found = sentences('It stops, e.g. here. "Does it?" It\ndoes.\n\n* a list\n\n* of two')
    assert found == ["It stops, e.g. here.", '"Does it?', "It does.", "* a list", "* of two"]


def test_words_are_lower_case_and_keep_hyphens_and_apostrophes() -> None:
    assert words("Don't re-use __slots__, Ünïcode 3.11!") == [
        "don't",
        "re-use",
        "__slots__",
        "ünïcode",
        "3",
        "11",
    ]


def test_the_reference_is_long_and_has_no_section_twice() -> None:
    title, whole = reference()
    assert title.startswith("The Python 3.")
    assert len(whole) > 250_000
    found = [(one.title, one.body) for one in sections(whole) if one.begins and one.body]
    assert len(found) > 100
    assert len(set(found)) == len(found)
