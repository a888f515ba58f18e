"""The session as a machine without I/O: what it answers, what it asks for, what it never does."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.events import EventClass
from tidings.protocol.frames import close_codes
from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import FEATURES, Ack, Cancel, Submit, Unwatch, Watch
from tidings.protocol.problems import CODES, problem
from tidings_server.auth.identity import ANYONE
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.websocket.auth_state import AuthState
from tidings_server.websocket.session import Session

LIMITS = Limits(
    max_frame_bytes=2000,
    max_depth=8,
    max_in_flight=3,
    max_watches=5,
    max_waiting_bytes=10_000,
)
TOKEN = "default." + "a" * 22
NOW = 0.0


def session(limits: Limits = LIMITS, quota: CallerQuota | None = None) -> Session:
    auth_state = AuthState(ANYONE, asks=False, within_s=10, notice_s=60, now=0.0)
    return Session("c", limits, quota or CallerQuota(limits, now=0.0), auth_state, now=0.0)


def frames(of: Session) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame.data) for frame in of.send_buffer.take()]


def submit(ref: int, **fields: Any) -> str:
    return msgspec.json.encode({"type": "submit", "ref": ref, "kind": "k", "input": {}, **fields}).decode()


def only_problem(of: Session) -> dict[str, Any]:
    (frame,) = frames(of)
    assert frame["type"] == "error"
    problem_: dict[str, Any] = frame["problem"] | {"ref": frame["ref"]}
    assert problem_["status"] == CODES[problem_["code"]].status
    return problem_


def test_hello_tells_every_limit() -> None:
    client = session()
    client.open()
    (hello,) = frames(client)
    assert hello == {
        "type": "hello",
        "version": 1,
        "connection": "c",
        "limits": msgspec.to_builtins(LIMITS),
        "authenticated": True,
        "features": [*FEATURES],
    }


def test_a_submit_is_handed_on_and_answered_by_its_ack() -> None:
    client = session()
    command = client.receive(submit(1, key="k"), NOW)
    assert isinstance(command, Submit)
    assert command.key == "k"
    assert not client.send_buffer
    client.acked(Ack(ref=1, token=TOKEN, status="queued", seq=1))
    (ack,) = frames(client)
    assert ack["ref"] == 1
    assert ack["duplicate"] is False


@pytest.mark.parametrize(
    ("text", "ref", "field", "says"),
    [
        ("{", None, None, "not JSON"),
        ("[]", None, None, "Expected `object`"),
        ('{"type":"dance","ref":4}', 4, "/type", "submit, watch"),
        ('{"ref":4}', 4, "/type", "missing"),
        ('{"type":"submit","kind":"k","input":{}}', None, "/ref", "missing"),
        ('{"type":"submit","ref":-1,"kind":"k","input":{}}', None, "/ref", ">= 0"),
        ('{"type":"submit","ref":1,"kind":"","input":{}}', 1, "/kind", "regex"),
        ('{"type":"submit","ref":1,"kind":"k\\n","input":{}}', 1, "/kind", "regex"),
        ('{"type":"submit","ref":1,"kind":"k"}', 1, "/input", "missing"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"key":"a b"}', 1, "/key", "visible ASCII"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"key":"' + "x" * 256 + '"}', 1, "/key", "visible ASCII"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"delay":-1}', 1, "/delay", ">= 0"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"deadline":0}', 1, "/deadline", "> 0"),
        ('{"type":"watch","ref":1,"token":"t","after":"x"}', 1, "/after", "int"),
        ('{"type":"auth","ref":1,"credential":"x"}', 1, "/type", "no credential"),
        ('{"type":"ping","ref":1,"x":' + "[" * 9 + "]" * 9 + "}", 1, None, "deeper than 8"),
        ('{"type":"ping","ref":1,"x":"' + "a" * 2000 + '"}', 1, None, "at most 2000"),
        ('{"type":"ping","ref":1.5}', None, "/ref", "int"),
        ('{"type":"submit","ref":1,"kind":"k","input":{"a":"\\ud800"}}', 1, None, "not JSON"),
        ('{"type":"submit","ref":1,"kind":"k","input":{"a":"\\ud800"', 1, None, "not JSON"),
        ('{"type":"submit","kind":"k","input":{"ref":7,"a":NaN},"ref":1}', 1, None, "not JSON"),
        ('{"input":{"ref":7},"a":"\\"ref\\":8","ref" : 1 ,"x":1e}', 1, None, "not JSON"),
        ('{"type":"submit","input":{"ref":7},"kind":NaN', None, None, "not JSON"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"dellay":3}', 1, "/dellay", "did you mean `delay`?"),
        (
            '{"type":"submit","ref":1,"kind":"k","input":{},"correlationId":"c"}',
            1,
            "/correlationId",
            "`correlation_id`",
        ),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"idempotency_key":"c"}', 1, "/idempotency_key", "`key`?"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"a/b~c`d":1}', 1, "/a~1b~0c`d", "there are: at, "),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"é":1}', 1, "/é", "there are: at, "),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"' + "x" * 1500 + '":1}', 1, None, "there is no field `xxx"),
        ('{"type":"watch","ref":1,"token":"t","afer":3}', 1, "/afer", "did you mean `after`?"),
        ('{"type":"cancel","ref":1,"token":"t","reason":"late"}', 1, "/reason", "there are: grant, ref, token"),
        ('{"type":"signal","ref":1,"token":"t","name":"n","value":1}', 1, "/value", "there are: grant, input, key, "),
        ('{"type":"ping","ref":1,"x":1}', 1, "/x", "there are: ref"),
    ],
)
def test_a_bad_frame_gets_a_precise_error_and_the_session_goes_on(
    text: str, ref: int | None, field: str | None, says: str
) -> None:
    client = session()
    assert client.receive(text, NOW) is None
    found = only_problem(client)
    assert found["ref"] == ref
    assert found.get("field") == field
    assert says in found["detail"]
    assert client.close_code is None
    client.receive('{"type":"ping","ref":7}', NOW)
    assert frames(client) == [{"type": "pong", "ref": 7}]


def test_binary_is_refused_in_a_text_protocol() -> None:
    client = session()
    client.receive(b'{"type":"ping","ref":1}', NOW, binary=True)
    assert "binary" in only_problem(client)["detail"]


def test_a_text_is_read_from_its_utf_8_too() -> None:
    client, other = session(), session()
    for text in (submit(1), '{"type":"ping","ref":2}', submit(1), "{", '{"a":[[[[[[[[[[1]]]]]]]]]]}', "x" * 3000):
        assert client.receive(bytearray(text.encode()), NOW) == other.receive(text, NOW)
        assert frames(client) == frames(other)


def test_a_ref_that_waits_may_not_be_used_again_until_it_is_answered() -> None:
    client = session()
    client.receive(submit(1), NOW)
    assert client.receive(submit(1), NOW) is None
    assert only_problem(client)["field"] == "/ref"
    client.acked(Ack(ref=1, token=TOKEN, status="queued", seq=1))
    assert client.receive(submit(1), NOW) is not None


def test_the_ref_of_a_duplicate_is_free_after_the_snapshot() -> None:
    client = session()
    client.receive(submit(1), NOW)
    client.acked(Ack(ref=1, token=TOKEN, status="queued", seq=1, duplicate=True))
    assert client.receive(submit(1), NOW) is None
    client.snapshot(1, b"{}")
    client.send_buffer.take()
    assert client.receive(submit(1), NOW) is not None


def test_submits_in_flight_are_limited_and_an_answer_makes_room() -> None:
    client = session()
    for ref in range(3):
        assert client.receive(submit(ref), NOW) is not None
    assert client.receive(submit(3), NOW) is None
    found = only_problem(client)
    assert (found["code"], found["limit"], found["ref"]) == ("rate_limited", 3, 3)
    client.submit_refused(0, problem("backlog_full", "full"))
    client.send_buffer.take()
    assert client.receive(submit(3), NOW) is not None


def test_watches_are_limited() -> None:
    client = session()
    client.watches = 5
    assert client.receive(f'{{"type":"watch","ref":1,"token":"{TOKEN}"}}', NOW) is None
    assert only_problem(client)["code"] == "too_many_watches"
    assert client.receive(submit(2, watch=False), NOW) is not None


def test_one_that_does_not_read_is_closed_and_costs_no_more_memory() -> None:
    client = session()
    for _ in range(10):
        client.event(TOKEN, EventClass.LOG, EncodedFrame(b"x" * 1000))
        assert client.close_code is None
    client.event(TOKEN, EventClass.LOG, EncodedFrame(b"x" * 1000))
    assert client.close_code == close_codes.TOO_SLOW
    client.event(TOKEN, EventClass.LOG, EncodedFrame(b"it would stand after a hole"))
    client.done(1)
    assert not client.send_buffer
    assert client.receive(submit(1), NOW) is None


def ping(ref: int) -> str:
    return f'{{"type":"ping","ref":{ref}}}'


def test_frames_beyond_the_rate_are_refused_with_the_time_to_wait_and_taken_again_after_it() -> None:
    client = session(msgspec.structs.replace(LIMITS, max_frames_per_s=10.0, max_frame_burst=2))
    for ref in range(3):
        client.receive(ping(ref), 5.0)
    first, second, refused = frames(client)
    assert (first["type"], second["type"]) == ("pong", "pong")
    assert refused["ref"] == 2
    assert refused["problem"]["code"] == "rate_limited"
    assert refused["problem"]["retry_after"] == 0.1
    client.receive(ping(3), 5.2)
    assert frames(client) == [{"type": "pong", "ref": 3}]


def test_who_breaks_the_rate_again_and_again_is_sent_away_for_a_while() -> None:
    slow = msgspec.structs.replace(LIMITS, max_frames_per_s=1.0, max_frame_burst=1, max_waiting_bytes=100_000)
    client = session(slow)
    codes = []
    for ref in range(102):
        client.receive(ping(ref), NOW)
        codes.append(client.close_code)
    assert codes == [None] * 101 + [close_codes.RATE_LIMITED]
    last = frames(client)[-1]
    assert last["ref"] is None
    assert last["problem"]["retry_after"] == 10.0


def test_submits_in_flight_are_no_reason_to_be_sent_away() -> None:
    client = session(msgspec.structs.replace(LIMITS, max_waiting_bytes=1_000_000))
    for ref in range(500):
        client.receive(submit(ref), NOW)
    assert client.close_code is None


def test_the_submits_of_a_caller_are_counted_over_its_connections() -> None:
    limits = msgspec.structs.replace(LIMITS, max_submits_per_s=1.0, max_submit_burst=2)
    quota = CallerQuota(limits, now=0.0)
    one, other = session(limits, quota), session(limits, quota)
    assert one.receive(submit(1), NOW) is not None
    assert other.receive(submit(1), NOW) is not None
    assert one.receive(submit(2), NOW) is None
    assert only_problem(one)["code"] == "rate_limited"
    assert one.receive(submit(2), NOW + 1) is not None


def test_the_watches_of_a_caller_are_counted_over_its_connections() -> None:
    limits = msgspec.structs.replace(LIMITS, max_watches_per_caller=2)
    quota = CallerQuota(limits, now=0.0)
    one, other = session(limits, quota), session(limits, quota)
    one.watch_begun()
    other.watch_begun()
    assert one.receive(f'{{"type":"watch","ref":1,"token":"{TOKEN}"}}', NOW) is None
    assert only_problem(one)["code"] == "too_many_watches"
    other.watch_ended()
    assert one.receive(f'{{"type":"watch","ref":1,"token":"{TOKEN}"}}', NOW) is not None


def test_one_that_is_asked_away_is_asked_once() -> None:
    client = session()
    client.go_away("first", 1.0)
    client.go_away("second", 2.0)
    assert [frame["reason"] for frame in frames(client)] == ["first"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
near_frames = st.fixed_dictionaries(
    {"type": st.sampled_from(["submit", "watch", "unwatch", "cancel", "auth", "ping", "x"])},
    optional={
        "ref": st.integers(-1, 5) | json_values,
        "kind": st.sampled_from(["k", "", "a b"]) | json_values,
        "input": st.just({}) | json_values,
        "token": st.just(TOKEN) | json_values,
        "after": st.integers(-1, 5) | json_values,
        "key": st.text(max_size=5) | json_values,
        "watch": st.booleans() | json_values,
    },
)
messages = (
    st.text(max_size=80)
    | st.binary(max_size=40)
    | near_frames.map(lambda frame: msgspec.json.encode(_encodable(frame)).decode())
    | json_values.map(lambda value: msgspec.json.encode(_encodable(value)).decode())
)


def _encodable(value: Any) -> Any:
    """Return a value without what msgspec cannot write: integers beyond 64 bits, lone surrogates."""
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return 0
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


@given(st.lists(messages, max_size=30), st.randoms(use_true_random=False))
def test_whatever_comes_every_ref_gets_one_answer_and_nothing_breaks(sent: list[str | bytes], random: Any) -> None:
    """The model: a set of refs that wait. A command adds its ref; its answer takes it away."""
    client = session()
    waiting: dict[int, object] = {}
    for message in sent:
        command = client.receive(message, NOW)
        if command is not None:
            assert command.ref not in waiting
            assert not client.send_buffer
            waiting[command.ref] = command
        else:
            for frame in frames(client):
                assert frame["type"] in ("error", "pong")
        if waiting and random.random() < 0.5:
            answer(client, waiting.pop(random.choice(list(waiting))))
    assert len([one for one in waiting.values() if isinstance(one, Submit)]) <= LIMITS.max_in_flight
    assert client.close_code is None


def answer(client: Session, command: object) -> None:
    match command:
        case Submit(ref=ref):
            client.acked(Ack(ref=ref, token=TOKEN, status="queued", seq=1))
        case Watch(ref=ref):
            client.snapshot(ref, msgspec.json.encode({"ref": ref}))
        case Unwatch(ref=ref) | Cancel(ref=ref):
            client.done(ref)
        case _:
            raise AssertionError(command)
    (frame,) = frames(client)
    assert frame["ref"] == ref
