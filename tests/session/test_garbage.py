"""Whatever one message holds, it is either a command or gets exactly one answer, and never an exception."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.protocol.frames.limits import Limits
from tidings.protocol.problems import CODES
from tidings_server.auth.identity import ANYONE
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.websocket.auth_state import AuthState
from tidings_server.websocket.session import Session

LIMITS = Limits(
    max_frame_bytes=2000,
    max_depth=8,
    max_in_flight=3,
    max_watches=5,
    max_waiting_bytes=100_000,
)
MOST_ANSWERED = 1_000
"""Bytes of an answer: of what was sent it quotes little."""

FRAMES = [
    {"type": "submit", "ref": 1, "kind": "echo", "input": {"text": "hi"}, "key": "k", "delay": 1.5, "watch": False},
    {"type": "submit", "ref": 2, "kind": "echo", "input": {}, "at": "2026-01-01T00:00:00Z", "deadline": 5},
    {"type": "watch", "ref": 3, "token": "default." + "a" * 22, "after": 7},
    {"type": "unwatch", "ref": 4, "token": "default." + "a" * 22},
    {"type": "cancel", "ref": 5, "token": "default." + "a" * 22},
    {"type": "auth", "ref": 6, "credential": "c"},
    {"type": "ping", "ref": 7},
]
REPLACEMENTS = [
    "null", "-1", "0.5", "1e400", "9007199254740992", "99999999999999999999999", "true", '""', '"\\ud800"', '"\\u0000"',
    "[]", "{}", "[" * 9 + "]" * 9, '"' + "x" * 1500 + '"', "NaN", "Infinity", '{"type":"ping"}',
]  # fmt: skip


ODD = '\ud800\udfff\0\n\x7f"\\{}[]:,0-\u00e9\uffff\U0010ffff'
"""Characters to put in another's place: halves of pairs, of which no UTF-8 is made, among them."""


@st.composite
def bent(draw: st.DrawFn) -> str:
    """A frame of the contract of which one value, one character or one part is another."""
    frame: dict[str, Any] = draw(st.sampled_from(FRAMES))
    field = draw(st.sampled_from(sorted(frame)))
    how = draw(st.sampled_from(["value", "name", "missing", "twice", "cut", "character"]))
    text = json.dumps(frame)
    match how:
        case "value":
            rest = json.dumps({name: value for name, value in frame.items() if name != field})
            return f'{rest[:-1]}, "{field}": {draw(st.sampled_from(REPLACEMENTS))}}}'
        case "name":
            return text.replace(f'"{field}"', json.dumps(draw(st.text(max_size=8))))
        case "missing":
            return json.dumps({name: value for name, value in frame.items() if name != field})
        case "twice":
            return f'{text[:-1]}, "{field}": {draw(st.sampled_from(REPLACEMENTS))}}}'
        case "cut":
            return text[: draw(st.integers(0, len(text)))]
    place = draw(st.integers(0, len(text) - 1))
    return text[:place] + draw(st.sampled_from(ODD)) + text[place + 1 :]


anything = (
    st.text(alphabet=st.characters(exclude_categories=()), max_size=200)
    | st.binary(max_size=200)
    | st.text(alphabet='[]{}":,\\typerf0123456789.eE+- ', max_size=200)
)


@settings(max_examples=600)
@given(bent() | anything)
def test_a_message_is_a_command_or_gets_one_answer(message: str | bytes) -> None:
    auth_state = AuthState(ANYONE, asks=False, within_s=10, notice_s=60, now=0.0)
    session = Session("c", LIMITS, CallerQuota(LIMITS, now=0.0), auth_state, now=0.0)
    command = session.receive(message, 0.0)
    answers = session.send_buffer.take()
    assert len(answers) + (command is not None) == 1
    assert session.close_code is None
    for raw in answers:
        assert len(raw.data) < MOST_ANSWERED
        answer = msgspec.json.decode(raw.data)
        assert answer["type"] in ("error", "pong")
        if answer["type"] == "error":
            assert answer["problem"]["code"] in CODES
            assert answer["problem"]["status"] < 500
    # And the session is as good as before.
    session.receive('{"type":"ping","ref":4711}', 0.0)
    assert [msgspec.json.decode(frame.data) for frame in session.send_buffer.take()] == [{"type": "pong", "ref": 4711}]
