"""The ref of a frame that no parser takes."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_server.websocket.frames.frame_ref import MAX_TOKENS, find_ref

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("ref"), inner, max_size=3)
    ),
    max_leaves=8,
)


BROKEN = ['"\\ud800"}', '"\ud800"}', '"never ends', "NaN}", "[" * 1000, "}}}}", '"\\', ""]


@given(ref=st.integers(0, 2**53 - 1), before=JSON, after=st.sampled_from(BROKEN), indent=st.sampled_from([None, 1]))
def test_the_ref_is_found_wherever_it_stands_and_whatever_follows_is_broken(
    ref: int, before: object, after: str, indent: int | None
) -> None:
    head = json.dumps({"type": "submit", "input": before}, indent=indent).removesuffix("}")
    assert find_ref(f'{head}, "ref": {ref}, "x": {after}') == ref
    assert find_ref(f'{head}, "ref": {ref}}}') == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '"ref":1',
        '["ref",1]',
        '{"x":{"ref":1}}',
        '{"x":"\\"ref\\":1"}',
        '{"ref":"1"}',
        '{"ref":-1}',
        '{"ref":1.5}',
        '{"ref":1e3}',
        '{"ref":12345678901234567890}',
        '{"x":"ref"}',
        '{"x":1}{"y":{"ref":1',
    ],
)
def test_what_is_no_ref_of_the_outermost_object_is_not_taken_for_one(text: str) -> None:
    assert find_ref(text) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' + "[" * 500_000,
        '{"a":"' + '\\"' * 500_000,
        '{"a":"' + "\\" * 1_000_001,
        '{"' * 500_000,
        '{"a":' + '["",' * 250_000,
        '{"ref"' + " " * 1_000_000,
    ],
)
def test_a_text_of_a_megabyte_is_given_up_after_few_tokens(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    real = find_ref.__globals__["_TOKEN"]

    class Counting:
        def finditer(self, text: str) -> object:
            for token in real.finditer(text):
                taken.append(token.span())
                yield token

    monkeypatch.setitem(find_ref.__globals__, "_TOKEN", Counting())
    assert find_ref(text + '],"ref":1}') is None
    assert len(taken) <= MAX_TOKENS + 1
    # Each token begins where the one before ended, or later: no letter is read twice.
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(taken))
