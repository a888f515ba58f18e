"""What is asked is made JSON once, where it is asked; what no server could read is refused there."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.client.protocol.request_text import request_text, with_ref
from tidings.protocol.frames.messages import ClientFrame
from tidings.protocol.problems import ProblemError

SUBMIT = {"type": "submit", "kind": "k", "input": {}, "key": "a"}
WATCH = {"type": "watch", "token": "t", "after": 0}
SIGNAL = {"type": "signal", "token": "t", "name": "go", "input": None, "key": "a"}

DEEP = 200_000
"""Deeper than any Python reads: from 3.12 on, what is written in C has a limit of its own."""

deep: list[Any] = []
for _ in range(DEEP):
    deep = [deep]


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (SUBMIT | {"correlation_id": "\ud800"}, "/correlation_id"),
        (SUBMIT | {"correlation_id": "a\nb"}, "/correlation_id"),
        (SUBMIT | {"correlation_id": 5}, "/correlation_id"),
        (SUBMIT | {"key": "\ud83d"}, "/key"),
        (SUBMIT | {"key": ""}, "/key"),
        (SUBMIT | {"kind": "\udfff"}, "/kind"),
        (SUBMIT | {"kind": None}, "/kind"),
        (SUBMIT | {"tier": "\ud800"}, "/tier"),
        (SUBMIT | {"traceparent": "\ud800"}, "/traceparent"),
        (SUBMIT | {"tracestate": object()}, "/tracestate"),
        (SUBMIT | {"delay": float("nan")}, "/delay"),
        (SUBMIT | {"delay": float("inf")}, "/delay"),
        (SUBMIT | {"delay": "soon"}, "/delay"),
        (SUBMIT | {"deadline": -1}, "/deadline"),
        (SUBMIT | {"priority": 10**30}, "/priority"),
        (SUBMIT | {"at": datetime(2026, 1, 1)}, "/at"),  # noqa: DTZ001 - that is the point
        (SUBMIT | {"input": msgspec.Raw(b"{bad")}, "/input"),
        (SUBMIT | {"input": msgspec.Raw(b"\xff")}, "/input"),
        (SUBMIT | {"input": msgspec.Raw(b'{"a":1e999}')}, "/input"),
        (SUBMIT | {"input": msgspec.Raw(b"[" * DEEP + b"]" * DEEP)}, "/input"),
        (SUBMIT | {"input": msgspec.Raw(b'{"a":"\\ud800"}')}, "/input"),
        (SUBMIT | {"input": deep}, "/input"),
        (SUBMIT | {"dellay": 3}, "/dellay"),
        (WATCH | {"token": "\ud800"}, "/token"),
        (WATCH | {"token": 5}, "/token"),
        (WATCH | {"after": -1}, "/after"),
        (WATCH | {"after": 2**60}, "/after"),
        (WATCH | {"after": "x"}, "/after"),
        (SIGNAL | {"key": "\ud800"}, "/key"),
        (SIGNAL | {"input": msgspec.Raw(b"nul")}, "/input"),
    ],
)
def test_what_no_server_could_read_is_refused_at_its_field(frame: dict[str, Any], field: str) -> None:
    with pytest.raises(ProblemError) as refused:
        request_text(frame)
    assert (refused.value.code, refused.value.problem.field) == ("invalid_frame", field)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=5,
)


@given(st.sampled_from([SUBMIT, WATCH, SIGNAL]), st.data())
def test_whatever_is_taken_is_a_frame_that_a_server_reads(frame: dict[str, Any], data: Any) -> None:
    names = st.sampled_from([*frame, "delay", "correlation_id", "tier", "at", "traceparent"])
    changed = frame | data.draw(st.dictionaries(names.filter(lambda name: name != "type"), anything, max_size=2))
    try:
        text = request_text(changed)
    except ProblemError as refused:
        if not refused.problem.field:
            raise
        return
    sent = with_ref(7, text)
    assert msgspec.json.decode(sent, type=ClientFrame).ref == 7
    assert msgspec.json.decode(sent)["ref"] == 7


def test_it_is_sent_as_it_was_made() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    text = request_text(SUBMIT | {"at": moment, "input": msgspec.Raw(b'{"a":1}')})
    for ref in (1, 2):
        assert msgspec.json.decode(with_ref(ref, text)) == SUBMIT | {
            "ref": ref,
            "at": "2026-01-01T00:00:00Z",
            "input": {"a": 1},
        }
