"""A socket's auth_state, and the session's part in it, without a clock and without a socket."""

from typing import Any

import msgspec
import pytest

from tidings.protocol.frames import close_codes
from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import Auth, Submit
from tidings.protocol.problems import ProblemError, problem, problem_error
from tidings_server.auth.identity import Identity
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.websocket.auth_state import AuthDue, AuthState
from tidings_server.websocket.session import Session

LIMITS = Limits(max_frame_bytes=100_000, max_depth=8, max_in_flight=3, max_watches=5, max_waiting_bytes=100_000)
AUTH = '{"type":"auth","ref":1,"credential":"x"}'
SUBMIT = '{"type":"submit","ref":2,"kind":"k","input":{}}'


def identity(owner: str = "alice", **more: Any) -> Identity:
    return Identity(owner=owner, scopes=frozenset({"submit", "watch"}), **more)


def auth_state(known: Identity | None = None, **more: Any) -> AuthState:
    return AuthState(known, asks=True, within_s=10, notice_s=60, now=0.0, **more)


def session(of: AuthState) -> Session:
    return Session("c", LIMITS, CallerQuota(LIMITS, now=0.0), of, now=0.0)


def frames(of: Session) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame.data) for frame in of.send_buffer.take()]


@pytest.mark.parametrize(
    ("since", "expires_at", "told_at"),
    [
        (0, 1000, 940),  # 60 s before, since a fifth of the lifetime is 200 s
        (0, 100, 80),  # a fifth of the lifetime, since that is 20 s
        (50, 60, 58),
    ],
)
def test_the_end_is_told_once_a_minute_before_or_in_the_last_fifth(since: int, expires_at: int, told_at: int) -> None:
    one = auth_state(identity(since=since, expires_at=expires_at))
    assert one.due(0, told_at - 0.1) is AuthDue.NOTHING
    assert one.due(0, told_at) is AuthDue.EXPIRING
    assert one.left(told_at) == expires_at - told_at
    assert one.due(0, told_at) is AuthDue.NOTHING
    assert one.due(0, expires_at - 0.1) is AuthDue.NOTHING
    assert one.due(0, expires_at) is AuthDue.EXPIRED


def test_a_renewed_credential_has_a_notice_and_an_end_of_its_own() -> None:
    one = auth_state(identity(since=0, expires_at=100))
    assert one.due(0, 90) is AuthDue.EXPIRING
    one.accept(identity(since=90, expires_at=190))
    assert one.due(0, 100) is AuthDue.NOTHING
    assert one.due(0, 171) is AuthDue.EXPIRING
    assert one.due(0, 190) is AuthDue.EXPIRED


def test_one_without_an_end_is_never_due() -> None:
    assert auth_state(identity()).due(1e9, 1e12) is AuthDue.NOTHING


def test_another_subject_is_refused_and_the_one_before_goes_on() -> None:
    one = auth_state(identity())
    with pytest.raises(ProblemError, match="another subject"):
        one.accept(identity("mallory"))
    assert one.identity.owner == "alice"


def test_one_who_says_nothing_is_late_but_not_while_its_credential_is_checked() -> None:
    one = auth_state()
    assert one.due(9.9, 0) is AuthDue.NOTHING
    assert one.due(10, 0) is AuthDue.LATE
    one.checking = True
    assert one.due(100, 0) is AuthDue.NOTHING


def test_before_the_answer_to_auth_nothing_else_is_taken() -> None:
    client = session(auth_state())
    client.open()
    (hello,) = frames(client)
    assert hello["authenticated"] is False
    assert isinstance(client.receive(AUTH, 0), Auth)
    assert client.receive(SUBMIT, 0) is None
    assert client.receive('{"type":"auth","ref":3,"credential":"y"}', 0) is None
    assert [frame["problem"]["code"] for frame in frames(client)] == ["unauthenticated", "invalid_frame"]
    client.authenticated(1, identity(), CallerQuota(LIMITS, now=0.0))
    assert frames(client) == [{"type": "done", "ref": 1}]
    assert isinstance(client.receive(SUBMIT, 0), Submit)
    assert client.close_code is None


@pytest.mark.parametrize(
    ("code", "closed_with"),
    [
        ("unauthenticated", close_codes.UNAUTHENTICATED),
        ("auth_unavailable", close_codes.DRAINING),  # another try may be answered: clients come back at this
        ("store_unavailable", close_codes.DRAINING),
        ("rate_limited", close_codes.RATE_LIMITED),
    ],
)
def test_a_credential_that_is_not_accepted_ends_the_session_with_what_helps(code: str, closed_with: int) -> None:
    client = session(auth_state())
    client.receive(AUTH, 0)
    client.credential_refused(1, problem(code, "why"))
    (error,) = frames(client)
    assert (error["ref"], error["problem"]["code"]) == (1, code)
    assert client.close_code == closed_with
    assert client.receive(AUTH, 0) is None


def test_a_refused_renewal_leaves_the_session_as_it_was_and_another_may_be_tried() -> None:
    client = session(auth_state(identity()))
    client.receive(AUTH, 0)
    client.credential_refused(1, problem_error("unauthenticated", "why").problem)
    assert client.close_code is None
    assert isinstance(client.receive(AUTH, 0), Auth)
    with pytest.raises(ProblemError):
        client.authenticated(1, identity("mallory"), CallerQuota(LIMITS, now=0.0))
    client.credential_refused(1, problem_error("forbidden", "why").problem)
    assert [frame["problem"]["code"] for frame in frames(client)] == ["unauthenticated", "forbidden"]
    assert isinstance(client.receive(SUBMIT, 0), Submit)


def test_what_came_with_the_handshake_and_is_not_believed_is_told_after_the_hello() -> None:
    client = session(auth_state(refusal=problem("unauthenticated", "why")))
    client.open()
    assert [frame["type"] for frame in frames(client)] == ["hello", "error"]
    assert client.close_code == close_codes.UNAUTHENTICATED


def test_time_ends_a_session_that_is_late_or_has_expired() -> None:
    late, over, dying = session(auth_state()), session(auth_state(identity(expires_at=5))), session(auth_state())
    late.tick(10, 0)
    over.tick(0, 5)
    dying.auth_state.accept(identity(since=0, expires_at=100))
    dying.tick(0, 90)
    assert (late.close_code, over.close_code, dying.close_code) == (4401, 4401, None)
    (notice,) = frames(dying)
    assert (notice["ref"], notice["problem"]["code"], notice["problem"]["retry_after"]) == (None, "token_expiring", 10)


def test_a_credential_stands_in_no_repr() -> None:
    assert "hush" not in repr(Auth(ref=1, credential="hush"))
