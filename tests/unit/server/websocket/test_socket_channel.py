"""What the parts of a socket share: above all that each frame gets its answer."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tidings.protocol.frames.limits import Limits
from tidings_server.auth.identity import ANYONE
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.websocket.auth_state import AuthState
from tidings_server.websocket.session import Session
from tidings_server.websocket.socket_channel import SocketChannel

LIMITS = Limits(max_frame_bytes=2_000, max_depth=8, max_in_flight=3, max_watches=5, max_waiting_bytes=10_000)


async def test_an_unforeseen_error_on_the_way_to_an_answer_is_the_answer_of_its_frame() -> None:
    auth_state = AuthState(ANYONE, asks=False, within_s=10, notice_s=60, now=0.0)
    session = Session("c", LIMITS, CallerQuota(LIMITS, now=0.0), auth_state, now=0.0)
    channel = SocketChannel(session, "caller", 0.0)
    channel.transport = cast("Any", SimpleNamespace(flush=lambda: None))
    frame = msgspec.json.encode({"type": "watch", "ref": 7, "token": "default." + "a" * 22})
    assert session.receive(frame.decode(), 0.0) is not None

    def take(_: PendingAnswer[None]) -> None:
        raise LookupError("unforeseen")

    reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    channel.then(PendingAnswer("watch", reply, lambda _: None), 7, take)
    reply.set_result(None)
    await asyncio.sleep(0)
    (answer,) = [msgspec.json.decode(frame.data) for frame in session.send_buffer.take()]
    assert (answer["ref"], answer["problem"]["code"]) == (7, "internal_error")
    assert "unforeseen" not in answer["problem"]["detail"]
