import re
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texts.index import Finding, Index
from texts.text import reference, sections, words


def read(whole: str) -> tuple[Index, list[Finding]]:
    index = Index()
    return index, [finding for section in sections(whole) for finding in index.add(section)]


COMMON = "Many other words stand here, while further sentences come and sentences go. " * 60
NEWS = "A Walrus swims. The walrus sleeps. One walrus sings, the walrus hums."


@pytest.fixture(scope="module")
def long_text() -> tuple[Index, list[Finding]]:
    return read(reference()[1])


@given(st.text(max_size=300) | st.text("# ab.\n-", max_size=300))
def test_any_text_is_counted_as_it_is(whole: str) -> None:
    index, _ = read(whole)
    report = index.report("Title", 100, 1.23456)
    assert (report.words, report.distinct) == (len(words(whole)), len(set(words(whole))))
    assert report.elapsed_s == 1.235


def test_each_heading_is_found_with_how_its_section_begins() -> None:
    _, found = read("# One\nFirst sentence. Second sentence.\n# Two\n")
    assert found == [
        Finding("heading", "One", "1 · One", "First sentence."),
        Finding("heading", "Two", "2 · Two", ""),
    ]


def test_a_new_term_comes_with_its_counts_and_a_quote() -> None:
    _, found = read(f"{COMMON}\n\n# News\n{NEWS}")
    news = [one for one in found if one.where.endswith("News")]
    assert [(one.kind, one.term) for one in news] == [
        ("heading", "News"),
        ("term", "walrus"),
        ("quote", "walrus"),
    ]
    assert news[1].text.startswith("4 times here, never before")
    assert "walrus" in news[2].text.lower()


def test_a_term_is_told_once() -> None:
    _, found = read(f"{COMMON}\n\n# News\n{NEWS}\n\n# More\n{COMMON}\n\n# Again\n{NEWS}")
    assert [one.where[-4:] for one in found if one.term == "walrus"] == ["News", "News"]


def test_a_short_text_shows_what_it_repeats() -> None:
    _, found = read(NEWS)
    assert [(one.kind, one.term) for one in found] == [("term", "walrus"), ("quote", "walrus")]


def test_a_quote_is_cut_between_words_around_its_term() -> None:
    before, after = "some of the " * 20, " and to all" * 20
    _, found = read(f"{before}walrus{after}. Walrus. Walrus.")
    assert found[-1].kind == "quote"
    assert re.fullmatch(r"…(some|of|the) .* the walrus and .* (and|to|all)…", found[-1].text)
    assert len(found[-1].text) < 160


def test_the_top_terms_are_the_most_frequent_content_words() -> None:
    index, _ = read("The owl and the fox. The owl and the owl.")
    assert index.top(5) == [("owl", 3), ("fox", 1)]
    assert index.report("", 1, 0).terms == [("owl", 3)]


def test_the_long_text_has_a_few_hundred_findings_of_each_kind(
    long_text: tuple[Index, list[Finding]],
) -> None:
    kinds = Counter(finding.kind for finding in long_text[1])
    assert 100 <= kinds["heading"] <= 400
    assert 80 <= kinds["term"] == kinds["quote"] <= 400


def test_findings_of_the_long_text_are_short_and_quotes_show_their_terms(
    long_text: tuple[Index, list[Finding]],
) -> None:
    for finding in long_text[1]:
        assert len(msgspec.json.encode(finding)) < 1_000
        if finding.kind == "quote":
            assert " ".join(words(finding.text)).find(finding.term) >= 0


def test_the_counts_of_the_long_text_agree_with_counting_it_at_once(
    long_text: tuple[Index, list[Finding]],
) -> None:
    report = long_text[0].report("", 100, 0)
    counts = Counter(re.findall(r"\w+(?:['\u2019-]\w+)*", reference()[1].lower()))
    assert report.words == counts.total()
    assert report.distinct == len(counts)
    assert len(report.terms) == 100
    assert all(counts[term] == count for term, count in report.terms)
