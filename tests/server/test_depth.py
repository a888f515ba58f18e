"""The depth of JSON is found as by reading, and in one pass over whatever a stranger sends."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.protocol.problems import ProblemError
from tidings_server.web.request.json_limits import LONG, check_depth, depth_of


def depth_by_reading(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_by_reading, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_by_reading, value), default=0)
    return 0


@given(st.text(alphabet='[]{}"\\a,:1', max_size=60))
@example('["\\\\",[["\\"[["]]]')
@example('["\\\\\\"[[",{"[":"]"}]')
def test_depth_is_found_as_by_reading(text: str) -> None:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return
    assert depth_of(text) == depth_by_reading(value)


@pytest.mark.parametrize(("depth", "refused"), [(3, False), (4, True)])
def test_what_nests_deeper_than_the_limit_is_refused(depth: int, refused: bool) -> None:
    text = "[" * depth + '"[[[["' + "]" * depth
    if refused:
        with pytest.raises(ProblemError, match="deeper than 3"):
            check_depth(text, 3)
    else:
        check_depth(text, 3)


@given(st.text(alphabet="[]{}", max_size=12))
@example("[[[[")
@example("{{{[")
@example("[[[]]][")
def test_a_long_text_is_refused_where_a_short_one_is(text: str) -> None:
    def refused(one: str) -> bool:
        try:
            check_depth(one, 3)
        except ProblemError:
            return True
        return False

    assert refused(text) == refused("x" * LONG + text) == (depth_of(text) > 3)
