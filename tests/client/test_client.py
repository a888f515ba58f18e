"""What a client's user may do wrong, or do without, against a server that the test plays."""

import asyncio
import json
from typing import Any

import anyio
import pytest

from support.timeouts import scaled
from support.wire.played import PlayedServer, Stage
from tidings import Client, ConnectionLost, NotWatched, ProblemError, SubmitOptions, SyncClient
from tidings.client import ClientState, ConnectionFailed
from tidings.client.protocol.suspects import MAX_BROKEN

TOKEN = "default." + "a" * 22


# Options and fields.


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (({"n": 1},), {"key": "order-17", "delay": 3600}),
        ((), {"n": 1, "key": "order-17"}),
        (({"n": 1},), {"dellay": 3}),
        (({"n": 1},), {"options": {"key": "order-17"}}),
        ((SubmitOptions(key="order-17"),), {}),
        (({"n": 1},), {"watch": "no"}),
    ],
)
async def test_what_would_be_dropped_in_silence_is_an_error_and_nothing_is_sent(
    server: PlayedServer, given: Any, fields: dict[str, Any]
) -> None:
    async with Client(server.url) as client:
        stage = await server.stage()
        with pytest.raises(TypeError, match=r"SubmitOptions|mapping"):
            await client.submit("k", *given, **fields)
        await stage.hears_nothing()


async def test_options_are_sent_beside_either_form_of_input(server: PlayedServer) -> None:
    options = SubmitOptions(key="order-17", delay=3600)
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        for submit in (client.submit("k", {"key": 1}, options=options), client.submit("k", n=1, options=options)):
            task = tasks.create_task(submit)
            frame = await stage.hear("submit")
            assert (frame["key"], frame["delay"]) == ("order-17", 3600)
            assert frame["input"] in ({"key": 1}, {"n": 1})
            await stage.ack(frame, TOKEN)
            await task


# What no server could read.


@pytest.mark.parametrize(
    "options",
    [
        SubmitOptions(correlation_id="\ud800"),
        SubmitOptions(key="\ud83d"),
        SubmitOptions(tier="\ud800"),
        SubmitOptions(traceparent="\ud800"),
        SubmitOptions(priority=10**30),
        SubmitOptions(correlation_id=object()),  # type: ignore[arg-type]
    ],
)
async def test_an_option_that_cannot_be_sent_fails_its_own_call_connected_or_not(
    server: PlayedServer, options: SubmitOptions
) -> None:
    async with Client(server.url) as client:
        stage = await server.stage()
        for connected in (True, False, True):
            with pytest.raises(ProblemError) as refused:
                await client.submit("k", options=options)
            assert refused.value.code == "invalid_frame"
            if connected:
                await stage.hears_nothing()
                stage.cut()
            else:
                stage = await server.stage()
        assert client.state is not ClientState.CLOSED


