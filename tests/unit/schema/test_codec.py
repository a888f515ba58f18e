import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.schema.codec import encode, encode_chunk, encode_progress, fraction


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(None, None, None), (0, None, 0), (1, None, 1), (0.5, None, 0.5), (3, 4, 0.75)]
)
def test_a_fraction_is_what_is_done_of_the_whole(done: float | None, total: float | None, expected: float) -> None:
    assert fraction(done, total) == expected


@pytest.mark.parametrize(
    ("done", "total"), [(2, None), (-0.1, None), (math.nan, None), (5, 4), (1, 0), (1, -1), (1, math.nan)]
)
def test_numbers_that_make_no_fraction_are_refused(done: float, total: float | None) -> None:
    with pytest.raises(ValueError, match="progress"):
        fraction(done, total)


def test_a_count_without_its_total_gets_a_hint() -> None:
    with pytest.raises(ValueError, match="give the total"):
        fraction(17, None)


def test_a_chunk_beyond_the_limit_is_refused_with_its_size() -> None:
    assert encode_chunk("x" * 8, 10) == '"xxxxxxxx"'
    with pytest.raises(ValueError, match="11 bytes as JSON; at most 10"):
        encode_chunk("x" * 9, 10)


@pytest.mark.parametrize("value", [object(), {1: {2}, "a": object()}, 1j])
def test_what_json_has_no_form_for_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_a_list_that_holds_itself_is_a_type_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(TypeError, match="no form in JSON"):
        encode(endless)


@given(st.none() | st.floats(0, 1), st.none() | st.text(max_size=20))
def test_progress_is_always_an_object_with_its_three_fields(done: float | None, message: str | None) -> None:
    text = encode_progress(done, None, message, [1], 10_000)
    found = msgspec.json.decode(text)
    assert set(found) == {"fraction", "message", "data"}
    assert found["message"] == message
    assert found["fraction"] is None or 0 <= found["fraction"] <= 1
