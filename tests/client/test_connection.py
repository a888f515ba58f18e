"""The client's connection against a server that the test plays, over real sockets."""

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from client.states import state
from support.wire.played import PlayedServer, played_server
from tidings import Client, ProblemError
from tidings.client import ClientState, ConnectionFailed, ConnectionLost
from tidings.client.connection.silence import Moment, now
from tidings.process.port import free_port
from tidings.protocol.frames.close_codes import CLOSE_CODES

TOKEN = "default." + "a" * 22


# Asking, and asking again.


async def test_more_submits_than_may_be_in_flight_wait_for_their_turn(server: PlayedServer) -> None:
    server.limits["max_in_flight"] = 3
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        submits = [tasks.create_task(client.submit("k", n=n)) for n in range(7)]
        stage = await server.stage()
        heard = [await stage.hear("submit") for _ in range(3)]
        await stage.hears_nothing()
        for n in range(4):
            await stage.ack(heard[n], f"default.{n:022d}")
            heard.append(await stage.hear("submit"))
        for n in range(4, 7):
            await stage.ack(heard[n], f"default.{n:022d}")
        tokens = {(await submit).token for submit in submits}
        assert [frame["input"]["n"] for frame in heard] == list(range(7))
        assert tokens == {f"default.{n:022d}" for n in range(7)}


async def test_frames_are_sent_no_faster_than_the_server_allows(server: PlayedServer) -> None:
    server.limits |= {"max_frames_per_s": 100.0, "max_frame_burst": 10}
    clock = asyncio.get_running_loop().time
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        began = clock()
        submits = [tasks.create_task(client.submit("k")) for _ in range(40)]
        for n in range(40):
            frame = await stage.hear("submit")
            # Bytes may come late and all at once, but never too early.
            assert n + 1 <= 10 + 100 * (clock() - began) + 0.001
            await stage.ack(frame, f"default.{n:022d}")
        await asyncio.wait(submits)


async def test_a_frame_that_is_too_large_is_refused_here_and_the_connection_stays(server: PlayedServer) -> None:
    server.limits["max_frame_bytes"] = 1_000
    async with Client(server.url) as client:
        stage = await server.stage()
        with pytest.raises(ProblemError, match="at most 1000") as refused:
            await client.submit("k", text="x" * 1_000)
        assert refused.value.code == "too_large"
        await stage.hears_nothing()
        assert client.state is ClientState.OPEN


@pytest.mark.parametrize("code", ["rate_limited", "backlog_full"])
async def test_a_submit_that_is_refused_for_its_rate_is_the_caller_s_business(server: PlayedServer, code: str) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        submit = tasks.create_task(refused_code(client))
        stage = await server.stage()
        await stage.refuse((await stage.hear("submit"))["ref"], code, retry_after=0.1)
        assert await submit == code


