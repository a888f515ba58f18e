"""A socket's job that turns out to belong to another partition than the server thought."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import Ack, Submit, Unwatch
from tidings.protocol.tokens import Token, new_token
from tidings.store.jobs.job_store import JobStore
from tidings.store.keys import StoreKeys
from tidings_server.auth.identity import ANYONE
from tidings_server.jobs.job_service import JobService
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.observability.server_meters import ServerMeter
from tidings_server.watch.hub import Hub
from tidings_server.watch.job_listener import JobListener
from tidings_server.websocket.auth_state import AuthState
from tidings_server.websocket.commands.followed_jobs import FollowedJobs
from tidings_server.websocket.session import Session
from tidings_server.websocket.socket_channel import SocketChannel

LIMITS = Limits(max_frame_bytes=2_000, max_depth=8, max_in_flight=3, max_watches=5, max_waiting_bytes=10_000)


class Service:
    """A job service whose store answers by a newer placement of the queue."""

    def __init__(self, hub: Hub, belongs: Token) -> None:
        self.hub = hub
        self.reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._belongs = belongs

    def submit(
        self, frame: Submit, identity: object, caller: str, listen: Callable[[Token], JobListener], ref: int
    ) -> object:
        listener = listen(new_token("jobs"))
        self.hub.begin(listener)
        self.hub.move(listener, self._belongs)
        ack = Ack(ref=ref, token=str(self._belongs), seq=1, status="queued")
        return SimpleNamespace(
            job=SimpleNamespace(owner="", kind="k", tier="standard"),
            listener=listener,
            ack=PendingAnswer("submit", self.reply, lambda _: ack),
        )


async def test_the_client_watches_it_by_the_token_that_it_was_given_and_may_end_the_watch() -> None:
    left: list[Token] = []

    def unwatch(token: Token) -> "asyncio.Future[Any]":
        left.append(token)
        return asyncio.get_running_loop().create_future()

    hub = Hub(cast("JobStore", SimpleNamespace(unwatch=unwatch)), cast("Any", None), StoreKeys())
    belongs = new_token("jobs~bx")
    service = Service(hub, belongs)
    auth_state = AuthState(ANYONE, asks=False, within_s=10, notice_s=60, now=0.0)
    session = Session("c", LIMITS, CallerQuota(LIMITS, now=0.0), auth_state, now=0.0)
    channel = SocketChannel(session, "caller", 0.0)
    channel.transport = cast("Any", SimpleNamespace(acked=lambda *_: None, flush=lambda: None))
    jobs = FollowedJobs(channel, cast("JobService", service), ServerMeter(), 60)

    submit = Submit(ref=1, kind="k", input=msgspec.Raw(b"{}"))
    jobs.submit(submit)
    service.reply.set_result(None)
    await asyncio.sleep(0)
    assert jobs.is_watched(belongs)
    assert session.watches == 1

    jobs.unwatch(Unwatch(ref=2, token=str(belongs)))
    assert session.watches == 0
    assert left == [belongs]
    assert not jobs.is_watched(belongs)
