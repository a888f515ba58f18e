"""The Python client against the real system: results, events, errors, and a socket that breaks."""

import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from support.store import free_port
from support.system import System, running_system
from tidings import Client, ProblemError, SubmitOptions
from tidings.client import ClientState, ConnectionFailed, JobCancelled, JobExpired, JobFailed


@pytest.fixture
async def client(system: System) -> AsyncIterator[Client]:
    async with Client(system.server.url) as client:
        yield client


async def test_a_result_comes_back(client: Client) -> None:
    handle = await client.submit("echo", text="ab", times=2)
    assert handle.token.startswith("default.")
    assert await handle.result(timeout=10) == "abab"
    assert handle.status == "succeeded"


async def test_input_may_be_a_mapping_or_a_typed_object_and_the_result_typed(client: Client) -> None:
    @dataclass
    class Echo:
        text: str

    for value in ({"text": "x"}, Echo("x")):
        handle = await client.submit("echo", value)
        assert await handle.result(timeout=10, type=str) == "x"


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
        await (await client.submit("reject")).result(timeout=10)
    assert (failed.value.code, failed.value.problem.detail) == ("rejected", "this is bad")
    handle = await client.submit("wait_for_file", path=str(tmp_path / "never"))
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=10)
    options = SubmitOptions(deadline=0.1)
    handle = await client.submit("wait_for_file", {"path": str(tmp_path / "never")}, options=options)
    with pytest.raises(JobExpired):
        await handle.result(timeout=10)
    with pytest.raises(TimeoutError):
        await (await client.submit("noop", options=SubmitOptions(delay=60))).result(timeout=0.01)


async def test_a_job_submitted_elsewhere_can_be_watched(system: System, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "go"
    handle = await client.submit("wait_for_file", path=str(path))
    async with Client(system.server.url) as other:
        same = await other.watch(handle.token)
        path.touch()
        assert await same.result(timeout=10) == await handle.result(timeout=10) == "found"
        late = await other.watch(handle.token)
        assert await late.result(timeout=10) == "found"
        assert [event.name async for event in late][-1] == "succeeded"


async def test_the_same_key_is_the_same_job(client: Client) -> None:
    one = await client.submit("echo", {"text": "k"}, options=SubmitOptions(key="client-key"))
    two = await client.submit("echo", {"text": "k"}, options=SubmitOptions(key="client-key"))
    assert one.token == two.token
    assert (one.duplicate, two.duplicate) == (False, True)
    assert await one.result(timeout=10) == await two.result(timeout=10) == "k"


async def test_no_server_is_a_clear_error() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConnectionFailed, match="tidings dev") as failed:
        async with Client(url, connect_timeout=0.3):
            pass
    assert url in str(failed.value)
    with pytest.raises(ConnectionFailed, match="not a server's address"):
        Client("ftp://x")


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
                meanwhile.append(await (await client.submit("echo", text="later")).result(timeout=20))

            tasks.start_soon(submit_meanwhile)
            path.touch()
            again = type(server)(pair.store.url, TIDINGS_PORT=str(server.port))
            pair.servers.append(again)
            assert await handle.result(timeout=20) == "found"
        assert names == ["started", "progress", "log", "succeeded"]
        assert meanwhile == ["later"]
        assert client.state is ClientState.OPEN
