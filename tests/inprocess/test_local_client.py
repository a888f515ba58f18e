"""A client in the server's own process: what `tidings.Client` does, without a socket to oneself."""

import asyncio
import socket
from pathlib import Path

import pytest
from starlette.applications import Starlette

from inprocess.conftest import running_app
from support.credential import JWT_SERVER
from support.system import System
from support.timeouts import scaled
from tidings import (
    Client,
    ConnectionFailed,
    ConnectionLost,
    JobCancelled,
    JobFailed,
    NotWatched,
    ProblemError,
    SubmitOptions,
)
from tidings.client import ClientState
from tidings.client.connection.silence import SILENCE_S
from tidings_server import create_app, local_client
from tidings_server.settings import ServerSettings

RED = SubmitOptions(tags=["red"])
WITHIN_S = scaled(15)
KEYS = "gil:" + "0" * 64


async def test_it_submits_and_follows_a_job_to_its_result(app: Starlette) -> None:
    async with local_client(app) as client:
        assert isinstance(client, Client)
        handle = await client.submit("steps", count=3)
        names = [event.name async for event in handle]
        assert names[-1] == "succeeded"
        assert "progress" in names
        assert await handle.result(timeout=WITHIN_S) == 3
        assert client.state is ClientState.OPEN
        assert "submit.grant" in client.features


