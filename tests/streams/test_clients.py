"""Streams by the Python clients and the command line, from real servers and workers."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.stream_kinds import WORDS
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.client import Client, StreamReset, SyncClient

KINDS = str(Path(__file__).parents[1] / "support" / "stream_kinds.py")
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}

system = system_fixture(KINDS, servers=1, both=QUICK)


async def test_a_stream_is_iterated_as_it_comes_and_is_whole_at_its_end(system: System, tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with Client(system.server.url) as client:
        handle = await client.submit("waits_between", path=str(go))
        reader = handle.stream()
        begin = [await anext(reader) for _ in range(3)]
        assert (begin, reader.text) == (list(WORDS[:3]), "To be, or ")
        waits = asyncio.create_task(anext(reader))
        await asyncio.sleep(0)
        waits.cancel()
        go.touch()
        assert [*begin, *[chunk async for chunk in reader]] == list(WORDS)
        assert reader.chunks == [chunk async for chunk in handle.stream("main")] == list(WORDS)
        assert await handle.result() == reader.text == "".join(WORDS)
        events = [event.name async for event in handle]
        assert not {"chunk", "chunks", "reset"} & set(events)
        later = await client.watch(handle.token)
        assert [chunk async for chunk in later.stream()] == list(WORDS)
        rest = await client.watch(handle.token, after=handle.seq - 1)
        assert "".join(WORDS).endswith("".join([chunk async for chunk in rest.stream()]))


@pytest.mark.parametrize("keep", [0, 2])
async def test_a_reader_learns_what_stays_when_a_later_attempt_begins_anew(
    system: System, tmp_path: Path, keep: int
) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit("fails_once", keep=keep)
        got: list[Any] = []
        resets: list[tuple[int, int]] = []
        reader = handle.stream()
        while True:
            try:
                async for chunk in reader:
                    got.append(chunk)  # noqa: PERF401 - the reader may raise in the middle
                break
            except StreamReset as reset:
                resets.append((reset.keep, reset.attempt))
                del got[reset.keep :]
        assert got == list(WORDS)
        assert resets in ([], [(keep, 2)])  # a reader that had not come so far misses nothing
        assert (reader.attempt, reader.text) == (2, await handle.result())


def test_the_client_without_await_iterates_streams_too(system: System) -> None:
    with SyncClient(system.server.url) as client:
        handle = client.submit("several")
        assert list(handle.stream("tokens", timeout=scaled(10))) == list(WORDS)
        assert list(handle.stream("thoughts")) == [{"about": word} for word in WORDS]


def test_the_command_line_prints_a_stream_as_it_comes(system: System, tmp_path: Path) -> None:
    def tidings(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tidings", *arguments],
            env={**os.environ, "TIDINGS_URL": system.server.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    go = tmp_path / "go"
    token = tidings("submit", "waits_between", f"path={go}").communicate(timeout=scaled(20))[0].strip()
    watch = tidings("watch", token, "--stream", "main")
    assert watch.stdout is not None
    begin = watch.stdout.read(len("To be, or "))
    go.touch()
    rest, errors = watch.communicate(timeout=scaled(20))
    assert (begin + rest, watch.returncode) == ("".join(WORDS) + "\n", 0), errors


async def test_a_name_that_no_stream_may_have_is_refused_by_client_and_command(system: System) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit("words")
        with pytest.raises(ValueError, match="stream 'a/b': a stream is called by 1 to 64 letters"):
            handle.stream("a/b")
    command = [sys.executable, "-m", "tidings", "watch", handle.token, "--stream", "a/b"]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=scaled(20))
    assert ran.returncode == 2
    assert "1 to 64 letters" in ran.stderr
