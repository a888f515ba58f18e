"""A stream that is written without a task: when it writes, what it leaves waiting, and how it ends."""

import asyncio
import time

import pytest

from support.timeouts import scaled
from tidings.protocol.events import EventClass
from tidings_server.auth.identity import ANYONE
from tidings_server.settings import ServerSettings
from tidings_server.sse.direct_stream import DirectStream
from tidings_server.sse.event_stream import HEARTBEAT, EventStream
from tidings_server.web.send.direct_body import BodyOwner, DirectBody

BEAT_S = 0.2


class Body(DirectBody):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.writable_now = True
        self.pieces: list[str] = []
        self.ended = self.aborted = False
        self.owner: BodyOwner | None = None
        self.news = asyncio.Event()

    def open(self, owner: BodyOwner) -> None:
        self.owner = owner

    @property
    def writable(self) -> bool:
        return self.writable_now

    def write(self, data: bytes) -> None:
        self.pieces.append(data.decode())
        self.news.set()

    def end(self, data: bytes) -> None:
        self.write(data)
        self.ended = True

    def abort(self) -> None:
        self.aborted = True


class Trial:
    """A stream of one job, with its body."""

    def __init__(self) -> None:
        self.stream = EventStream(ServerSettings(sse_heartbeat_s=BEAT_S), ANYONE)
        self.stream.live = 1
        self.left = 0
        self.stream.leave.callback(self._leave)
        self.body = Body()
        self.direct = DirectStream(self.stream, self.body, self.stream.leave.pop_all())

    def _leave(self) -> None:
        self.left += 1

    def event(self, text: str, event_class: EventClass = EventClass.LOG) -> None:
        self.stream.write("token", event_class, text)


async def turn() -> None:
    """Return after the calls that are due in this turn of the event loop."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_history_leaves_with_the_beginning_and_the_events_of_a_turn_leave_together() -> None:
    trial = Trial()
    trial.stream.history.put("history")
    trial.direct.begin()
    (first,) = trial.body.pieces
    assert first.startswith("retry: ")
    assert first.endswith("history")
    for text in ("a", "b", "c"):
        trial.event(text)
    assert trial.body.pieces == [first]
    await turn()
    assert trial.body.pieces == [first, "abc"]


async def test_a_stream_whose_job_has_ended_ends_with_the_last_event_and_is_left_once() -> None:
    trial = Trial()
    trial.direct.begin()
    trial.event("last", EventClass.FINAL)
    trial.stream.end_one()
    await turn()
    assert trial.body.ended
    assert trial.body.pieces[-1] == "last"
    assert trial.left == 1
    trial.direct.lost()
    trial.stream.end_one()
    await turn()
    assert (trial.left, len(trial.body.pieces)) == (1, 2)


async def test_nothing_is_written_to_a_client_that_does_not_read_until_it_has() -> None:
    trial = Trial()
    trial.body.writable_now = False
    trial.direct.begin()
    trial.event("a")
    await turn()
    assert trial.body.pieces == []
    assert trial.stream.waiting_bytes == 1
    trial.body.writable_now = True
    trial.direct.resumed()
    await turn()
    (text,) = trial.body.pieces
    assert text.startswith("retry: ")
    assert text.endswith("a")


async def test_a_client_that_leaves_too_much_waiting_gets_the_end_once_it_reads() -> None:
    trial = Trial()
    trial.direct.begin()
    trial.body.writable_now = False
    most = ServerSettings().max_waiting_bytes
    for _ in range(3):
        trial.event("x" * (most // 2))
    await turn()
    assert (trial.stream.too_slow, trial.body.ended) == (True, False)
    trial.body.writable_now = True
    trial.direct.resumed()
    await turn()
    assert trial.body.ended
    assert trial.left == 1


async def test_what_is_large_is_handed_over_piece_by_piece() -> None:
    trial = Trial()
    trial.stream.history.put("x" * 100_000)
    trial.stream.history.put("y" * 100_000)
    trial.direct.begin()
    assert [len(piece) > 100_000 for piece in trial.body.pieces] == [True, False]
    assert trial.body.pieces[1] == "y" * 100_000


async def test_silence_is_broken_by_a_comment_counted_from_the_last_write() -> None:
    trial = Trial()
    trial.direct.begin()
    await asyncio.sleep(BEAT_S / 2)
    trial.event("a")
    await turn()
    written_at = time.monotonic()
    trial.body.news.clear()
    async with asyncio.timeout(scaled(20)):
        await trial.body.news.wait()
    assert trial.body.pieces[-1] == HEARTBEAT
    assert time.monotonic() - written_at >= BEAT_S * 0.9
    trial.direct.lost()


async def test_a_server_that_drains_ends_it_and_says_when_to_come_back() -> None:
    trial = Trial()
    trial.direct.begin()
    trial.event("a")
    trial.stream.drain()
    await turn()
    assert trial.body.ended
    assert trial.body.pieces[-1].startswith("aretry: ")


async def test_an_error_ends_this_stream_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial()
    trial.direct.begin()

    def broken() -> str:
        raise ValueError("on purpose")

    monkeypatch.setattr(trial.stream, "next_piece", broken)
    trial.event("a")
    await turn()
    assert trial.body.aborted
    assert trial.left == 1
