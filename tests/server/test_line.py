"""How a line writes: all frames of a turn at once, and no more than its reader takes.

The protocol is a stand-in that keeps what is written; that the real one carries it is tested over real sockets.
"""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from tidings.protocol.frames.limits import Limits
from tidings_server.auth.identity import ANYONE
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.websocket.auth_state import AuthState
from tidings_server.websocket.direct_transport import WRITE_BYTES, DirectTransport, OpenProtocol
from tidings_server.websocket.session import Session
from tidings_server.websocket.transport import TransportOwner

LIMITS = Limits(max_frame_bytes=9999, max_depth=9, max_in_flight=9, max_watches=9, max_waiting_bytes=10_000_000)


class Stage:
    """A line with its session, and a transport that remembers."""

    def __init__(self) -> None:
        auth_state = AuthState(ANYONE, asks=False, within_s=1.0, notice_s=1.0, now=0.0)
        self.session = Session("c", LIMITS, CallerQuota(LIMITS, 0.0), auth_state, 0.0)
        self.writes: list[bytes] = []
        protocol = SimpleNamespace(
            loop=asyncio.get_running_loop(),
            transport=SimpleNamespace(write=self.writes.append, is_closing=lambda: False),
            close_sent=False,
        )
        owner = SimpleNamespace(session=self.session)
        self.line = DirectTransport(cast("OpenProtocol", protocol), cast("TransportOwner", owner))

    def say(self, ref: int) -> None:
        """Have one frame sent."""
        self.session.done(ref)
        self.line.flush()


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_all_frames_of_a_turn_leave_in_one_write(stage: Stage) -> None:
    for ref in range(50):
        stage.say(ref)
    assert stage.writes == []
    await asyncio.sleep(0)
    (written,) = stage.writes
    assert written.count(b'"done"') == 50
    stage.say(50)
    await asyncio.sleep(0)
    assert len(stage.writes) == 2


async def test_while_its_reader_does_not_read_all_waits_where_it_is_counted(stage: Stage) -> None:
    stage.line.writable = False
    stage.say(1)
    await asyncio.sleep(0)
    assert stage.writes == []
    assert stage.session.send_buffer.waiting_bytes > 0
    stage.line.resumed()
    await asyncio.sleep(0)
    assert len(stage.writes) == 1


async def test_no_more_is_handed_over_at_a_time_than_the_transport_should_hold(stage: Stage) -> None:
    for ref in range(10_000):
        stage.say(ref)
    await asyncio.sleep(0)
    assert max(map(len, stage.writes)) <= WRITE_BYTES * 1.2  # the headers are not counted
    assert b"".join(stage.writes).count(b'"done"') == 10_000
