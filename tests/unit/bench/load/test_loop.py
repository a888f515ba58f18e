import pytest
from bench.load.frame import Frame
from bench.load.loop import Turn
from bench.load.tally import Tally

ACK = Frame("ack", 1, "a", 1)


def event(seq: int, name: str, token: str = "a") -> Frame:
    return Frame("event", token=token, seq=seq, event=name)


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.measuring = True
    return tally


@pytest.fixture
def turn(tally: Tally) -> Turn:
    turn = Turn(tally)
    turn.begin(10.0)
    return turn


def play(turn: Turn, *frames: Frame, at: float = 10.5) -> list[bool]:
    return [turn.receive(frame, at) for frame in frames]


def test_a_job_ends_with_its_last_event_and_is_counted_once(turn: Turn, tally: Tally) -> None:
    steps = [event(seq, "progress") for seq in (3, 4, 5)]
    assert play(turn, Frame("hello"), ACK, event(2, "started"), *steps) == [False] * 6
    assert play(turn, event(6, "succeeded"), at=11.0) == [True]
    found = tally.take(1.0, 0.0)
    assert (found.jobs, found.progress, found.early, found.errors) == (1, 3, 0, 0)
    assert found.ack_ms["p50"] == pytest.approx(500, rel=0.01)
    assert found.reply_ms["p50"] == pytest.approx(1000, rel=0.01)


def test_events_before_their_ack_are_early_and_the_late_ack_is_not_the_next_jobs(turn: Turn, tally: Tally) -> None:
    assert play(turn, event(2, "started"), event(3, "succeeded")) == [False, True]
    turn.begin(11.0)
    second = Frame("ack", 2, "b", 1)
    assert play(turn, ACK, second, event(2, "succeeded", "b")) == [False, False, True]
    assert (tally.jobs, tally.early, tally.errors) == (2, 2, 0)


@pytest.mark.parametrize("wrong", [event(2, "progress"), Frame("snapshot", None, "a"), Frame("goaway")])
def test_what_must_not_come_is_an_error(turn: Turn, tally: Tally, wrong: Frame) -> None:
    play(turn, ACK, event(2, "started"), wrong)
    assert tally.errors == 1


def test_nothing_may_follow_a_jobs_last_event(turn: Turn, tally: Tally) -> None:
    play(turn, ACK, event(2, "succeeded"))
    turn.begin(11.0)
    assert play(turn, event(3, "progress")) == [False]
    assert (tally.early, tally.errors) == (0, 1)


@pytest.mark.parametrize("end", [event(2, "failed"), Frame("error", ref=1)])
def test_a_job_that_fails_or_is_refused_is_an_error_and_not_a_job(turn: Turn, tally: Tally, end: Frame) -> None:
    assert play(turn, ACK, end) == [False, True]
    assert (tally.jobs, tally.errors) == (0, 1)


def test_warming_up_counts_no_job_but_every_fault(turn: Turn, tally: Tally) -> None:
    tally.measuring = False
    play(turn, event(2, "started"), ACK, event(2, "succeeded"))
    found = tally.take(1.0, 0.0)
    assert (found.jobs, found.early, found.errors) == (0, 1, 1)
    assert (found.ack_ms, found.reply_ms) == ({}, {})
