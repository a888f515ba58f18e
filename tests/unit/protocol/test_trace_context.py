import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.protocol.trace_context import MAX_TRACESTATE, accept_trace_context, trace_id_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_a_good_one_is_passed_on_as_it_came() -> None:
    assert accept_trace_context(GOOD, "a=b,c=d") == (GOOD, "a=b,c=d")
    assert trace_id_of(GOOD) == TRACE
    assert trace_id_of("") == ""


def test_one_of_a_later_version_is_read_by_what_is_known() -> None:
    assert accept_trace_context(f"01-{TRACE}-{SPAN}-01-more", None) == (GOOD, "")
    assert accept_trace_context(f"cc-{TRACE}-{SPAN}-01", None) == (GOOD, "")


@pytest.mark.parametrize(
    "broken",
    [
        None,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f" {GOOD}",
        f"{GOOD}\n",
        f"00-{TRACE[1:]}-{SPAN}-01",
    ],
)
def test_one_that_is_broken_is_as_none_and_so_is_its_state(broken: str | None) -> None:
    assert accept_trace_context(broken, "a=b") == ("", "")


@pytest.mark.parametrize("state", ["a=\n", "a=é", "x" * (MAX_TRACESTATE + 1)])
def test_a_state_that_cannot_be_passed_on_is_left_out(state: str) -> None:
    assert accept_trace_context(GOOD, state) == (GOOD, "")


@given(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"), st.text())
@example(f"00-{TRACE}-{SPAN}-\N{ARABIC-INDIC DIGIT ZERO}1", "")
def test_what_is_accepted_is_accepted_again(traceparent: str, tracestate: str) -> None:
    once = accept_trace_context(traceparent, tracestate)
    assert accept_trace_context(*once) == once
    assert len(once[0]) in (0, 55)
    assert once[0].isascii()
