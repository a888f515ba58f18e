"""The Python client against the real system: results, events, errors, and a socket that breaks."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.system import System, running_system
from support.timeouts import scaled
from tidings import Client, ProblemError, SubmitOptions
from tidings.client import ClientState, Event, JobCancelled, JobExpired, JobFailed
from tidings_cli.lab.proxy import LinkMode, running_proxy


@pytest.fixture
async def client(system: System) -> AsyncIterator[Client]:
    async with Client(system.server.url) as client:
        yield client


async def test_a_result_comes_back(client: Client) -> None:
    handle = await client.submit("echo", text="ab", times=2)
    assert handle.token.startswith("default.")
    assert await handle.result(timeout=scaled(10)) == "abab"
    assert handle.status == "succeeded"


async def test_input_may_be_a_mapping_or_a_typed_object_and_the_result_typed(client: Client) -> None:
    @dataclass
    class Echo:
        text: str

    for value in ({"text": "x"}, Echo("x")):
        handle = await client.submit("echo", value)
        assert await handle.result(timeout=scaled(10), type=str) == "x"


async def test_events_come_in_order_and_end_with_the_terminal_one(client: Client) -> None:
    handle = await client.submit("count", chunks=50)
    events = [event async for event in handle]
    assert [event.data for event in events if event.name == "log"] == list(range(50))
    assert events[-1].final
    assert events[-1].data == {"result": 50}
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert [event async for event in handle] == events[-1:]


async def test_failures_are_typed(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as refused:
        await client.submit("echo", text=3)
    assert (refused.value.code, refused.value.problem.field) == ("invalid_input", "/input/text")
    with pytest.raises(JobFailed) as failed:
        await (await client.submit("reject")).result(timeout=scaled(10))
    assert (failed.value.code, failed.value.problem.detail) == ("rejected", "this is bad")
    handle = await client.submit("wait_for_file", path=str(tmp_path / "never"))
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=scaled(10))
    options = SubmitOptions(deadline=0.1)
    handle = await client.submit("wait_for_file", {"path": str(tmp_path / "never")}, options=options)
    with pytest.raises(JobExpired):
        await handle.result(timeout=scaled(10))
    with pytest.raises(TimeoutError):
        await (await client.submit("noop", options=SubmitOptions(delay=60))).result(timeout=0.01)


async def test_a_job_submitted_elsewhere_can_be_watched(system: System, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "go"
    handle = await client.submit("wait_for_file", path=str(path))
    async with Client(system.server.url) as other:
        same = await other.watch(handle.token)
        path.touch()
        assert await same.result(timeout=scaled(10)) == await handle.result(timeout=scaled(10)) == "found"
        late = await other.watch(handle.token)
        assert await late.result(timeout=scaled(10)) == "found"
        assert [event.name async for event in late][-1] == "succeeded"


async def test_the_same_key_is_the_same_job(client: Client) -> None:
    one = await client.submit("echo", {"text": "k"}, options=SubmitOptions(key="client-key"))
    two = await client.submit("echo", {"text": "k"}, options=SubmitOptions(key="client-key"))
    assert one.token == two.token
    assert (one.duplicate, two.duplicate) == (False, True)
    assert await one.result(timeout=scaled(10)) == await two.result(timeout=scaled(10)) == "k"


async def test_more_submits_at_once_than_may_be_in_flight_are_all_taken(client: Client) -> None:
    async with asyncio.TaskGroup() as tasks:
        submits = [tasks.create_task(client.submit("noop")) for _ in range(1_200)]  # of which 1,000 may be
    handles = [submit.result() for submit in submits]
    tokens = [await handle.result(timeout=scaled(60)) for handle in handles]
    assert tokens == [{"token": handle.token} for handle in handles]


async def test_a_frame_larger_than_the_server_takes_is_refused_and_the_connection_goes_on(client: Client) -> None:
    with pytest.raises(ProblemError) as refused:
        await client.submit("echo", text="x" * 1_048_577)
    assert (refused.value.code, refused.value.problem.limit) == ("too_large", 1_048_576)
    assert await (await client.submit("echo", text="x")).result(timeout=scaled(10)) == "x"


async def test_a_job_that_had_ended_before_the_number_given_still_has_its_result(client: Client) -> None:
    handle = await client.submit("count", chunks=3)
    assert await handle.result(timeout=scaled(10)) == 3
    late = await client.watch(handle.token, after=handle.seq)
    assert await late.result(timeout=scaled(10)) == 3
    assert [event.name async for event in late] == ["succeeded"]


async def test_one_that_watches_from_the_start_takes_nothing_from_one_that_is_further(client: Client) -> None:
    handle = await client.submit("count", chunks=300, pause=0.001)
    chunks: list[object] = []
    seen: list[object] = []
    async for event in handle:
        if event.name == "log":
            chunks.append(event.data)
            if event.data in (50, 150):
                late = await client.watch(handle.token)
                seen.append([one.data async for one in late if one.name == "log"])
    assert chunks == list(range(300))
    assert seen == [list(range(300))] * 2


@pytest.fixture
def pair() -> Iterator[System]:
    with running_system(servers=1, workers=1) as system:
        yield system


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_server_that_goes_and_comes_back_is_not_noticed_but_for_the_state(
    pair: System, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "go"
    server = pair.server
    async with Client(server.url) as client:
        handle = await client.submit("wait_for_file", path=str(path))
        names: list[str] = []

        async def read() -> None:
            async for event in handle:
                names.append(event.name)
                if event.name == "log":
                    saw_log.set()

        saw_log = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await saw_log.wait()
            server.signal(number)
            await anyio.to_thread.run_sync(server.wait)
            meanwhile: list[object] = []

            async def submit_meanwhile() -> None:
                meanwhile.append(await (await client.submit("echo", text="later")).result(timeout=scaled(20)))

            tasks.start_soon(submit_meanwhile)
            path.touch()
            again = type(server)(pair.store.url, TIDINGS_PORT=str(server.port))
            pair.servers.append(again)
            assert await handle.result(timeout=scaled(20)) == "found"
        assert names == ["started", "progress", "log", "succeeded"]
        assert meanwhile == ["later"]
        assert client.state is ClientState.OPEN


@pytest.fixture
def two() -> Iterator[System]:
    with running_system(servers=2, workers=1) as system:
        yield system


@pytest.mark.parametrize("way", [LinkMode.CUT, LinkMode.RESET])
async def test_however_often_the_connection_breaks_a_job_is_told_whole_once_and_in_order(
    two: System, way: LinkMode
) -> None:
    ports = itertools.cycle(server.port for server in two.servers)
    async with running_proxy(next(ports)) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        handle = await client.submit("count", chunks=400, pause=0.005)
        events: list[Event] = []
        async for event in handle:
            events.append(event)
            if event.name == "log" and event.data % 100 == 50:
                proxy.set_mode(way)
                proxy._target = next(ports)  # and another server goes on where the last one was
                proxy.set_mode(LinkMode.OPEN)
        numbers = [event.seq for event in events]
        assert numbers == sorted(set(numbers))
        assert [event.data for event in events if event.name == "log"] == list(range(400))
        assert [event.name for event in events if event.final] == ["succeeded"]
        assert await handle.result(timeout=scaled(1)) == 400


async def test_a_change_of_state_during_a_break_is_told_after_it(two: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    async with running_proxy(two.server.port) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        handle = await client.submit("wait_for_file", {"path": str(path)}, options=SubmitOptions(delay=0.5))
        reader = aiter(handle)
        proxy.set_mode(LinkMode.CUT)
        async with Client(two.servers[1].url) as other:  # which sees that the job has started meanwhile
            async for event in await other.watch(handle.token):
                if event.name == "log":
                    break
        proxy.set_mode(LinkMode.OPEN)
        story = [await anext(reader) for _ in range(3)]
        assert sorted(event.name for event in story) == ["log", "progress", "started"]
        assert [event.seq for event in story] == sorted({event.seq for event in story})
        assert handle.status == "running"
        path.touch()
        assert [event.name async for event in reader] == ["succeeded"]


async def test_more_jobs_than_may_be_watched_are_submitted_and_closed_handles_make_room(
    system: System, tmp_path: Path
) -> None:
    few = system.add_server(TIDINGS_MAX_WATCHES="3")
    path = str(tmp_path / "go")
    async with Client(few.url) as client:
        handles = [await client.submit("wait_for_file", path=path) for _ in range(3)]
        with pytest.raises(ProblemError) as refused:
            await client.submit("wait_for_file", path=path)
        assert refused.value.code == "too_many_watches"
        tokens = [(await client.submit("wait_for_file", {"path": path}, watch=False)).token for _ in range(10)]
        assert len(set(tokens)) == 10
        handles.pop().close()
        handles.append(await client.submit("wait_for_file", path=path))
        Path(path).touch()
        assert [await handle.result(timeout=scaled(30)) for handle in handles] == ["found"] * 3
        assert await (await client.watch(tokens[0])).result(timeout=scaled(30)) == "found"


async def test_a_frame_that_no_parser_takes_is_refused_under_its_own_call(system: System, client: Client) -> None:
    deep: Any = 0
    for _ in range(150):
        deep = [deep]
    good = client.submit("noop")
    with pytest.raises(ProblemError) as refused:
        await client.submit("echo", {"text": deep})
    assert refused.value.code == "invalid_frame"
    assert await (await good).result(timeout=scaled(30)) is not None