async def test_a_submit_that_replicas_have_not_confirmed_is_sent_again_under_its_key(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        submit = tasks.create_task(client.submit("k"))
        stage = await server.stage()
        first = await stage.hear("submit")
        await stage.refuse(first["ref"], "unconfirmed", retry_after=0.01)
        again = await stage.hear("submit")
        assert (again["key"], again["ref"] > first["ref"]) == (first["key"], True)
        await stage.ack(again, TOKEN)
        assert (await submit).token == TOKEN


async def refused_code(client: Client) -> str:
    with pytest.raises(ProblemError) as refused:
        await client.submit("k")
    return refused.value.code


async def test_what_a_broken_socket_did_not_answer_is_asked_again_on_the_next(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        first = tasks.create_task(client.submit("k"))
        await stage.ack(await stage.hear("submit"), TOKEN)
        handle = await first
        second = tasks.create_task(client.submit("k"))
        cancel = tasks.create_task(handle.cancel())
        key = (await stage.hear("submit"))["key"]
        await stage.hear("cancel")
        stage.cut()
        stage = await server.stage()
        watch = await stage.hear("watch")
        assert (watch["token"], watch["after"]) == (TOKEN, 1)
        asked = await stage.hear("cancel")
        again = await stage.hear("submit")
        assert again["key"] == key
        await stage.snapshot(watch, 2, status="cancelled")
        await stage.refuse(asked["ref"], "already_finished")
        await stage.ack(again, "default." + "b" * 22)
        await cancel
        assert (await second).token == "default." + "b" * 22
        assert [event.name async for event in handle] == ["cancelled"]


async def test_a_cancel_without_a_connection_waits_for_the_next(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        submit = tasks.create_task(client.submit("k"))
        await stage.ack(await stage.hear("submit"), TOKEN)
        handle = await submit
        stage.cut()
        await state(client, ClientState.BACKING_OFF)
        cancel = tasks.create_task(handle.cancel())
        stage = await server.stage()
        await stage.hear("watch")
        await stage.say("done", ref=(await stage.hear("cancel"))["ref"])
        await cancel


async def test_a_watch_that_is_refused_for_now_is_asked_again_after_the_time_given(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(client.watch(TOKEN))
        stage = await server.stage()
        for _ in range(2):
            await stage.refuse((await stage.hear("watch"))["ref"], "store_unavailable", retry_after=0.01)
        await stage.snapshot(await stage.hear("watch"), 1)
        assert (await watch).status == "running"


async def test_a_submit_given_up_before_its_ack_is_unwatched_after_it(server: PlayedServer) -> None:
    async with Client(server.url) as client:
        submit = asyncio.create_task(client.submit("k"))
        stage = await server.stage()
        frame = await stage.hear("submit")
        submit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submit
        await stage.ack(frame, TOKEN)
        assert (await stage.hear("unwatch"))["token"] == TOKEN


# The states.


async def test_its_states_are_told_in_order(server: PlayedServer) -> None:
    client = Client(server.url)
    changes = client.states()
    async with client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        watch = tasks.create_task(client.watch(TOKEN))
        await stage.snapshot(await stage.hear("watch"), 1)
        await watch
        stage.cut()
        stage = await server.stage()
        frame = await stage.hear("watch")
        assert client.state is ClientState.RESUMING
        await stage.snapshot(frame, 2)
        await state(client, ClientState.OPEN)
    told = [change async for change in changes]
    assert [change.state.value for change in told] == [
        "connecting", "open", "backing-off", "connecting", "resuming", "open", "closed",
    ]  # fmt: skip
    assert [change.previous for change in told[1:]] == [change.state for change in told[:-1]]
    assert (told[2].code, told[2].pause_s is not None) == (1006, True)


@pytest.mark.parametrize("code", [code for code, close in CLOSE_CODES.items() if code not in (1006, 4401)])
async def test_each_close_code_leads_where_the_table_says(server: PlayedServer, code: int) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        submit = tasks.create_task(outcome(client))
        await stage.hear("submit")
        await stage.close(code)
        if CLOSE_CODES[code].reconnect:
            stage = await server.stage()
            await stage.ack(await stage.hear("submit"), TOKEN)
            assert await submit == TOKEN
        else:
            change = await state(client, ClientState.CLOSED)
            assert change.code == code
            assert CLOSE_CODES[code].meaning in await submit


async def outcome(client: Client) -> str:
    try:
        return (await client.submit("k")).token
    except ConnectionLost as lost:
        return str(lost)


async def test_what_is_asked_after_the_end_is_told_so_at_once(server: PlayedServer) -> None:
    async with Client(server.url) as client:
        await (await server.stage()).close(4403)
        await state(client, ClientState.CLOSED)
        for ask in (client.submit("k"), client.watch(TOKEN)):
            with pytest.raises(ConnectionLost, match="4403"):
                await ask


async def test_after_4029_it_stays_away_for_the_time_given(server: PlayedServer) -> None:
    async with Client(server.url) as client:
        stage = await server.stage()
        await stage.refuse(None, "rate_limited", retry_after=1000)
        await stage.close(4029)
        change = await state(client, ClientState.BACKING_OFF)
        assert change.pause_s is not None
        assert change.pause_s >= 1000


async def test_a_client_that_is_asked_to_go_listens_until_its_time_and_comes_back(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        submit = tasks.create_task(client.submit("k"))
        frame = await stage.hear("submit")
        await stage.say("goaway", reason="draining", reconnect_after=0.3)
        await stage.ack(frame, TOKEN)
        await submit
        assert await stage.closed() == 1000
        stage = await server.stage()
        await stage.snapshot(await stage.hear("watch"), 1)


async def test_a_client_whose_server_closed_before_its_time_waits_for_the_rest(server: PlayedServer) -> None:
    async with Client(server.url) as client:
        stage = await server.stage()
        await stage.say("goaway", reason="draining", reconnect_after=1000)
        await stage.close(1012)
        change = await state(client, ClientState.BACKING_OFF)
        assert change.pause_s is not None
        assert 900 < change.pause_s <= 1000


@pytest.mark.parametrize("clock", ["monotonic", "wall"])
async def test_a_connection_that_was_silent_for_too_long_by_either_clock_is_dead(
    server: PlayedServer, clock: str
) -> None:
    client = Client(server.url)
    slept = 0.0

    def moment() -> Moment:
        at = now()
        return at._replace(**{clock: getattr(at, clock) + slept})

    client._connection._clock, client._connection._look_s = moment, 0.01
    async with client:
        await server.stage()
        slept = 61.0
        change = await state(client, ClientState.BACKING_OFF)
        assert change.code == 1006
        await server.stage()
        await state(client, ClientState.OPEN)


# The first connection.


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConnectionFailed, match=r"connection refused.*tidings dev") as failed:
        async with Client(url, connect_timeout=1000):
            pass
    assert url in str(failed.value)
    with pytest.raises(ConnectionFailed, match="not a server's address"):
        Client("ftp://x")


async def test_one_who_says_wait_goes_on_trying_for_so_long() -> None:
    port = free_port()
    client = Client(f"http://127.0.0.1:{port}", wait=60)
    async with asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(client.__aenter__())
        await state(client, ClientState.BACKING_OFF)
        async with played_server(port):
            await opening
            assert client.state is ClientState.OPEN
            await client.__aexit__(None, None, None)
    with pytest.raises(ConnectionFailed, match="connection refused"):
        async with Client(f"http://127.0.0.1:{port}", wait=0.2):
            pass


async def test_a_server_that_is_full_says_when_to_come_back(server: PlayedServer) -> None:
    def full(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(503, "")
        response.headers["Retry-After"] = "1000"
        return response

    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=full) as elsewhere:
        port = next(iter(elsewhere.sockets)).getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}", wait=10_000)
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(client.__aenter__())
            change = await state(client, ClientState.BACKING_OFF)
            opening.cancel()
    assert "503" in change.reason
    assert change.pause_s is not None
    assert change.pause_s >= 1000


async def test_a_redirect_is_not_followed_for_it_would_carry_the_credential_away(server: PlayedServer) -> None:
    def redirect(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(302, "")
        response.headers["Location"] = f"ws://127.0.0.1:{server.port}/v1/socket"
        return response

    server.accepts = lambda _: True
    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=redirect) as elsewhere:
        port = next(iter(elsewhere.sockets)).getsockname()[1]
        with pytest.raises(ConnectionFailed, match="HTTP status 302"):
            await Client(f"http://127.0.0.1:{port}", credential="of-another-server").__aenter__()
    assert server.presented == []
