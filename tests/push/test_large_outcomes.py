"""A job's events are the same whatever their size, on every transport and in every client."""

from pathlib import Path

import anyio
import httpx
import pytest

from push.follow import by_long_poll, by_socket, by_stream
from push.seen import Seen
from support.peer import peer
from support.system import ServerProcess, System, system_fixture
from support.timeouts import scaled
from tidings.client import Client, JobFailed

SIZES = (10, 100_000, 3_000_000)


system = system_fixture(servers=2, TIDINGS_MAX_RESULT_BYTES="4000000")


async def begin(server: ServerProcess, path: Path, size: int, *, fails: bool = False) -> str:
    """Submit a job; return its token when it has told its first line."""
    async with peer(server.socket_url) as client:
        ack = await client.submit("large_when", {"path": str(path), "size": size, "fails": fails})
        await client.until(ack["token"], "log")
    return str(ack["token"])


async def watched_to_the_end(system: System, path: Path, size: int, *, fails: bool) -> dict[str, Seen]:
    """Return what each of several watchers was told, who all were there before the end."""
    one, other = system.servers
    token = await begin(one, path, size, fails=fails)
    seen = {name: Seen() for name in ("socket", "second socket", "other server", "stream", "long-poll")}
    with anyio.fail_after(scaled(20)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(by_socket, [one], token, seen["socket"], 0)
            tasks.start_soon(by_socket, [one], token, seen["second socket"], 0)
            tasks.start_soon(by_socket, [other], token, seen["other server"], 0)
            tasks.start_soon(by_stream, [one], token, seen["stream"], 0)
            tasks.start_soon(by_long_poll, [one], token, seen["long-poll"], 0)
            for each in seen.values():
                await each.until(1)
            path.touch()
    return seen


@pytest.mark.parametrize("fails", [False, True], ids=["succeeded", "failed"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_watcher_is_told_the_same_events_whatever_the_size(
    system: System, tmp_path: Path, size: int, fails: bool
) -> None:
    seen = await watched_to_the_end(system, tmp_path / "go", size, fails=fails)
    poll = seen.pop("long-poll")
    outcomes = {name: each.result for name, each in seen.items()}
    assert all(outcome == poll.result for outcome in outcomes.values())
    assert fails or poll.result == "x" * size
    end = "failed" if fails else "succeeded"
    for name, each in seen.items():
        assert each.names[-2:] == ["log", end], name
        assert each.snapshots == 1, f"{name}: the one it asked for"
        assert each.chunks == poll.chunks == ["here", "c" * 64_000]


@pytest.mark.parametrize("size", SIZES)
async def test_a_watcher_who_comes_back_after_the_end_is_told_it_as_an_event(
    system: System, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "go"
    path.touch()
    token = await begin(system.server, path, size)
    with anyio.fail_after(scaled(20)):
        first = Seen()
        await by_long_poll([system.server], token, first)
        for server in system.servers:
            for after in (0, first.seq - 1):
                for follow in (by_socket, by_stream):
                    seen = Seen()
                    seen.seq = after
                    await follow([server], token, seen, 0)
                    assert (seen.names[-1], seen.seq) == ("succeeded", first.seq)
                    assert seen.result == first.result == "x" * size


async def test_a_watcher_who_has_the_end_is_told_no_event_of_it_again(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    path.touch()
    token = await begin(system.server, path, 10)
    seen = Seen()
    await by_long_poll([system.server], token, seen)
    async with peer(system.server.socket_url) as client:
        assert (await client.ask("watch", token=token, after=seen.seq))["status"] == "succeeded"
        ref = await client.send("ping")
        assert await client.receive() == {"type": "pong", "ref": ref}
    async with httpx.AsyncClient() as http:
        headers = {"last-event-id": str(seen.seq)}
        answer = await http.get(f"{system.server.url}/v1/jobs/{token}/events", headers=headers)
    assert answer.status_code == 204


async def test_many_large_ends_of_one_socket_are_all_told(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    path.touch()
    tokens = [await begin(system.server, path, 3_000_000) for _ in range(4)]
    for token in tokens:
        await by_long_poll([system.server], token, Seen())
    async with peer(system.server.socket_url) as client:  # more than may wait for a slow reader, twice
        for token in tokens:
            await client.send("watch", token=token)
        ended: dict[str, int] = {}
        while len(ended) < len(tokens):
            frame = await client.receive()
            if frame["type"] == "event":
                ended[frame["token"]] = len(frame["data"]["result"])
    assert ended == dict.fromkeys(tokens, 3_000_000)


@pytest.mark.parametrize("size", SIZES)
async def test_the_python_client_tells_the_same_events(system: System, tmp_path: Path, size: int) -> None:
    path = tmp_path / "go"
    path.touch()
    async with Client(system.server.url) as client:
        handle = await client.submit("large_when", {"path": str(path), "size": size})
        names = [event.name async for event in handle if event.name != "started"]
        assert names == ["log", "log", "succeeded"]
        assert await handle.result() == "x" * size
        again = await client.watch(handle.token)  # told by a snapshot and by an event
        assert [event.name async for event in again] == ["log", "log", "succeeded"]
        assert await again.result() == "x" * size
        handle = await client.submit("large_when", {"path": str(path), "size": size, "fails": True})
        assert [event.name async for event in handle][-1] == "failed"
        with pytest.raises(JobFailed):
            await handle.result()