async def test_a_frame_that_the_server_cannot_read_fails_its_own_call(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        good, bad = tasks.create_task(client.submit("good")), tasks.create_task(code_of(client.submit("bad")))
        first = await stage.hear("submit")
        await stage.hear("submit")
        await stage.refuse(None, "invalid_frame", "not JSON")
        await stage.ack(first, TOKEN)
        assert (await good).token == TOKEN
        assert await bad == "invalid_frame"
        assert client.state is ClientState.OPEN


async def test_a_submit_that_breaks_every_connection_is_given_up_and_the_others_go_through(
    server: PlayedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.client.connection.reconnect_delay.FIRST_S", 0.001)
    monkeypatch.setattr("tidings.client.connection.reconnect_delay.LONGEST_S", 0.001)
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        poison = tasks.create_task(code_of(client.submit("poison")))
        others = [tasks.create_task(client.submit("good")) for _ in range(3)]
        connections = 0
        while not poison.done():
            stage = await server.stage()
            connections += 1
            with anyio.move_on_after(scaled(5)):
                await serve_until_poison(stage)
            await anyio.lowlevel.checkpoint()
            if connections >= MAX_BROKEN:
                break
        assert await poison == "invalid_frame"
        assert connections == MAX_BROKEN
        stage = await server.stage()
        for other in others:
            assert (await other).token.startswith("default.")


async def serve_until_poison(stage: Stage) -> None:
    """Answer submits and watches until the poison comes, and fall over it."""
    while True:
        with anyio.fail_after(scaled(15)):
            frame = json.loads(await stage.connection.recv())
        match frame["type"]:
            case "submit" if frame["kind"] == "poison":
                stage.cut()
                return
            case "submit":
                await stage.ack(frame, "default." + frame["key"][:22])
            case "watch":
                await stage.snapshot(frame, 1)


async def code_of(call: Any) -> str:
    with pytest.raises(ProblemError) as refused:
        await call
    return refused.value.code


@pytest.mark.parametrize("credential", [5, b"key", "two\nlines", "\ud800", ["key"]])
def test_a_credential_that_cannot_be_sent_is_refused_at_once_and_not_shown(credential: Any) -> None:
    with pytest.raises(ConnectionFailed) as refused:
        Client("http://127.0.0.1:1", credential=credential)
    assert "key" not in str(refused.value)


@pytest.mark.parametrize("credential", [5, b"key", "two\nlines", "\ud800"])
async def test_a_callable_that_returns_what_cannot_be_sent_is_a_failure_like_any_other(
    server: PlayedServer, credential: Any
) -> None:
    server.accepts = lambda _: True
    with pytest.raises(ConnectionFailed, match="no credential: ConnectionFailed"):
        async with Client(server.url, credential=lambda: credential):
            raise AssertionError("it is connected")


# Without watching, and no longer.


@pytest.mark.parametrize("way", ["argument", "option"])
async def test_a_submit_without_a_watch_has_a_token_and_no_result(server: PlayedServer, way: str) -> None:
    said: dict[str, Any] = {"watch": False} if way == "argument" else {"options": SubmitOptions(watch=False)}
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        task = tasks.create_task(client.submit("k", **said))
        frame = await stage.hear("submit")
        assert frame["watch"] is False
        await stage.ack(frame, TOKEN)
        handle = await task
        assert (handle.token, handle.status) == (TOKEN, "queued")
        with pytest.raises(NotWatched, match=r"watch\('default\.a+'\)"):
            await handle.result(timeout=scaled(5))
        with pytest.raises(NotWatched):
            _ = [event async for event in handle]
        handle.close()
        await stage.hears_nothing()
        cancel = tasks.create_task(handle.cancel())
        await stage.say("done", ref=(await stage.hear("cancel"))["ref"])
        await cancel


async def test_a_closed_handle_gives_its_watch_back_and_ends_all_waiting(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        submit = tasks.create_task(client.submit("k"))
        await stage.ack(await stage.hear("submit"), TOKEN)
        handle = await submit
        await stage.event(TOKEN, 2, "log", "a")
        events = aiter(handle)
        assert (await anext(events)).data == "a"
        waiting = tasks.create_task(ends_unwatched(handle.result()))
        await anyio.lowlevel.checkpoint()
        assert await handle.close() is None  # type: ignore[func-returns-value]
        handle.close()
        assert (await stage.hear("unwatch"))["token"] == TOKEN
        await waiting
        with pytest.raises(NotWatched):
            await anext(events)
        stage.cut()
        stage = await server.stage()
        await stage.hears_nothing()


async def test_closing_one_of_two_handles_of_a_job_leaves_the_other(server: PlayedServer) -> None:
    async with Client(server.url) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        handles = []
        for _ in range(2):
            task = tasks.create_task(client.watch(TOKEN))
            await stage.snapshot(await stage.hear("watch"), 1)
            handles.append(await task)
        handles[0].close()
        await stage.hears_nothing()
        await stage.event(TOKEN, 2, "succeeded", {"result": 7})
        assert await handles[1].result(timeout=scaled(15)) == 7
        with pytest.raises(NotWatched):
            await handles[0].result()


async def ends_unwatched(result: Any) -> None:
    with pytest.raises(NotWatched):
        await result


# Before it is open, and after.


async def test_a_client_that_is_not_open_says_so_and_does_not_wait(server: PlayedServer) -> None:
    client = Client(server.url)
    for call in (client.submit("k"), client.watch(TOKEN)):
        with anyio.fail_after(scaled(5)), pytest.raises(ConnectionLost, match="async with"):
            await call
    async with client:
        await server.stage()
    with pytest.raises(ConnectionLost, match="closed"):
        await client.submit("k")
    with pytest.raises(ConnectionLost, match="make a new one"):
        await client.__aenter__()


async def test_a_client_without_event_loop_that_is_not_open_says_so(server: PlayedServer) -> None:
    client = SyncClient(server.url)
    with pytest.raises(ConnectionLost, match="with SyncClient"):
        client.submit("k")
    await asyncio.to_thread(client.open)
    with pytest.raises(ConnectionLost, match="make a new one"):
        client.open()
    await asyncio.to_thread(client.close)


async def test_what_newer_clients_may_send_is_told(server: PlayedServer) -> None:
    server.hello["features"] = ["submit.webhook"]
    async with Client(server.url) as client:
        assert client.features == {"submit.webhook"}
    del server.hello["features"]
    async with Client(server.url) as client:
        assert client.features == frozenset()
