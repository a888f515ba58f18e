import pytest
from bench.load.answer import Answers, End, Head, Part
from bench.load.poll import PollTurn
from bench.load.stream import StreamTurn
from bench.load.tally import Tally
from hypothesis import given
from hypothesis import strategies as st

SHORT = b"HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"6\r\nabc\r\nd\r\n1c;x=y\r\nefghijklmnopqrstuvwxyzabcdef\r\n0\r\n\r\n"
)


def merged(parts: list[Part]) -> list[Part]:
    """Return the parts with neighbouring pieces of a body put together."""
    found: list[Part] = []
    for part in parts:
        before = found[-1] if found else None
        if isinstance(part, bytes) and isinstance(before, bytes):
            found[-1] = before + part
        else:
            found.append(part)
    return found


@given(st.lists(st.sampled_from([SHORT, EMPTY, CHUNKED]), max_size=4), st.integers(1, 50))
def test_answers_are_cut_out_of_any_split_of_the_stream(sent: list[bytes], size: int) -> None:
    stream, answers = b"".join(sent), Answers()
    found: list[Part] = []
    for at in range(0, len(stream), size):
        found += answers.feed(stream[at : at + size])
    bodies = {SHORT: (202, b"hello"), EMPTY: (204, b""), CHUNKED: (200, b"abc\r\ndefghijklmnopqrstuvwxyzabcdef")}
    expected: list[Part] = []
    for answer in sent:
        status, body = bodies[answer]
        expected += [Head(status), *([body] if body else []), End()]
    assert merged(found) == expected


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.measuring = True
    return tally


@pytest.fixture
def turn(tally: Tally) -> StreamTurn:
    return StreamTurn(tally, "host:1", "/root", "noop")


def submit(turn: StreamTurn) -> bytes:
    assert turn.begin(1.0).startswith(b"POST /root/v1/jobs HTTP/1.1\r\nHost: host:1\r\n")
    turn.head(202)
    turn.body(b'{"tok', 2.0)
    turn.body(b'en":"a"}', 2.0)
    return turn.end(2.0)


def test_a_job_is_submitted_and_its_stream_read_to_the_end(turn: StreamTurn, tally: Tally) -> None:
    assert submit(turn).startswith(b"GET /root/v1/jobs/a/events HTTP/1.1\r\n")
    turn.head(200)
    turn.body(b"retry: 1\n\nevent: snapshot\ndata: {}\n\nid: 3\nevent: prog", 3.0)
    turn.body(b"ress\ndata: {}\n\nid: 4\nevent: succeeded\ndata: {}\n\n", 4.0)
    assert turn.end(5.0).startswith(b"POST ")
    found = tally.take(1.0, 0.0)
    assert (found.jobs, found.progress, found.errors) == (1, 1, 0)
    assert found.ack_ms["p50"] == pytest.approx(1_000, rel=0.01)
    assert found.reply_ms["p50"] == pytest.approx(3_000, rel=0.01)


@pytest.mark.parametrize("text", [b"", b"event: failed\ndata: {}\n\n"])
def test_a_stream_without_success_is_an_error(turn: StreamTurn, tally: Tally, text: bytes) -> None:
    submit(turn)
    turn.head(200)
    turn.body(text, 3.0)
    assert turn.end(3.0).startswith(b"POST ")
    assert (tally.jobs, tally.errors) == (0, 1)


def test_a_refused_submission_is_an_error_and_followed_by_the_next(turn: StreamTurn, tally: Tally) -> None:
    turn.begin(1.0)
    turn.head(429)
    turn.body(b"{}", 2.0)
    assert turn.end(2.0).startswith(b"POST ")
    assert (tally.jobs, tally.errors) == (0, 1)


@pytest.mark.parametrize(
    ("status", "said", "jobs"),
    [(200, b"succeeded", 1), (200, b"failed", 0), (202, b"running", 0), (429, b"", 0)],
)
def test_only_a_poll_whose_job_has_succeeded_counts(tally: Tally, status: int, said: bytes, jobs: int) -> None:
    turn = PollTurn(tally, "host:1", "/root", "noop")
    request = turn.begin(1.0)
    assert request.startswith(b"POST /root/v1/jobs HTTP/1.1\r\nHost: host:1\r\nPrefer: wait=60\r\n")
    turn.head(status)
    turn.body(b'{"status":"' + said, 2.0)
    turn.body(b'"}', 2.0)
    assert turn.end(3.0) == request
    assert (tally.jobs, tally.errors) == (jobs, 1 - jobs)
