"""What a server refuses, and what breaks a connection, as the client's protocol takes it."""

import msgspec
import pytest

from client.model import LIMITS, Frame
from tidings.client.protocol.client_protocol import ClientProtocol
from tidings.client.protocol.suspects import MAX_BROKEN
from tidings.client.protocol.tracked_job import TrackedJob
from tidings.client.protocol.unconfirmed_calls import MAX_UNCONFIRMED
from tidings.protocol.frames.limits import Limits
from tidings.protocol.problems import Problem, ProblemError, problem
from unit.client.protocol.ledger import TOKEN, again, feed, problems, snapshot, submitted, taken, unread, wire


@pytest.mark.parametrize("code", ["unknown_kind", "rate_limited", "backlog_full"])
def test_a_refusal_ends_the_track_with_the_problem(code: str) -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    track = ledger.submit({"kind": "k", "input": {}, "key": "k"})
    (frame,) = taken(ledger)
    feed(ledger, {"type": "error", "ref": frame["ref"], "problem": wire(problem(code, "no"))})
    assert ledger.take_updated_jobs() == [track]
    (news,) = track.news
    assert isinstance(news, Problem)
    assert news.code == code
    assert taken(again(ledger)) == []


def test_what_is_larger_than_a_frame_may_be_is_refused_here_and_takes_no_place() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    # "ä" is two bytes: what counts is bytes, not characters.
    large = [ledger.submit({"kind": "k", "input": {"t": "ä" * 5_000}, "key": f"l{n}"}) for n in range(3)]
    ledger.submit({"kind": "k", "input": {"t": "ä" * 4_000}, "key": "k"})
    assert [frame["key"] for frame in taken(ledger)] == ["k"]
    assert ledger.take_updated_jobs() == large
    for track in large:
        (news,) = track.news
        assert isinstance(news, Problem)
        assert (news.code, news.limit) == ("too_large", LIMITS.max_frame_bytes)


def test_what_is_refused_for_now_is_asked_again_and_what_drains_goes_to_the_next_server() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    ledger.watch(TOKEN, 3)
    submit = ledger.submit({"kind": "k", "input": {}, "key": "k"})
    refs = [frame["ref"] for frame in taken(ledger)]
    for ref, code in zip(refs, ("store_unavailable", "draining"), strict=True):
        feed(ledger, {"type": "error", "ref": ref, "problem": wire(problem(code, "not now"))})
    assert ledger.take_updated_jobs() == []
    ((token, why),) = ledger.take_postponed_watches()
    assert (token, why.code) == (TOKEN, "store_unavailable")
    ledger.watch_again(token)
    (frame,) = taken(ledger)
    assert (frame["type"], frame["after"]) == ("watch", 3)
    assert [frame["type"] for frame in taken(again(ledger))] == ["watch", "submit"]
    assert not submit.ended


ACK = {"type": "ack", "token": TOKEN, "status": "queued", "seq": 1, "duplicate": False}


def refuse_unconfirmed(ledger: ClientProtocol, frame: Frame) -> None:
    feed(ledger, {"type": "error", "ref": frame["ref"], "problem": wire(problem("unconfirmed", "not yet"))})


def running(ledger: ClientProtocol) -> TrackedJob:
    """Return a job that a server has acked."""
    (track,) = submitted(ledger, 1)
    (frame,) = taken(ledger)
    feed(ledger, {**ACK, "ref": frame["ref"]})
    return track


def test_what_replicas_have_not_confirmed_is_sent_again_under_its_key_and_its_place_is_free_meanwhile() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    submitted(ledger, LIMITS.max_in_flight + 1)
    first, second = taken(ledger)
    refuse_unconfirmed(ledger, first)
    assert ledger.take_updated_jobs() == []
    assert [frame["key"] for frame in taken(ledger)] == ["k2"]
    ((call, why),) = ledger.take_postponed_calls()
    assert why.code == "unconfirmed"
    feed(
        ledger, {"type": "ack", "ref": second["ref"], "token": TOKEN, "status": "queued", "seq": 1, "duplicate": False}
    )
    ledger.send_again(call)
    (again,) = taken(ledger)
    assert (again["key"], again["type"]) == (first["key"], "submit")
    assert ledger.take_postponed_calls() == []
    ledger.send_again(call)
    assert taken(ledger) == [], "it is under way"


def test_a_signal_and_a_cancel_that_are_not_confirmed_are_sent_again() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    track = running(ledger)
    commands = [ledger.signal(track, "go", b"1", "s"), ledger.cancel(track)]
    for frame in taken(ledger):
        refuse_unconfirmed(ledger, frame)
    assert ledger.take_answered_commands() == []
    for call, _ in ledger.take_postponed_calls():
        ledger.send_again(call)
    signal, cancel = taken(ledger)
    assert (signal["key"], cancel["type"]) == ("s", "cancel")
    feed(ledger, {"type": "done", "ref": signal["ref"]})
    # The first cancel was done: only its confirmation was wanting.
    feed(ledger, {"type": "error", "ref": cancel["ref"], "problem": wire(problem("already_finished", "it has ended"))})
    assert ledger.take_answered_commands() == commands
    assert [command.problem for command in commands] == [None, None]


def test_a_call_that_is_never_confirmed_is_refused_after_a_number_of_tries() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    (track,) = submitted(ledger, 1)
    for tries in range(1, MAX_UNCONFIRMED + 1):
        (frame,) = taken(ledger)
        refuse_unconfirmed(ledger, frame)
        assert problems(track) == (["unconfirmed"] if tries == MAX_UNCONFIRMED else [])
        for call, _ in ledger.take_postponed_calls():
            ledger.send_again(call)
    assert taken(again(ledger)) == []


