"""Answers over HTTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.problems import problem
from tidings_server.web.responses import problem_response


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.4, "2"), (1.5, "2"), (2.5, "3")]
)
def test_retry_after_is_rounded_up(seconds: float, header: str) -> None:
    assert problem_response(problem("backlog_full", "d", retry_after=seconds)).headers["retry-after"] == header


@given(st.floats(0, 86_400))
def test_who_heeds_retry_after_never_comes_back_too_early(seconds: float) -> None:
    header = int(problem_response(problem("backlog_full", "d", retry_after=seconds)).headers["retry-after"])
    assert seconds <= header <= max(1, seconds + 1)