async def test_it_opens_no_socket(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    async with local_client(app) as warm:  # the server's own connections to the store are open
        await (await warm.submit("echo", text="a")).result(timeout=WITHIN_S)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", refuse)
    async with local_client(app, owner="ann") as client:
        assert await (await client.submit("echo", text="b", options=RED)).result(timeout=WITHIN_S) == "b"
        assert [job.kind async for job in client.jobs(tag="red")] == ["echo"]


async def test_it_cancels_and_signals_and_tells_failures_as_any_client(app: Starlette, tmp_path: Path) -> None:
    async with local_client(app) as client:
        held = await client.submit("wait_for_file", path=str(tmp_path / "flag"))
        await held.cancel()
        with pytest.raises(JobCancelled):
            await held.result(timeout=WITHIN_S)
        with pytest.raises(ProblemError) as late:
            await held.signal("approved", 1)
        assert late.value.code == "already_finished"
        with pytest.raises(JobFailed) as failed:
            await (await client.submit("reject")).result(timeout=WITHIN_S)
        assert failed.value.code == "rejected"
        with pytest.raises(ProblemError) as unknown:
            await client.submit("no_such_kind")
        assert unknown.value.code == "unknown_kind"
        with pytest.raises(ProblemError) as invalid:
            await client.submit("echo", text=1)
        assert invalid.value.problem.field == "/input/text"


async def test_the_client_of_an_owner_is_a_stranger_to_the_jobs_of_others(app: Starlette, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with local_client(app, owner="ann") as ann, local_client(app, owner="ben") as ben:
        held = await ann.submit("wait_for_file", path=str(flag))
        for ask in (ben.watch(held.token), ben.grant(held.token)):
            with pytest.raises(ProblemError) as stranger:
                await ask
            assert stranger.value.code == "unknown_token"
        with pytest.raises(ProblemError) as delegated:
            await ben.submit("echo", text="a", owner="ann")
        assert (delegated.value.code, delegated.value.problem.field) == ("forbidden", "/owner")
        with pytest.raises(ProblemError):
            [job async for job in ben.jobs(owner="ann")]
        grant = await ann.grant(held.token)
        watched = await ben.watch(held.token, grant=grant.grant)
        flag.touch()
        assert await watched.result(timeout=WITHIN_S) == "found"


async def test_the_client_of_the_server_itself_submits_for_users_and_sees_all(app: Starlette, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with local_client(app) as service, local_client(app, owner="cid") as cid:
        made = await service.submit("wait_for_file", {"path": str(flag)}, owner="cid", options=RED)
        with pytest.raises(NotWatched):
            await made.result(timeout=WITHIN_S)
        own = await cid.watch(made.token)
        seen = await service.watch(made.token)
        assert [job.token async for job in service.jobs(owner="cid")] == [made.token]
        with pytest.raises(ProblemError) as whose:
            [job async for job in service.jobs()]
        assert whose.value.problem.field == "/tag"
        flag.touch()
        assert await own.result(timeout=WITHIN_S) == await seen.result(timeout=WITHIN_S) == "found"
        granted = await service.submit("echo", {"text": "a"}, owner="cid", grant=True)
        assert granted.grant is not None
        assert await granted.result(timeout=WITHIN_S) == "a"


async def test_it_lists_page_by_page_and_follows_a_tag(app: Starlette) -> None:
    async with local_client(app, owner="dan") as client:
        made = [(await client.submit("noop", options=RED)).token for _ in range(103)]
        assert [job.token async for job in client.jobs(tag="red")] == made[::-1]
        async with client.follow(tag="red") as found:
            later = await client.submit("echo", text="b", options=RED)
            while (handle := await anext(found)).token != later.token:
                pass
            assert await handle.result(timeout=WITHIN_S) == "b"


async def test_a_grant_that_runs_out_ends_a_watch_here_too(app: Starlette, tmp_path: Path) -> None:
    async with local_client(app, owner="eve") as eve, local_client(app, owner="flo") as flo:
        held = await eve.submit("wait_for_file", path=str(tmp_path / "flag"))
        grant = await eve.grant(held.token, ttl=1)
        watched = await flo.watch(held.token, grant=grant.grant)
        with pytest.raises(ProblemError) as over:
            await watched.result(timeout=WITHIN_S)
        assert over.value.code == "grant_expired"
        await held.cancel()


async def test_many_clients_come_and_go_and_leave_nothing(app: Starlette) -> None:
    sockets, quotas = app.state.sockets, app.state.runtime.quotas
    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(_one_job(app, number))
    assert len(sockets) == 0
    assert sum(quota.connections for quota in quotas._callers.values()) == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("tidings ")]


async def _one_job(app: Starlette, number: int) -> None:
    async with local_client(app, owner=f"user {number}") as client:
        assert await (await client.submit("echo", text=str(number))).result(timeout=WITHIN_S) == str(number)


async def test_before_the_lifespan_of_the_application_it_says_what_to_do(system: System) -> None:
    app = create_app(ServerSettings(store_url=system.store.url))
    with pytest.raises(ConnectionFailed, match="the server has not started: enter the lifespan of its application"):
        async with local_client(app):
            raise AssertionError
    with pytest.raises(ConnectionLost, match="the server has not started"):
        [job async for job in local_client(app).jobs(tag="red")]
    await app.state.runtime.client.aclose()


async def test_when_the_server_stops_its_clients_end_with_it(system: System, tmp_path: Path) -> None:
    async with running_app(system) as app:
        client = local_client(app)
        await client.__aenter__()
        held = await client.submit("wait_for_file", path=str(tmp_path / "flag"))
        waiting = asyncio.create_task(held.result(timeout=WITHIN_S))
        await asyncio.sleep(0)
    ended, _ = await asyncio.wait([waiting], timeout=SILENCE_S / 2)  # what is silent for longer, any client gives up
    assert ended
    with pytest.raises(ConnectionLost, match="the server has stopped"):
        await waiting
    with pytest.raises(ConnectionLost, match="the server has stopped"):
        await client.submit("noop")
    assert client.state is ClientState.CLOSED
    (tmp_path / "flag").touch()
    await client.__aexit__(None, None, None)
    with pytest.raises(ConnectionFailed, match="the server has stopped"):
        async with local_client(app):
            raise AssertionError


async def test_in_another_event_loop_it_is_refused(app: Starlette) -> None:
    async def elsewhere() -> None:
        async with local_client(app):
            raise AssertionError

    with pytest.raises(ConnectionFailed, match="the server runs in another event loop"):
        await asyncio.to_thread(asyncio.run, elsewhere())


@pytest.mark.parametrize("owner", ["", "x" * 256, "a\nb"])
async def test_a_name_that_no_owner_can_have_is_refused(app: Starlette, owner: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 printable characters"):
        local_client(app, owner=owner)


async def test_an_application_that_is_no_server_is_refused() -> None:
    with pytest.raises(TypeError, match="the application that create_app"):
        local_client(Starlette())


async def test_an_owner_here_is_the_same_as_over_any_other_way(system: System) -> None:
    """Where API keys come first, subjects have a word before them (decision 28): here as everywhere."""
    async with (
        running_app(system, TIDINGS_AUTH="api_key", TIDINGS_API_KEYS=KEYS) as app,
        local_client(app, owner="gil") as client,
        local_client(app) as service,
    ):
        handle = await client.submit("echo", text="a")
        assert [job.token async for job in service.jobs(owner="sub:gil")] == [handle.token]
        assert [job async for job in service.jobs(owner="gil")] == []
    ways = {**JWT_SERVER, "TIDINGS_AUTH": "jwt,api_key", "TIDINGS_API_KEYS": KEYS}
    async with running_app(system, **ways) as app:
        with pytest.raises(ValueError, match="names API keys here"):
            local_client(app, owner="key:gil")
