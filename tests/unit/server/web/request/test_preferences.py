"""The preferences of a request, read as RFC 7240 writes them, and what an answer says of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_server.web.request.preferences import MAX_PREFER, Preferences, preferences_of

MOST = 60.0


@pytest.mark.parametrize(
    ("headers", "wait", "respond_async"),
    [
        ([], None, False),
        (["wait=10"], 10, False),
        (["respond-async"], None, True),
        (["respond-async, wait=10"], 10, True),
        (["wait=10", "respond-async"], 10, True),
        (["Wait = 10 , RESPOND-ASYNC"], 10, True),
        (['wait="10"'], 10, False),
        (["wait=0"], 0, False),
        (["wait=600"], MOST, False),
        (["wait=1, wait=2"], 1, False),  # section 2: the first counts
        (['return=minimal; foo="a, wait=9", wait=3'], 3, False),
        (['foo="wait=9, respond-async"'], None, False),
        (["foo; wait=9"], None, False),  # a parameter of another preference
        (["await=9"], None, False),
        (["wait=-1"], None, False),
        (["wait=1.5"], None, False),
        (["wait"], None, False),
        (["wait=9 9, respond-async"], None, True),
        (['wait=9, "unclosed, respond-async'], 9, False),
        (["respond-async;=, wait=2"], 2, True),
        ([",, ,wait=4,"], 4, False),
    ],
)
def test_preferences_are_read(headers: list[str], wait: float | None, respond_async: bool) -> None:
    assert preferences_of(headers, MOST) == Preferences(wait, respond_async)


@pytest.mark.parametrize(
    ("preferences", "waited", "accepted", "header"),
    [
        (Preferences(), True, True, None),
        (Preferences(10.0), True, False, "wait=10"),
        (Preferences(10.0), True, True, "wait=10"),
        (Preferences(10.0), False, True, None),
        (Preferences(None, True), False, True, "respond-async"),
        (Preferences(10.0, True), True, True, "respond-async, wait=10"),
        (Preferences(10.0, True), True, False, "wait=10"),
        (Preferences(0.5), True, False, "wait=0.5"),
    ],
)
def test_an_answer_names_the_preferences_that_it_follows(
    preferences: Preferences, waited: bool, accepted: bool, header: str | None
) -> None:
    expected = {} if header is None else {"preference-applied": header}
    assert preferences.applied(waited=waited, accepted=accepted) == expected


@given(st.lists(st.text(st.sampled_from('wait=10,;" \\respond-async'), max_size=60), max_size=3))
def test_nothing_that_a_header_holds_breaks_the_reading(headers: list[str]) -> None:
    found = preferences_of(headers, MOST)
    assert found.wait is None or 0 <= found.wait <= MOST


def test_a_header_that_is_too_long_changes_nothing() -> None:
    longest = "wait=9" + "," * (MAX_PREFER - 6)
    assert preferences_of([longest], MOST).wait == 9
    assert preferences_of([longest + ","], MOST) == Preferences()
    assert preferences_of([longest, ""], MOST) == Preferences()