def test_a_call_that_waits_for_replicas_goes_to_the_next_socket_once() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    submitted(ledger, 1)
    (frame,) = taken(ledger)
    refuse_unconfirmed(ledger, frame)
    ((call, _),) = ledger.take_postponed_calls()
    assert len(taken(again(ledger))) == 1
    ledger.send_again(call)
    assert taken(ledger) == []


@pytest.mark.parametrize("answered", [False, True])
def test_a_call_that_its_caller_gave_up_is_not_sent_again(answered: bool) -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    (track,) = submitted(ledger, 1)
    (frame,) = taken(ledger)
    if answered:
        refuse_unconfirmed(ledger, frame)
    ledger.forget(track)
    if not answered:
        refuse_unconfirmed(ledger, frame)
    for call, _ in ledger.take_postponed_calls():
        ledger.send_again(call)
    assert taken(ledger) == []
    assert taken(again(ledger)) == []


def test_a_refusal_without_a_ref_is_of_the_one_question_that_is_under_way() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    (track,) = submitted(ledger, 1)
    taken(ledger)
    feed(ledger, unread())
    assert problems(track) == ["invalid_frame"]
    assert taken(again(ledger)) == []


def test_a_refusal_without_a_ref_waits_until_one_question_alone_has_no_answer() -> None:
    ledger = ClientProtocol()
    ledger.connected(Limits(**{**msgspec.to_builtins(LIMITS), "max_in_flight": 9}))
    bad, good, other = submitted(ledger, 3)
    refs = [frame["ref"] for frame in taken(ledger)]
    feed(ledger, unread())
    later = ledger.watch(TOKEN, 0)  # asked afterwards: it is not meant
    taken(ledger)
    feed(ledger, {"type": "error", "ref": refs[2], "problem": wire(problem("unknown_kind", "no"))})
    assert problems(bad) == problems(good) == []
    feed(ledger, {"type": "ack", "ref": refs[1], "token": TOKEN, "status": "queued", "seq": 1})
    assert (problems(bad), problems(good)) == (["invalid_frame"], [])
    assert problems(other) == ["unknown_kind"]
    assert not later.ended


def test_two_refusals_without_a_ref_are_of_two_questions() -> None:
    ledger = ClientProtocol()
    ledger.connected(Limits(**{**msgspec.to_builtins(LIMITS), "max_in_flight": 9}))
    tracks = submitted(ledger, 3)
    refs = [frame["ref"] for frame in taken(ledger)]
    for _ in range(2):
        feed(ledger, unread())
    feed(ledger, {"type": "ack", "ref": refs[1], "token": TOKEN, "status": "queued", "seq": 1})
    assert [problems(track) for track in tracks] == [["invalid_frame"], [], ["invalid_frame"]]


def test_what_breaks_every_connection_is_given_up_and_takes_nothing_else_with_it() -> None:
    ledger = ClientProtocol()
    limits = Limits(**{**msgspec.to_builtins(LIMITS), "max_in_flight": 9})
    poison = ledger.submit({"kind": "k", "input": {}, "key": "poison"})
    others = submitted(ledger, 4)
    follower = ledger.watch(TOKEN, 0)
    orders = [ledger.cancel(follower), ledger.signal(follower, "go", b"1", "s")]
    connections = 0
    while not poison.ended:
        connections += 1
        assert connections <= MAX_BROKEN
        ledger.connected(limits)
        answer_until(ledger, "poison")
        ledger.disconnected(broke=True)
    assert problems(poison) == ["invalid_frame"]
    assert [track.token is not None for track in others] == [True] * 4
    assert [order.problem for order in orders] == [None, None]
    assert set(ledger.take_answered_commands()) == set(orders)
    assert not follower.ended
    assert [frame["type"] for frame in taken(again(ledger))] == ["watch"] * 5


def test_connections_that_end_as_a_routine_blame_nothing() -> None:
    ledger = ClientProtocol()
    (track,) = submitted(ledger, 1)
    for _ in range(3 * MAX_BROKEN):
        assert len(taken(again(ledger))) == 1
    assert not track.ended


@pytest.mark.parametrize("field", ["kind", "key", "correlation_id", "tier"])
def test_what_cannot_be_sent_is_refused_when_it_is_asked_and_leaves_nothing_behind(field: str) -> None:
    ledger = ClientProtocol()
    with pytest.raises(ProblemError):
        ledger.submit({"kind": "k", "input": {}, "key": "k", field: "\ud800"})
    with pytest.raises(ProblemError):
        ledger.watch("\ud800", 0)
    ledger.connected(LIMITS)
    assert taken(ledger) == []
    with pytest.raises(ProblemError):
        ledger.submit({"kind": "k", "input": {}, "key": "k", field: "\ud800"})
    assert taken(again(ledger)) == []


def answer_until(ledger: ClientProtocol, poison: str) -> None:
    """Answer what is asked, in order, as a server does that falls over the submit with a key."""
    while batch := taken(ledger):
        for frame in batch:
            match frame["type"]:
                case "submit" if frame["key"] == poison:
                    return
                case "submit":
                    token = f"default.{frame['key']:0>22}"
                    feed(ledger, {"type": "ack", "ref": frame["ref"], "token": token, "status": "queued", "seq": 1})
                case "watch":
                    feed(ledger, snapshot(frame["ref"], 1) | {"token": frame["token"]})
                case _:
                    feed(ledger, {"type": "done", "ref": frame["ref"]})
    raise AssertionError("nothing more is asked, and the poison was not")
