import pytest
from bench.load.book import Book, Quota
from bench.load.frame import Frame
from bench.load.tally import Figures, Tally
from hypothesis import given
from hypothesis import strategies as st


def event(seq: int, name: str, token: str = "a") -> Frame:
    return Frame("event", token=token, seq=seq, event=name)


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.measuring = True
    return tally


@pytest.fixture
def book(tally: Tally) -> Book:
    return Book(tally)


def play(book: Book, *frames: Frame, at: float) -> None:
    for frame in frames:
        book.receive(frame, at)


def figures(tally: Tally) -> Figures:
    return tally.take(1.0, 0.0)


def test_durations_count_from_the_moment_the_job_was_meant_for(book: Book, tally: Tally) -> None:
    ref = book.submit(10.0, counted=True)
    play(book, Frame("ack", ref, "a", 1), at=12.0)
    play(book, event(2, "started"), event(3, "progress"), event(4, "succeeded"), at=14.0)
    found = figures(tally)
    assert (found.jobs, found.progress, found.early, found.errors) == (1, 1, 0, 0)
    assert found.ack_ms["p50"] == pytest.approx(2_000, rel=0.01)
    assert found.reply_ms["p50"] == pytest.approx(4_000, rel=0.01)


def test_a_job_that_is_not_counted_leaves_no_duration_but_is_a_job_of_its_time(book: Book, tally: Tally) -> None:
    play(book, Frame("ack", book.submit(1.0, counted=False), "a", 1), event(2, "succeeded"), at=2.0)
    found = figures(tally)
    assert (found.jobs, found.ack_ms, found.reply_ms) == (1, {}, {})


def test_a_counted_job_that_ends_later_leaves_its_durations_but_is_no_job_of_the_time(book: Book, tally: Tally) -> None:
    play(book, Frame("ack", book.submit(1.0, counted=True), "a", 1), at=2.0)
    tally.measuring = False
    play(book, event(2, "succeeded"), at=9.0)
    found = figures(tally)
    assert found.jobs == 0
    assert found.reply_ms["p50"] == pytest.approx(8_000, rel=0.01)


def test_jobs_in_flight_are_told_apart(book: Book, tally: Tally) -> None:
    first, second = book.submit(0.0, counted=True), book.submit(0.0, counted=True)
    assert (book.unacked, book.unfinished) == (2, 2)
    play(book, Frame("ack", second, "b", 1), event(2, "started", "b"), Frame("ack", first, "a", 1), at=1.0)
    assert (book.unacked, book.unfinished) == (0, 2)
    play(book, event(2, "started"), event(3, "succeeded", "b"), event(3, "succeeded"), at=1.0)
    assert (book.unacked, book.unfinished) == (0, 0)
    assert (tally.jobs, tally.errors, tally.early) == (2, 0, 0)


def test_a_job_that_is_over_before_its_ack_counts_from_what_was_meant_to_its_end(book: Book, tally: Tally) -> None:
    ref = book.submit(1.0, counted=True)
    play(book, event(2, "progress"), event(3, "succeeded"), at=2.0)
    assert book.unfinished == 1
    play(book, Frame("ack", ref, "a", 1), at=5.0)
    found = figures(tally)
    assert (book.unfinished, found.jobs, found.progress, found.early, found.errors) == (0, 1, 1, 2, 0)
    assert found.reply_ms["p50"] == pytest.approx(1_000, rel=0.01)
    assert found.ack_ms["p50"] == pytest.approx(4_000, rel=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        event(1, "progress"),
        Frame("goaway"),
        Frame("snapshot", None, "a"),
        Frame("ack", 7, "c", 1),
        event(3, "failed"),
    ],
)
def test_what_must_not_come_is_an_error(book: Book, tally: Tally, wrong: Frame) -> None:
    play(book, Frame("ack", book.submit(0.0, counted=True), "a", 1), event(2, "started"), wrong, at=1.0)
    assert (tally.errors, tally.jobs) == (1, 0)


def test_nothing_may_follow_a_jobs_last_event(book: Book, tally: Tally) -> None:
    play(
        book, Frame("ack", book.submit(0.0, counted=True), "a", 1), event(2, "succeeded"), event(3, "progress"), at=1.0
    )
    assert (tally.errors, tally.early, tally.jobs) == (1, 0, 1)


def test_a_refused_submit_is_an_error_and_waits_no_more(book: Book, tally: Tally) -> None:
    ref = book.submit(0.0, counted=True)
    play(book, Frame("error", ref), at=1.0)
    assert (tally.errors, book.unacked, book.unfinished) == (1, 0, 0)


@given(st.integers(0, 500), st.integers(1, 50), st.lists(st.integers(1, 50), max_size=200))
def test_a_quota_is_submitted_whole_and_never_more_at_a_time_than_may_wait(
    count: int, most: int, acks: list[int]
) -> None:
    quota, unacked, submitted = Quota(count), 0, 0
    for acked in [*acks, *[most] * (count // most + 1)]:
        now = quota.take(unacked, most)
        submitted += now
        unacked += now
        assert unacked <= most
        assert unacked == most or quota.left == 0
        unacked -= min(unacked, acked)
    assert submitted == count
