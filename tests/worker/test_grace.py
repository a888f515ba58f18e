"""A handler that must stop has its grace to clean up, and no more than that."""

import signal
from pathlib import Path
from typing import Any

import pytest

from support.peer import Peer, peer
from support.system import System

from .conftest import running_bad_system


async def cancelled(client: Peer, kind: str, **input: Any) -> str:
    """Submit, cancel once it runs, and return the event that ends the job."""
    token = (await client.submit(kind, input))["token"]
    await client.until(token, "log")
    await client.send("cancel", token=token)
    event: str = (await client.until(token))[-1]["event"]
    return event


@pytest.mark.parametrize("how", ["shielded", "plainly"])
async def test_a_cancelled_handler_may_await_what_it_needs_to_clean_up(client: Peer, tmp_path: Path, how: str) -> None:
    path = tmp_path / "clean"
    assert await cancelled(client, "clean_up", path=str(path), how=how) == "cancelled"
    assert path.exists()


async def test_so_may_one_that_took_too_long(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "clean"
    events = await client.run("clean_up_late", {"path": str(path)})
    assert events[-1]["data"]["problem"]["code"] == "timeout"
    assert path.exists()


@pytest.mark.parametrize("kind", ["swallow", "raise_when_cancelled"])
async def test_what_it_does_after_it_was_asked_to_stop_does_not_count(client: Peer, kind: str) -> None:
    assert await cancelled(client, kind) == "cancelled"


@pytest.mark.parametrize("kind", ["finish_when_asked", "finish_in_process_when_asked"])
async def test_a_plain_function_that_asks_has_its_grace_too(client: Peer, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "finished"
    assert await cancelled(client, kind, path=str(path)) == "cancelled"
    assert path.exists()


async def test_a_handler_that_does_not_stop_is_abandoned_and_keeps_its_slot_until_it_ends(
    tmp_path: Path,
) -> None:
    with running_bad_system(TIDINGS_SLOTS="1") as system:
        await run_away(system, tmp_path)


async def run_away(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    (worker,) = system.workers
    async with peer(system.server.socket_url) as client:
        assert await cancelled(client, "run_away", path=str(path)) == "cancelled"
        assert "handler_abandoned" in worker.text()
        seen = await client.submit("sees", {"path": str(path) + ".ended"})
        path.touch()
        assert (await client.until(seen["token"]))[-1]["data"] == {"result": True}
        assert await cancelled(client, "run_away", path=str(tmp_path / "never")) == "cancelled"
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()
    assert "handlers_left" in worker.text()


async def test_a_worker_that_has_left_does_not_wait_for_the_threads_of_coroutines() -> None:
    with running_bad_system() as system:
        (worker,) = system.workers
        async with peer(system.server.socket_url) as client:
            await client.until((await client.submit("wait_in_thread", {}))["token"], "log")
        worker.signal(signal.SIGTERM)
        assert worker.wait(30) == 0, worker.text()
        assert "loop_left" in worker.text()
