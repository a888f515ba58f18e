"""From a job that dies in a real worker to its second run, under the same token, as its client sees it."""

from pathlib import Path

import anyio
import pytest

from support.system import System, running_system
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings import Client
from tidings.client import JobFailed


def dead(system: System, *arguments: str) -> str:
    """Type a command; return what it prints."""
    done = run_tidings("dead", *arguments, TIDINGS_STORE_URL=system.store.url, COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_replayed_job_succeeds_under_its_token_and_a_new_watch_sees_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "mended"
    with running_system() as system:
        async with Client(system.server.url) as client:
            handle = await client.submit("mended", path=str(path))
            with pytest.raises(JobFailed):
                await handle.result(timeout=scaled(30))
            first = [event async for event in handle]
            shown = await anyio.to_thread.run_sync(dead, system, "show", handle.token)
            for part in ("attempts_exhausted", "the disk is full", "attempt 1 retrying", "attempt 2 failed", str(path)):
                assert part in shown, shown
            path.touch()
            await anyio.to_thread.run_sync(dead, system, "replay", handle.token, "--yes")
            again = await client.watch(handle.token)
            assert await again.result(timeout=scaled(30)) == "mended"
            events = [event async for event in again]
            assert [event.data for event in events if event.name == "log"] == ["attempt 1", "attempt 2", "attempt 1"]
            assert events[-1].seq > first[-1].seq
            assert first[-1].name == "failed"  # the old watch has ended, and stays so
            assert handle.status == "failed"


@pytest.mark.parametrize(
    ("kind", "code"), [("reject", "rejected"), ("too_long", "timeout"), ("raises", "handler_error")]
)
async def test_whatever_a_job_died_of_its_letter_says_so(system: System, kind: str, code: str) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit(kind)
        with pytest.raises(JobFailed):
            await handle.result(timeout=scaled(30))
    listed = await anyio.to_thread.run_sync(dead, system, "list", "--code", code, "--kind", kind)
    assert handle.token in listed
    shown = await anyio.to_thread.run_sync(dead, system, "show", handle.token)
    assert "attempt 1 failed" in shown
    assert "Traceback (most recent call last)" in shown or "Error: " in shown
